"""The two faces of the SDK, and a mark that runs a test with both."""

# ruff: noqa: F401 - tests import the parts from here
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest

from .face import END, AsyncFace, Face
from .http_module import KEY, http

SYNC, ASYNC = Face(), AsyncFace()
FACES = (SYNC, ASYNC)
both_faces: Callable[..., Any] = pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
"""Runs a test once for each face."""
