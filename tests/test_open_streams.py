"""Streams that the application did not end: at exit, after forks, in collections; how many are open.

The same with real processes is in `sdk/test_endings_exit.py`.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from toolspan import open_streams
from toolspan.wire.record import End

from .sdk.apis import CHAT
from .sdk.script import Transport
from .sdk.sdk import SYNC, http
from .sdk.telemetry import Telemetry
from .sdk.test_requests import use
from .sdk.wire import BASE_URL


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


def test_exit_drops_open_and_waiting_streams() -> None:
    """At exit, open streams and collected streams that wait end as dropped."""
    still_open, waiting = Call(), Call()
    open_streams.opened(still_open)
    open_streams.waiting.append(waiting)
    open_streams._at_exit()
    assert (still_open.ends, waiting.ends) == ([End.DROPPED], [End.DROPPED])
    assert not open_streams._open


def test_a_child_forgets_its_parents_streams() -> None:
    """After a fork the child ends none of the parent's streams, at exit neither."""
    call, waiting = Call(), Call()
    open_streams.opened(call)
    open_streams.waiting.append(waiting)
    open_streams._in_child()
    open_streams._at_exit()
    assert (call.forgotten, call.ends, waiting.ends) == (True, [], [])


def test_a_collected_stream_ends_at_the_next_request() -> None:
    """A stream collected by the garbage collector ends at the next request, any other at once."""
    during, after = Call(), Call()
    open_streams._on_collection("start", {})
    open_streams.dropped(during)
    assert during.ends == []
    open_streams._on_collection("stop", {})
    open_streams.dropped(after)
    open_streams.end_dropped()
    assert (during.ends, after.ends) == ([End.DROPPED], [End.DROPPED])


def test_two_threads_may_end_dropped_streams_at_once() -> None:
    """A thread that finds no stream left, because another was faster, continues."""
    first = Call()

    class Stolen(list[Any]):
        """Says that there is something, and has nothing."""

        def popleft(self) -> Any:
            """Another thread has taken it."""
            raise IndexError

    waiting = open_streams.waiting
    open_streams.waiting = Stolen([first])  # type: ignore[assignment]  # a deque of its own kind
    try:
        open_streams.end_dropped()
    finally:
        open_streams.waiting = waiting
    assert first.ends == []


def test_installing_repeatedly_keeps_one_callback() -> None:
    """Installing and removing any number of times leaves at most one callback."""
    open_streams.install()
    assert gc.callbacks.count(open_streams._on_collection) == 1
    open_streams.remove()
    open_streams.remove()
    assert open_streams._on_collection not in gc.callbacks


forks = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]

TOO_MANY = 100


def forking(test: Any) -> Any:
    """Mark a test that forks."""
    for mark in forks:
        test = mark(test)
    return test


def still_open(telemetry: Telemetry) -> int:
    """Collect: how many streams are open."""
    points = telemetry.points("toolspan.streams.open")
    return int(sum(point.value for point in points))


def in_child(act: Callable[[], int]) -> int:
    """The number that a forked process finds."""
    child = os.fork()
    if not child:
        code = TOO_MANY
        try:
            code = act() % 256
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def stream() -> Any:
    """A stream of which one chunk has been read."""
    channel = http.Client(transport=http.MockTransport(Transport(CHAT.calling)))
    client = openai.OpenAI(api_key="k", base_url=BASE_URL, http_client=channel)
    found = CHAT.stream(client)
    next(found)
    return found


@forking
@pytest.mark.parametrize("collected", [False, True], ids=["never collected", "collected"])
@pytest.mark.parametrize("before", [1, 2, 3])
def test_streams_ended_before_a_fork_count_in_no_process(
    before: int, collected: bool, telemetry: Telemetry
) -> None:
    """Streams that ended before the fork are not open, even if their measurement waits."""
    with telemetry.on():
        if collected:
            still_open(telemetry)
        for _ in range(before):
            use(SYNC, CHAT)
        assert in_child(lambda: still_open(telemetry)) == 0
        assert still_open(telemetry) == 0


