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
from ..otel.call_data import RequestKey
from ..otel.sink import Observed, Sink
from ..wire.record import Outcome
from ..wire.request import Request

_MOST = 1024  # attempts
_LONGEST = 300 * 10**9  # nanoseconds

_Key: TypeAlias = "tuple[int, int, Hashable]"


class FailedAttempt(NamedTuple):
    """An attempt that did not succeed: its number, the span around it, its own, and when it ended."""

    attempt: int
    parent: int
    span: Any
    at: int


def fingerprint(operation: str, api: str | None, request: Request) -> int | None:
    """What is asked, as a hash; `None` where too little is known of it to know it again."""
    if request.digest is None and request.response is None and request.prompt_name is None:
        return None
    tools = request.tools and request.tools.fingerprint
    before = (request.conversation, request.previous_response)
    named = (request.prompt_name, request.prompt_version, request.response, request.cursor)
    return hash((operation, api, request.model, request.message_count, tools, request.digest, before, named))


class FailedAttempts:
    """Who has tried what, without success: bounded in number and in time."""

    def __init__(self) -> None:
        self._attempts: dict[_Key, FailedAttempt] = {}
        self._groups: dict[tuple[int, int], int] = {}
        self._order: deque[tuple[int, _Key]] = deque()

    def leave(self, request_key: RequestKey, failed: FailedAttempt) -> None:
        """Remember an attempt that did not succeed."""
        key = _key(request_key)
        self._attempts[key] = failed
        self._groups[key[:2]] = failed.at
        self._order.append((failed.at, key))
        self._forget(failed.at)

    def recall(self, request_key: RequestKey, at: int) -> FailedAttempt | None:
        """Take the attempt that one which begins `at` this time repeats; each is repeated once.

        That of the same task or thread comes first. Within a trace it may also be that of another one.
        """
        if not self._attempts:
            return None
        failed = self._attempts.pop(_key(request_key), None)
        if failed is None and request_key.trace and (request_key.what, request_key.trace) in self._groups:
            failed = self._of_another(request_key)
        return failed if failed is not None and at - failed.at <= _LONGEST else None

    def succeeded(self, request_key: RequestKey) -> None:
        """It succeeded: what the same task or thread has tried before is over."""
        self._attempts.pop(_key(request_key), None)

    def _of_another(self, request_key: RequestKey) -> FailedAttempt | None:
        """One of the same trace, if possible of the same parent; a task that still runs repeats its own."""
        found = None
        for key, failed in self._attempts.copy().items():
            if key[0] != request_key.what or key[1] != request_key.trace or _is_running(key[2]):
                continue
            found = found or key
            if failed.parent == request_key.parent:
                found = key
                break
        return self._attempts.pop(found, None) if found is not None else None

    def _forget(self, now: int) -> None:
        """Drop what is too old, and the oldest of too many."""
        try:
            while len(self._order) > _MOST or now - self._order[0][0] > _LONGEST:
                at, key = self._order.popleft()
                if (failed := self._attempts.get(key)) is not None and failed.at == at:
                    self._attempts.pop(key, None)
                if self._groups.get(key[:2]) == at:
                    self._groups.pop(key[:2], None)
        except IndexError:  # another thread was faster
            return


def _key(request_key: RequestKey) -> _Key:
    return request_key.what, request_key.trace, request_key.caller


def _is_running(caller: Hashable) -> bool:
    """Whether it is a task that has not ended."""
    task = caller() if isinstance(caller, ref) else None
    return task is not None and not task.done()


_WITHOUT_SUCCESS = (Outcome.FAILED, Outcome.CANCELLED, Outcome.TRUNCATED, Outcome.ABANDONED)
_threads = threading.local()


class RepeatedRequestSink(Sink):
    """Remembers the attempts of one instrumentation."""

    signals: ClassVar[Mapping[str, str]] = {
        "opened": "links to earlier attempts",
        "ended": "memories of attempts",
    }

    def __init__(self) -> None:
        self._failed_attempts = FailedAttempts()

    def opened(self, call: Observed) -> None:
        """Say which attempt it is, and link it to the one before."""
        what = fingerprint(call.operation, call.api_type, call.request)
        if what is None:
            return
        around = trace.get_current_span().get_span_context()
        call.request_key = RequestKey(what, around.trace_id, around.span_id, _caller())
        before = self._failed_attempts.recall(call.request_key, call.began_at)
        if before is not None:
            call.attempt = before.attempt + 1
            if before.span is not None and before.span.is_valid:
                call.links.append((before.span, {names.LINK: "attempt"}))

    def ended(self, call: Observed) -> None:
        """Remember it if it did not succeed."""
        if call.request_key is None:
            return
        if call.outcome is Outcome.COMPLETED:
            self._failed_attempts.succeeded(call.request_key)
        elif call.outcome in _WITHOUT_SUCCESS:
            span = call.span.get_span_context() if call.span is not None else None
            self._failed_attempts.leave(
                call.request_key, FailedAttempt(call.attempt, call.request_key.parent, span, call.ended_at)
            )


def _caller() -> Hashable:
    """What does one thing after the other: the task, weakly, or the thread, by a mark of its own."""
    loop = asyncio._get_running_loop()
    task = None if loop is None else asyncio.current_task(loop)
    if task is not None:
        caller = ref(task)
        hash(caller)  # which it keeps, for when the task is gone
        return caller
    if not hasattr(_threads, "caller"):
        _threads.caller = object()
    found: Hashable = _threads.caller
    return found
