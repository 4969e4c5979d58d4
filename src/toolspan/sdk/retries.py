"""The SDK's attempts within one request: the error of each, the wait after it, the headers of its response.

The SDK tries again inside of a request, so that one span stands for all attempts. Three private methods of
its base clients show them; all versions since 1.26 have these. If one is missing, only the facts that it
shows are not recorded. The second request that the SDK sends after a 401 with a new token goes by other
methods and is not seen.
"""

from __future__ import annotations

import logging
import sys
import weakref
from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import partial
from types import ModuleType
from typing import Any

import wrapt

from ..call import Call
from ..guard import attribute, report
from ..otel import semconv as names
from ..otel.errors import class_name
from ..wire.events import Retried
from ..wire.headers import fields_of
from .hooks import Observer, around, nothing, passed_on, undoing

log = logging.getLogger("toolspan")

current: ContextVar[Call | None] = ContextVar("toolspan_call", default=None)
"""The call whose request runs; `None` within a request that is not traced, such as one for a token."""


class Attempts:
    """The wrappers of methods of the SDK's base clients, which can be removed again."""

    def __init__(self, base_client: ModuleType) -> None:
        self._base_client = base_client
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        """Wrap the methods: the attempts of each request are recorded from now on."""
        self._wrap("BaseClient", "_should_retry", _refused)
        self._wrap("BaseClient", "_calculate_retry_timeout", partial(around, _before_a_wait))
        self._wrap("SyncAPIClient", "_process_response", _with_its_response)
        self._wrap("AsyncAPIClient", "_process_response", _with_its_response)

    def remove(self) -> None:
        """Restore the methods."""
        while self._undo:
            self._undo.pop()()

    def _wrap(self, owner_name: str, name: str, wrapper: Callable[..., Any]) -> None:
        owner = getattr(self._base_client, owner_name, None)
        # Level INFO: on an old SDK nothing is wrong, and the application cannot do anything about it.
        if owner is None or not hasattr(owner, name):
            log.info(
                "toolspan: this version of the SDK has no %s.%s; what it shows of retries is not recorded",
                owner_name,
                name,
            )
            return
        own = owner.__dict__.get(name)
        wrapt.wrap_function_wrapper(owner, name, wrapper)
        self._undo.append(undoing(owner, name, own))


def hide() -> Token[Call | None] | None:
    """Hide the call around a request that is not traced; return the token that restores it, if there is one.

    Its attempts are not those of the call, unless that covers all requests within it.
    """
    call = current.get()
    return None if call is None or call.covers else current.set(None)


def see(call: Call, headers: Any) -> None:
    """Keep a response's headers on its call."""
    # By the type: `raw` of an instance may be a property of a foreign class that raises.
    if hasattr(type(headers), "raw"):
        call.head = fields_of(headers)


def failed(call: Call, error: BaseException) -> None:
    """Keep the headers of an error's response, which the SDK does not pass to `_process_response`."""
    see(call, attribute(attribute(error, "response"), "headers"))


def _with_its_response(wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
    """Keep the headers of a response before the SDK makes a result of it.

    One function for both clients: the async method returns a coroutine, which needs no wrapper.
    """
    call = current.get()
    if call is not None:
        try:
            response = kwargs["response"]
            see(call, response.headers)
            # Weak: a stream that the application drops must die at once, and its response with it.
            call.response = weakref.ref(response)
        except Exception as error:
            report("reading the headers of a response", error)
    result = wrapped(*args, **kwargs)
    return result if call is None or call.arrived is None else passed_on(result, partial(call.arrived, call))


def _refused(wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
    """Keep the status of a response that may be asked for again."""
    if (call := current.get()) is not None:
        status = attribute(args[0] if args else kwargs.get("response"), "status_code")
        call.refused = status if type(status) is int else None
    return wrapped(*args, **kwargs)


def _before_a_wait(client: Any, args: tuple[Any, ...]) -> Observer:
    """Return the observer of the wait before the next attempt, with the error of the attempt that failed."""
    # SDKs call the method while they handle that error, so that `sys.exc_info()` has it; anthropic makes none
    # of a status that it retries.
    call = current.get()
    return nothing if call is None else partial(_waits, call, sys.exc_info()[1])


# The status is checked by its type: `isinstance` would read `__class__`, which its class may define to raise.
def _waits(call: Call, cause: BaseException | None, wait: Any, error: BaseException | None) -> None:
    if error is not None:  # the method raised: there is no next attempt
        return
    call.retries += 1
    status, kind = kind_of(cause, call.refused)
    call.refused = None
    call.note(Retried(call.retries, status, kind, float(wait)))
    see(call, attribute(attribute(cause, "response"), "headers"))


def kind_of(cause: BaseException | None, refused: Any = None) -> tuple[int | None, str]:
    """Return the HTTP status of an error, if it has one, and that as text or else the name of its class.

    `refused` is a status that is known without the error.
    """
    status = refused or attribute(attribute(cause, "response"), "status_code")
    if issubclass(type(status), int):
        return status, str(status)
    return None, class_name(cause) if cause is not None else names.ERROR_OTHER
