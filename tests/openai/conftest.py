"""What the tests of the seam share."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator

import pytest

from toolspan import guard

from .telemetry import Telemetry


@pytest.fixture(name="telemetry")
def _telemetry() -> Telemetry:
    """An in-memory SDK; switch the instrumentation on with `telemetry.on()`."""
    return Telemetry()


@pytest.fixture(name="unraisable")
def _unraisable(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Errors that nobody could catch, in `__del__` above all; the test fails if there were any."""
    found: list[str] = []
    monkeypatch.setattr(
        sys, "unraisablehook", lambda args: found.append(f"{args.exc_value!r} in {args.object!r}")
    )
    gc.collect()  # frozen garbage is never collected: a stream in it would stay open in all later tests
    gc.freeze()  # what is there already is not collected again and again, also by later tests
    yield found
    gc.collect()
    assert found == []


@pytest.fixture(name="guarded")
def _guarded(monkeypatch: pytest.MonkeyPatch, reraise: None) -> None:
    """Here the guard does what it does in production: it reports, and raises nothing."""
    monkeypatch.setattr(guard, "reraise", False)


@pytest.fixture(autouse=True, name="environment")
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting comes from the environment in which the tests run."""
    for name in os.environ:
        if name.startswith(("TOOLSPAN_", "OTEL_", "OPENAI_")) and name != "TOOLSPAN_TEST_SCALE":
            monkeypatch.delenv(name)
