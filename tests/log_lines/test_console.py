"""The stream log's output: stderr, until the application configures `logging`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from toolspan.log_lines.sink import LOG, Console

from ..programs import Programs

SCRIPT = """
import logging
from toolspan import OpenAIInstrumentor
from tests.sdk import wire
from tests.sdk.script import CALLS, Transport
from tests.sdk.sdk import SYNC

async def ask():
    async with SYNC.client(Transport(CALLS)) as client:
        list(client.chat.completions.create(stream=True, tools=[wire.TOOL], **wire.ASK))

OpenAIInstrumentor().instrument(cost="off")
SYNC.run(ask())
{then}
SYNC.run(ask())
OpenAIInstrumentor().uninstrument()
SYNC.run(ask())
"""


def printed(programs: Programs, then: str, setting: str) -> list[str]:
    """What a process prints to its error output."""
    done = programs.run(SCRIPT.format(then=then), TOOLSPAN_LOG=setting)
    assert (done.code, done.stdout) == (0, "")
    return done.stderr.splitlines()


def test_the_variable_alone_writes_lines_to_stderr(programs: Programs) -> None:
    """`TOOLSPAN_LOG=text` is enough; uninstrumenting ends the lines. Without it, one line says what to do."""
    found = printed(programs, "", "text")
    assert [line.partition("]")[0] for line in found] == [
        "[request",
        *["[tool detected", "[tool completed"] * 2,
        "[finish",
    ] * 2
    (line,) = printed(programs, "", "off")
    assert line.startswith("toolspan: no OpenTelemetry provider is set")


def test_lines_move_to_the_applications_handlers(programs: Programs) -> None:
    """Once the application has handlers, each line goes to them once, and not to the error output."""
    then = "logging.basicConfig(format='MINE %(levelname)s %(name)s %(message)s', level=logging.INFO)"
    found = printed(programs, then, "text")
    own, mine = found[:6], [line for line in found[6:] if "toolspan" in line]
    assert all(line.startswith("[") for line in own)
    assert len(mine) == 6
    assert all("toolspan.stream [" in line and line.startswith("MINE ") for line in mine)


@contextmanager
def alone() -> Iterator[None]:
    """No handler but ours, as in a program that has set up nothing."""
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        yield
    finally:
        root.handlers = handlers
    assert (LOG.handlers, LOG.level) == ([], logging.NOTSET)


@alone()
def test_the_level_is_restored_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    """Uninstrumenting restores the logger's level, and leaves alone a level that the application set."""
    console = Console()
    assert LOG.level == logging.INFO
    LOG.info("seen")
    console.remove()
    LOG.info("not seen")
    assert (LOG.level, capsys.readouterr().err) == (logging.NOTSET, "seen\n")
    LOG.setLevel(logging.WARNING)
    try:
        console = Console()
        LOG.info("not seen")
        console.remove()
        assert (LOG.level, capsys.readouterr().err) == (logging.WARNING, "")
    finally:
        LOG.setLevel(logging.NOTSET)


@alone()
def test_a_closed_stderr_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines for a closed error output are lost without an error."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    monkeypatch.setattr(sys, "stderr", None)
    console = Console()

    def broken(record: logging.LogRecord) -> str:
        raise OSError

    monkeypatch.setattr(console, "format", broken)
    LOG.info("lost")
    console.remove()
    assert console not in LOG.handlers


@alone()
def test_an_exporting_handler_does_not_replace_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """A handler that only exports lines does not keep them from the error output."""

    class LoggingHandler(logging.Handler):
        __module__ = "opentelemetry.sdk._logs"

        def emit(self, record: logging.LogRecord) -> None:
            exported.append(record.getMessage())

    exported: list[str] = []
    root, handler = logging.getLogger(), LoggingHandler()
    root.addHandler(handler)
    console = Console()
    LOG.info("seen")
    console.remove()
    root.removeHandler(handler)
    assert (exported, capsys.readouterr().err) == (["seen"], "seen\n")


def test_handlers_that_lines_cannot_reach_do_not_count(capsys: pytest.CaptureFixture[str]) -> None:
    """A handler behind a logger without propagation does not replace the error output."""
    LOG.propagate = False
    console = Console()
    try:
        LOG.info("seen")
    finally:
        console.remove()
        LOG.propagate = True
    assert capsys.readouterr().err == "seen\n"
