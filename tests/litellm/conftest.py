"""Fixtures of these tests, which are collected only where LiteLLM is installed: it takes 400 MB."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.sdk.telemetry import Telemetry

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["NO_PROXY"] = "127.0.0.1"
if find_spec("litellm") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(name="telemetry")
def _telemetry() -> Iterator[Telemetry]:
    """Return an in-memory SDK that all instrumentors feed."""
    import toolspan

    found = Telemetry()
    toolspan.instrument(
        tracer_provider=found.tracers, meter_provider=found.meters, logger_provider=found.loggers
    )
    yield found
    toolspan.uninstrument()