@forking
@pytest.mark.parametrize("collected", [False, True], ids=["never collected", "collected"])
@pytest.mark.parametrize("earlier", [0, 2])
def test_streams_open_at_a_fork_count_in_the_parent_only(
    earlier: int, collected: bool, telemetry: Telemetry
) -> None:
    """The child counts only streams that it opened."""
    with telemetry.on():
        for _ in range(earlier):
            use(SYNC, CHAT)
        if collected:
            still_open(telemetry)
        mine = [stream(), stream()]

        def child() -> int:
            first = still_open(telemetry)
            own = stream()
            during = still_open(telemetry)
            list(own)
            list(mine[0])
            return first * 64 + during * 8 + still_open(telemetry)

        assert in_child(child) == 8
        assert still_open(telemetry) == 2
        list(mine.pop())
        assert still_open(telemetry) == 1
        list(mine.pop())
        assert still_open(telemetry) == 0


@forking
def test_each_process_of_a_fork_chain_counts_its_streams(telemetry: Telemetry) -> None:
    """Each process of a chain of forks counts its own streams."""
    with telemetry.on():
        still_open(telemetry)
        mine = stream()

        def child() -> int:
            own = stream()
            inner = in_child(lambda: still_open(telemetry))
            found = inner * 8 + still_open(telemetry)
            list(own)
            return found

        assert in_child(child) == 1
        list(mine)
        assert still_open(telemetry) == 0


@forking
def test_waiting_measurements_stay_with_the_parent(telemetry: Telemetry) -> None:
    """Measurements that wait at a fork are recorded by the parent only."""
    with telemetry.on():
        use(SYNC, CHAT)
        still_open(telemetry)
        use(SYNC, CHAT)

        def ended() -> int:
            return int(sum(point.value for point in telemetry.points("toolspan.streams")))

        assert in_child(ended) == 1
        assert ended() == 2


@pytest.mark.parametrize("collected", [False, True], ids=["never collected", "collected"])
def test_a_stream_that_outlives_its_instrumentation_is_counted_out(
    collected: bool, telemetry: Telemetry
) -> None:
    """A stream that ends under another instrumentation, or under none, is counted out as any other."""
    with telemetry.on():
        use(SYNC, CHAT)
        if collected:
            still_open(telemetry)
        streams = [stream(), stream()]
    list(streams.pop())
    assert still_open(telemetry) == 1
    with telemetry.on():
        list(streams.pop())
        assert still_open(telemetry) == 0


def test_an_interrupted_end_is_called_again_at_the_next_request() -> None:
    """A call whose end is interrupted waits for the next request; one whose end fails does not."""

    class Broken(Call):
        error: BaseException = KeyboardInterrupt()

        def end(self, end: Any) -> None:
            super().end(end)
            if len(self.ends) == 1:
                raise self.error

    call, failing = Broken(), Broken()
    failing.error = RuntimeError()
    for each in (call, failing):
        open_streams.opened(each)
        with pytest.raises(type(each.error)):
            open_streams.finish(each, End.CLOSED)
    open_streams.end_dropped()
    assert (call.ends, failing.ends) == ([End.CLOSED, End.DROPPED], [End.CLOSED])
    assert not open_streams._open
    assert not open_streams.waiting


def test_a_call_ends_when_its_owner_is_gone() -> None:
    """A call that outlives its owner waits for the next request; an owner without a call is left out."""

    class Frame:
        """What a call lives for."""

    frame, call = Frame(), Call()
    owner, empty = (open_streams.Owner(frame, open_streams.waiting.append) for _ in range(2))
    owner.call = call
    del frame
    gc.collect()
    assert len(open_streams.waiting) == 2
    open_streams.end_dropped()
    assert call.ends == [End.DROPPED]
    assert empty() is None
