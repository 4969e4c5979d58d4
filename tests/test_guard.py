"""The guard: an error of the package is reported once and costs the application nothing."""

from __future__ import annotations

import logging

import pytest

from toolspan import guard


@pytest.fixture(autouse=True, name="guarded")
def _guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard as the application has it."""
    monkeypatch.setattr(guard, "reraise", False)


def test_a_failure_is_reported_once_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    """A repeated failure is logged once, without its message, which may hold content."""
    for _ in range(3):
        guard.report("reading a chunk", ValueError("MARKER"))
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("toolspan", logging.WARNING)
    expected = "toolspan: reading a chunk failed with ValueError; the application is not affected"
    assert record.getMessage() == expected
    assert "MARKER" not in caplog.text


def test_the_traceback_is_logged_at_level_debug(caplog: pytest.LogCaptureFixture) -> None:
    """At level DEBUG the report includes the traceback, without the words of the error and its causes."""
    words = "".join(("MAR", "KER"))  # not in one piece, because the traceback shows source lines
    with caplog.at_level(logging.DEBUG, logger="toolspan"):
        try:
            raise ValueError(words) from KeyError(words)
        except ValueError as error:
            guard.report("reading a chunk", error)
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG"]
    assert "in test_the_traceback_is_logged_at_level_debug" in caplog.text
    assert caplog.text.rstrip().endswith("ValueError")
    assert "MARKER" not in caplog.text


@pytest.mark.parametrize(
    ("what", "error"),
    [("ending a call", ValueError()), ("reading a chunk", KeyError())],
    ids=["elsewhere", "another error"],
)
def test_another_place_or_type_is_another_failure(
    caplog: pytest.LogCaptureFixture, what: str, error: Exception
) -> None:
    """A failure elsewhere, or of another type, is another one."""
    guard.report("reading a chunk", ValueError())
    guard.report(what, error)
    assert len(caplog.records) == 2


def test_an_error_raised_at_one_line_is_one_failure(caplog: pytest.LogCaptureFixture) -> None:
    """An error raised at one line is the same failure in every place that reports it."""
    for what in ("reading a chunk", "ending a call"):
        try:
            raise ValueError
        except ValueError as error:
            guard.report(what, error)
    assert len(caplog.records) == 1


def test_a_reset_reports_failures_anew(caplog: pytest.LogCaptureFixture) -> None:
    """After a new instrumentation each failure is reported again."""
    guard.report("reading a chunk", ValueError())
    guard.reset()
    guard.report("reading a chunk", ValueError())
    assert len(caplog.records) == 2


def test_reraise_raises_the_error_in_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `reraise` set, as in these tests, the guard raises the error."""
    monkeypatch.setattr(guard, "reraise", True)
    with pytest.raises(ValueError, match="MARKER"):
        guard.report("reading a chunk", ValueError("MARKER"))


@pytest.mark.parametrize("raised", [SystemExit(3), GeneratorExit(), ValueError("MARKER")], ids=repr)
def test_an_attribute_that_raises_counts_as_missing(raised: BaseException) -> None:
    """An attribute that exits the process does not take the place of the application's error."""

    class HostileError(Exception):
        def __getattr__(self, name: str) -> object:
            raise raised

    assert guard.attribute(HostileError(), "completion") is None


def test_an_interruption_by_the_user_passes_the_guard() -> None:
    """A `KeyboardInterrupt` that arrives while an attribute is read is the user's and is not lost."""

    class InterruptedReadError(Exception):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guard.attribute(InterruptedReadError(), "completion")
