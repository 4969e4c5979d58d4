"""Recognise a request that the application repeats after one that failed, and link the two.

The SDK's own retries are inside of one request (`sdk/retries.py`); a retry by the application is a new
request with a new span. No lock is used: after a fork, the child would wait for ever for a lock that another
thread of the parent held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar, NamedTuple, TypeAlias
from weakref import ref

from opentelemetry import trace
from opentelemetry.context import get_current

from ..otel import semconv as names
from ..otel.call_data import CallData, Caller
from ..otel.errors import error_type
from ..otel.sink import Sink
from ..wire.record import Outcome
from ..wire.request import Request
from .loop import RUNAWAYS, runaway
from .memory import current_task

_MOST = 1024  # attempts that are remembered
_LONGEST = 300 * 10**9  # nanoseconds: a request that comes later is a new one, not a retry

_Key: TypeAlias = "tuple[int, int, Hashable]"


class RequestKey(NamedTuple):
    """The facts by which a repeated request is recognised: its fingerprint, and where it was made."""

    what: int
    trace: int
    parent: int
    caller: Hashable


class FailedAttempt(NamedTuple):
    """A request that did not succeed: its attempt number, its parent span, its own span and its end."""

    attempt: int
    parent: int
    span: Any
    at: int


def fingerprint(operation: str, api: str | None, request: Request) -> int | None:
    """Return a hash of what a request asks; `None` if too little of it is known to recognise it again."""
    # Only a hash: no content is kept. It differs between processes and is not recorded.
    digest = request.digest
    if digest is None and request.response is None and request.prompt_name is None:
        return None
    tools = request.tools and request.tools.fingerprint
    before = (request.conversation, request.previous_response)
    named = (request.prompt_name, request.prompt_version, request.response, request.cursor)
    model = request.group or request.model
    return hash((operation, api, model, request.message_count, tools, digest, before, named))


class FailedAttempts:
    """Requests that did not succeed, bounded in number and time."""

    def __init__(self) -> None:
        self.attempts: dict[_Key, FailedAttempt] = {}
        """Those that are remembered, for the question whether there are any."""
        # Time of the last failure by request and trace: saves a search where no attempt can match.
        self._groups: dict[tuple[int, int], int] = {}
        self._order: deque[tuple[int, _Key]] = deque()

    def leave(self, request_key: RequestKey, failed: FailedAttempt) -> None:
        """Remember a request that did not succeed."""
        key = _key(request_key)
        self.attempts[key] = failed
        self._groups[key[:2]] = failed.at
        self._order.append((failed.at, key))
        self._forget(failed.at)

    def recall(self, request_key: RequestKey, at: int) -> FailedAttempt | None:
        """Take the attempt that the request beginning `at` repeats; each attempt is repeated once.

        An attempt of the same task or thread comes first. Within a trace, one of another task may match, too.
        """
        failed = self.attempts.pop(_key(request_key), None)
        # Without a trace, nothing shows that two tasks work on the same thing.
        if failed is None and request_key.trace and (request_key.what, request_key.trace) in self._groups:
            failed = self._of_another(request_key)
        return failed if failed is not None and at - failed.at <= _LONGEST else None

    def succeeded(self, request_key: RequestKey) -> None:
        """Forget the earlier attempts of the same task or thread: the request succeeded."""
        self.attempts.pop(_key(request_key), None)

    def _of_another(self, request_key: RequestKey) -> FailedAttempt | None:
        """Take an attempt of another task in the same trace, preferably under the same parent span."""
        found = None
        for key, failed in self.attempts.copy().items():  # a copy: other threads change it meanwhile
            # A task that still runs will repeat its own request.
            if key[0] != request_key.what or key[1] != request_key.trace or _is_running(key[2]):
                continue
            found = found or key
            if failed.parent == request_key.parent:
                found = key
                break
        return self.attempts.pop(found, None) if found is not None else None

    def _forget(self, now: int) -> None:
        """Drop attempts that are too old, and the oldest if there are too many."""
        try:
            while len(self._order) > _MOST or now - self._order[0][0] > _LONGEST:
                at, key = self._order.popleft()
                # The key may belong to a newer attempt by now, which has an entry of its own.
                if (failed := self.attempts.get(key)) is not None and failed.at == at:
                    self.attempts.pop(key, None)
                if self._groups.get(key[:2]) == at:
                    self._groups.pop(key[:2], None)
        except IndexError:  # another thread took the last entry
            return


def _key(request_key: RequestKey) -> _Key:
    return request_key.what, request_key.trace, request_key.caller


def _is_running(caller: Hashable) -> bool:
    """Return whether a caller is a task that has not ended."""
    task = caller() if isinstance(caller, ref) else None
    return task is not None and not task.done()


# Not CLOSED: the application ended the answer itself.
_WITHOUT_SUCCESS = (Outcome.FAILED, Outcome.CANCELLED, Outcome.TRUNCATED, Outcome.ABANDONED)


class RepeatedRequestSink(Sink):
    """The part of the agent loop that numbers each attempt and links it to the attempt before."""

    signals: ClassVar[Mapping[str, str]] = {
        "opened": "links to earlier attempts",
        "ended": "memories of attempts",
    }
    sets = ("attempt", "caller", "links")

    def __init__(self, runaways: int = RUNAWAYS) -> None:
        self._failed_attempts = FailedAttempts()
        self._runaways = runaways  # the setting of this name

    def opened(self, call: CallData) -> None:
        """Set which attempt a request is, and link it to the one before."""
        around = get_current()
        ids = trace.get_current_span(around).get_span_context() if around else trace.INVALID_SPAN_CONTEXT
        call.caller = Caller(current_task(), ids.trace_id, ids.span_id)
        # A request is hashed only if one has failed before, or when it fails itself.
        if not self._failed_attempts.attempts or (request_key := _request_key(call)) is None:
            return
        before = self._failed_attempts.recall(request_key, call.began_at)
        if before is not None:
            call.attempt = before.attempt + 1
            if before.span is not None and before.span.is_valid:
                call.links.append((before.span, {names.LINK: "attempt"}))

    def ended(self, call: CallData) -> None:
        """Remember the request if it did not succeed."""
        # A call without an outcome is left out: its stream was not tracked.
        failed = call.outcome in _WITHOUT_SUCCESS
        succeeded = call.outcome is Outcome.COMPLETED and self._failed_attempts.attempts
        if not (failed or succeeded) or (request_key := _request_key(call)) is None:
            return
        if not failed:
            self._failed_attempts.succeeded(request_key)
            return
        span = call.span.get_span_context() if call.span is not None else None
        attempt = FailedAttempt(call.attempt, request_key.parent, span, call.ended_at)
        self._failed_attempts.leave(request_key, attempt)
        # Without any of the three, nothing shows that one agent repeats it: many users may ask the same.
        one = call.agent is not None or call.request.conversation is not None or request_key.trace
        if one and call.outcome is Outcome.FAILED and self._runaways and not call.attempt % self._runaways:
            error = error_type(call.error, call.record)
            call.notes.append(runaway(call, "failure", (), call.attempt, error))


def _request_key(call: CallData) -> RequestKey | None:
    """Return what a request asks and where; `None` if too little of it is known to recognise it again."""
    what = fingerprint(call.operation, call.api_type, call.request)
    if what is None or call.caller is None:
        return None
    return RequestKey(what, call.caller.trace, call.caller.parent, call.caller.task)
