"""What these tests share: an SDK in memory; and where the neighbours are missing, there is nothing to test.

`make test` has an environment of its own, in which they would instrument the demo as well.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.sdk.telemetry import Telemetry

if find_spec("pydantic_ai") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(name="telemetry")
def _telemetry() -> Telemetry:
    """An in-memory SDK; switch the instrumentation on with `telemetry.on()`."""
    return Telemetry()
