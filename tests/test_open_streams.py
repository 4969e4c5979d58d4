"""What becomes of streams that nobody ended, step by step.

The same with real processes is in `test_endings_exit.py`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from toolspan import open_streams
from toolspan.wire.record import End


class Call:
    """What this module knows of a call."""

    def __init__(self) -> None:
        self.ends: list[Any] = []
        self.forgotten = False

    def end(self, end: Any) -> None:
        """Note it."""
        self.ends.append(end)

    def forget(self) -> None:
        """Note it."""
        self.forgotten = True


@pytest.fixture(name="alone", autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No stream of another test is open here."""
    monkeypatch.setattr(open_streams, "_open", set())
    open_streams.install()
    yield
    open_streams.remove()


def test_the_end_of_the_process_ends_them() -> None:
    """What is open is dropped, and so is what died in a collection and waits for its end."""
    still_open, waiting = Call(), Call()
    open_streams.opened(still_open)
    open_streams._waiting.append(waiting)
    open_streams._at_exit()
    assert (still_open.ends, waiting.ends) == ([End.DROPPED], [End.DROPPED])
    assert not open_streams._open


def test_a_child_says_nothing_of_them() -> None:
    """After a fork the parent's streams are forgotten: neither their end nor the process's is told."""
    call, waiting = Call(), Call()
    open_streams.opened(call)
    open_streams._waiting.append(waiting)
    open_streams._in_child()
    open_streams._at_exit()
    assert (call.forgotten, call.ends, waiting.ends) == (True, [], [])


def test_what_dies_in_a_collection_waits() -> None:
    """It is ended at the next request, not by the thread that collects; elsewhere it ends at once."""
    during, after = Call(), Call()
    open_streams._on_collection("start", {})
    open_streams.dropped(during)
    assert during.ends == []
    open_streams._on_collection("stop", {})
    open_streams.dropped(after)
    open_streams.end_dropped()
    assert (during.ends, after.ends) == ([End.DROPPED], [End.DROPPED])


def test_somebody_else_settles_at_the_same_time() -> None:
    """A thread that finds nothing left, because another was faster, goes on."""
    first = Call()

    class Stolen(list[Any]):
        """Says that there is something, and has nothing."""

        def popleft(self) -> Any:
            """Another thread has taken it."""
            raise IndexError

    waiting = open_streams._waiting
    open_streams._waiting = Stolen([first])  # type: ignore[assignment]  # a deque of its own kind
    try:
        open_streams.end_dropped()
    finally:
        open_streams._waiting = waiting
    assert first.ends == []


def test_watching_begins_and_ends_once() -> None:
    """However often it is switched on and off, there is one callback at most."""
    open_streams.install()
    assert gc.callbacks.count(open_streams._on_collection) == 1
    open_streams.remove()
    open_streams.remove()
    assert open_streams._on_collection not in gc.callbacks
