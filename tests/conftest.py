"""What all tests share: this package's own errors are raised here, so that none hides behind the guard."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from toolspan import assembly, guard, instrumentor

from . import matrix

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")  # a machine that is busy makes slow examples, and no wrong ones


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that runs every combination."""
    parser.addoption("--full", action="store_true", help="run every combination of parameters, not a sample")


@pytest.hookimpl(wrapper=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Iterator[None]:
    """Leave out combinations before a test is made for each: to collect them all takes 40 s."""
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
    """The tests themselves are many objects and stay: the collector need not look at them again each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, name="reraise")
def _reraise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours fails the test; tests of the guard itself switch this off again."""
    monkeypatch.setattr(guard, "reraise", True)
    guard.reset()


@pytest.fixture(autouse=True, name="patient")
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done beside the application is waited for, so that none of it reaches into the next test."""
    monkeypatch.setattr(instrumentor, "_AT_END", 30.0)


@pytest.fixture(autouse=True, name="no_backlog")
def _no_backlog() -> None:
    """No measurement of another test waits."""
    assembly.backlog.clear()
