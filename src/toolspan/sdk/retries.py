"""The SDK's attempts within one request: what each failed with, the wait after it, the responses' headers.

It looks at two private methods of the SDK's base clients, which every version since 1.26 has; where one of
them is missing, what it shows is not told, and nothing else changes. It knows nothing of telemetry but names.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import partial
from types import ModuleType
from typing import Any

import wrapt

from ..call import Call
from ..guard import attribute
from ..otel import semconv as names
from ..otel.errors import class_name
from ..wire.events import Retried
from ..wire.headers import fields_of
from .hooks import Observer, around, guarded, nothing, undoing

log = logging.getLogger("toolspan")

_current: ContextVar[Call | None] = ContextVar("toolspan_call", default=None)
"""The call whose request runs; none within a request that is not ours, wherever that one is made."""


class Attempts:
    """Puts the looks into the SDK's base clients, and takes them out again."""

    def __init__(self, base_client: ModuleType) -> None:
        self._base_client = base_client
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        """From now on the attempts of each request are seen."""
        self._wrap("BaseClient", "_calculate_retry_timeout", partial(around, _before_a_wait))
        self._wrap("SyncAPIClient", "_process_response", _with_its_response)
        self._wrap("AsyncAPIClient", "_process_response", _with_its_response)

    def remove(self) -> None:
        """From now on none is."""
        while self._undo:
            self._undo.pop()()

    def _wrap(self, owner_name: str, name: str, wrapper: Callable[..., Any]) -> None:
        owner = getattr(self._base_client, owner_name, None)
        if owner is None or not hasattr(owner, name):
            log.info("this version of the SDK has no %s.%s; what it shows is not told", owner_name, name)
            return
        own = owner.__dict__.get(name)
        wrapt.wrap_function_wrapper(owner, name, wrapper)
        self._undo.append(undoing(owner, name, own))


def enter(call: Call | None) -> Token[Call | None] | None:
    """From now on attempts are those of this call, or of none; the token, if there is one, undoes it."""
    if call is None and _current.get() is None:
        return None
    return _current.set(call)


def see(call: Call, response: Any) -> None:
    """Keep the headers of a response."""
    headers: Any = attribute(response, "headers")
    if hasattr(type(headers), "raw"):
        call.head = fields_of(headers)


def failed(call: Call, error: BaseException) -> None:
    """Keep the headers of the response for which the SDK raised."""
    see(call, attribute(error, "response"))


def _with_its_response(wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
    """The wrapper of the methods that make a result of a response; one of them gives a coroutine."""
    call = _current.get()
    if call is not None:
        guarded(see, call, kwargs.get("response"))
    return wrapped(*args, **kwargs)


def _before_a_wait(client: Any, args: tuple[Any, ...]) -> Observer:
    """The SDK asks itself how long to wait, while it handles the error of the attempt that failed."""
    call = _current.get()
    return nothing if call is None else partial(_waits, call, sys.exc_info()[1])


def _waits(call: Call, cause: BaseException | None, wait: Any, error: BaseException | None) -> None:
    if error is not None:
        return
    call.retries += 1
    response = attribute(cause, "response")
    status = attribute(response, "status_code")
    if not issubclass(type(status), int):
        status = None
    if status is not None:
        kind = str(status)
    else:
        kind = class_name(cause) if cause is not None else names.ERROR_OTHER
    call.note(Retried(call.retries, status, kind, float(wait)))
    see(call, response)
