"""What all tests share: this package's own errors are raised here, so that none hides behind the guard."""

from __future__ import annotations

import gc

import pytest
from hypothesis import HealthCheck, settings

from toolspan import assembly, guard, instrumentor

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")  # a machine that is busy makes slow examples, and no wrong ones


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
