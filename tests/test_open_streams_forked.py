"""The gauge of open streams over forks and over instrumentations: it is exact in parent and child."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import openai
import pytest

from .sdk.apis import CHAT
from .sdk.script import Transport
from .sdk.sdk import SYNC, http
from .sdk.telemetry import Telemetry
from .sdk.test_instrumented import use
from .sdk.wire import BASE_URL

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
def test_streams_that_ended_before_the_fork(before: int, collected: bool, telemetry: Telemetry) -> None:
    """Streams that ended before the fork are open in neither process, whatever still waits to be measured."""
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
def test_streams_that_are_open_at_the_fork(earlier: int, collected: bool, telemetry: Telemetry) -> None:
    """Streams that are open at the fork are the parent's: the child counts its own only."""
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
def test_a_child_of_a_child(telemetry: Telemetry) -> None:
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
def test_a_child_counts_nothing_else_that_waits(telemetry: Telemetry) -> None:
    """All other measurements that wait are the parent's alone."""
    with telemetry.on():
        use(SYNC, CHAT)
        still_open(telemetry)
        use(SYNC, CHAT)

        def ended() -> int:
            return int(sum(point.value for point in telemetry.points("toolspan.streams")))

        assert in_child(ended) == 1
        assert ended() == 2


@pytest.mark.parametrize("collected", [False, True], ids=["never collected", "collected"])
def test_a_stream_that_outlives_its_instrumentation(collected: bool, telemetry: Telemetry) -> None:
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
