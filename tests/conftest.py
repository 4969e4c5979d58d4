"""Fixtures and options of all tests; the guard raises the package's own errors here."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from toolspan import guard, instrumentor
from toolspan.otel import deferred_metrics

from . import matrix
from .otel.lab import Lab
from .programs import Programs
from .sdk.telemetry import Telemetry

pytest.register_assert_rewrite("tests.sdk.endings", "tests.sdk.faults", "tests.sdk.observe")
# A collection for each 700 new objects takes a fifth of the time. A test that needs one asks for it.
gc.set_threshold(50_000, 20, 20)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that runs every combination."""
    parser.addoption("--full", action="store_true", help="run every combination of parameters, not a sample")


def pytest_configure(config: pytest.Config) -> None:
    """Have Hypothesis make fewer examples by default; a busy machine makes slow ones, and no wrong ones."""
    full = config.getoption("full") or os.environ.get("TOOLSPAN_TEST_SCALE") == "full"
    settings.register_profile(
        "busy",
        max_examples=100 if full else 40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("busy")


@pytest.hookimpl(wrapper=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Iterator[None]:
    """Leave out combinations before tests are made of them: collecting all takes 40 s."""
    yield
    calls = metafunc._calls
    if calls and not metafunc.config.getoption("full"):
        marks = list(metafunc.definition.iter_markers("crossed"))
        rows = matrix.rows_of(
            [(call.params, call.indices) for call in calls], {name for mark in marks for name in mark.args}
        )
        few = max((mark.kwargs.get("few", 0) for mark in marks), default=0) or matrix.FEW
        metafunc._calls = [calls[at] for at in matrix.sample(rows, metafunc.definition.name, few)]


def pytest_collection_finish() -> None:
    """Exclude the many objects of the tests themselves from garbage collections."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, name="reraise")
def _reraise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let errors of the package fail the test; tests of the guard switch this off again."""
    monkeypatch.setattr(guard, "reraise", True)
    guard.reset()


@pytest.fixture(autouse=True, name="patient")
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for background work and drop waiting measurements, which else reach the next test."""
    monkeypatch.setattr(instrumentor, "_AT_END", 30.0)
    deferred_metrics.backlog.clear()


@pytest.fixture(name="telemetry")
def _telemetry() -> Telemetry:
    """Return an in-memory OpenTelemetry SDK; `telemetry.on()` instruments."""
    return Telemetry()


@pytest.fixture(name="unraisable")
def _unraisable(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Fail the test for errors that cannot be caught, as in `__del__`."""
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
    """Let the guard report errors instead of raising them, as in production."""
    monkeypatch.setattr(guard, "reraise", False)


@pytest.fixture(autouse=True, name="environment")
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove settings of the environment in which the tests run."""
    for name in os.environ:
        if name.startswith(("TOOLSPAN_", "OTEL_", "OPENAI_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", name="programs")
def _programs() -> Iterator[Programs]:
    """Return the interpreter from which programs fork; it starts without any test's settings."""
    programs = Programs()
    yield programs
    programs.close()


@pytest.fixture(name="lab")
def _lab() -> Lab:
    """Return an in-memory OpenTelemetry SDK for the sinks alone."""
    return Lab()
