"""Fixtures of these tests, which are collected only where the other instrumentations are installed.

They have their own environment: in that of `make test` they would instrument the demo as well.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.sdk.telemetry import Telemetry

if find_spec("pydantic_ai") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(name="telemetry")
def _telemetry() -> Telemetry:
    """Return an in-memory SDK; `telemetry.on()` switches the instrumentation on."""
    return Telemetry()
