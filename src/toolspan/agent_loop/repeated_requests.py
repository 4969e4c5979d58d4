"""Recognise a request that the application repeats after a failure."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar, NamedTuple, TypeAlias
from weakref import ref

from opentelemetry import trace

from ..otel import semconv as names
from ..otel.call_data import Kin
from ..otel.sink import Observed, Sink
from ..wire.record import Outcome
from ..wire.request import Request

_MOST = 1024  # attempts
_LONGEST = 300 * 10**9  # nanoseconds

_Key: TypeAlias = "tuple[int, int, Hashable]"


class Left(NamedTuple):
    """An attempt that did not succeed: its number, the span around it, its own, and when it ended."""

    attempt: int
    parent: int
    span: Any
    at: int


def fingerprint(operation: str, api: str | None, request: Request) -> int | None:
    """What is asked, as a hash; `None` where too little is known of it to know it again."""
    if request.asked is None and request.response is None and request.prompt_name is None:
        return None
    tools = request.tools and request.tools.fingerprint
    before = (request.conversation, request.previous_response)
    named = (request.prompt_name, request.prompt_version, request.response, request.cursor)
    return hash((operation, api, request.model, request.message_count, tools, request.asked, before, named))


class Siblings:
    """Who has tried what, without success: bounded in number and in time."""

    def __init__(self) -> None:
        self._left: dict[_Key, Left] = {}
        self._groups: dict[tuple[int, int], int] = {}
        self._order: deque[tuple[int, _Key]] = deque()

    def leave(self, kin: Kin, left: Left) -> None:
        """Remember an attempt that did not succeed."""
        key = _key(kin)
        self._left[key] = left
        self._groups[key[:2]] = left.at
        self._order.append((left.at, key))
        self._forget(left.at)

    def recall(self, kin: Kin, at: int) -> Left | None:
        """Take the attempt that one which begins `at` this time repeats; each is repeated once.

        That of the same task or thread comes first. Within a trace it may also be that of another one.
        """
        if not self._left:
            return None
        left = self._left.pop(_key(kin), None)
        if left is None and kin.trace and (kin.what, kin.trace) in self._groups:
            left = self._of_another(kin)
        return left if left is not None and at - left.at <= _LONGEST else None

    def settle(self, kin: Kin) -> None:
        """It succeeded: what the same task or thread has tried before is over."""
        self._left.pop(_key(kin), None)

    def _of_another(self, kin: Kin) -> Left | None:
        """One of the same trace, if possible of the same parent; a task that still runs repeats its own."""
        found = None
        for key, left in self._left.copy().items():
            if key[0] != kin.what or key[1] != kin.trace or _runs(key[2]):
                continue
            found = found or key
            if left.parent == kin.parent:
                found = key
                break
        return self._left.pop(found, None) if found is not None else None

    def _forget(self, now: int) -> None:
        """Drop what is too old, and the oldest of too many."""
        try:
            while len(self._order) > _MOST or now - self._order[0][0] > _LONGEST:
                at, key = self._order.popleft()
                if (left := self._left.get(key)) is not None and left.at == at:
                    self._left.pop(key, None)
                if self._groups.get(key[:2]) == at:
                    self._groups.pop(key[:2], None)
        except IndexError:  # another thread was faster
            return


def _key(kin: Kin) -> _Key:
    return kin.what, kin.trace, kin.lane


def _runs(lane: Hashable) -> bool:
    """Whether it is a task that has not ended."""
    task = lane() if isinstance(lane, ref) else None
    return task is not None and not task.done()


_WITHOUT_SUCCESS = (Outcome.FAILED, Outcome.CANCELLED, Outcome.TRUNCATED, Outcome.ABANDONED)
_threads = threading.local()


class SiblingSink(Sink):
    """Remembers the attempts of one instrumentation."""

    signals: ClassVar[Mapping[str, str]] = {
        "opened": "links to earlier attempts",
        "ended": "memories of attempts",
    }

    def __init__(self) -> None:
        self._siblings = Siblings()

    def opened(self, call: Observed) -> None:
        """Say which attempt it is, and link it to the one before."""
        what = fingerprint(call.operation, call.api_type, call.request)
        if what is None:
            return
        around = trace.get_current_span().get_span_context()
        call.kin = Kin(what, around.trace_id, around.span_id, _lane())
        before = self._siblings.recall(call.kin, call.began_at)
        if before is not None:
            call.attempt = before.attempt + 1
            if before.span is not None and before.span.is_valid:
                call.links.append((before.span, {names.LINK: "attempt"}))

    def ended(self, call: Observed) -> None:
        """Remember it if it did not succeed."""
        if call.kin is None:
            return
        if call.outcome is Outcome.COMPLETED:
            self._siblings.settle(call.kin)
        elif call.outcome in _WITHOUT_SUCCESS:
            span = call.span.get_span_context() if call.span is not None else None
            self._siblings.leave(call.kin, Left(call.attempt, call.kin.parent, span, call.ended_at))


def _lane() -> Hashable:
    """What does one thing after the other: the task, weakly, or the thread, by a mark of its own."""
    loop = asyncio._get_running_loop()
    task = None if loop is None else asyncio.current_task(loop)
    if task is not None:
        lane = ref(task)
        hash(lane)  # which it keeps, for when the task is gone
        return lane
    if not hasattr(_threads, "lane"):
        _threads.lane = object()
    found: Hashable = _threads.lane
    return found
