"""Patch `OpenAI.request` and `AsyncOpenAI.request`, the two methods that every request of the SDK passes.

There the body is plain JSON, calls with wrong arguments have already raised, and the SDK's retries still
come. `create`, `parse`, `stream()`, raw responses, Azure clients and frameworks pass them, too; LiteLLM calls
`client.post`, which instrumentations of `create` do not see.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import wrapt

from .. import open_streams
from ..call import Call
from ..user_context import enter, leave
from . import retries
from .family import Sdk
from .hooks import guarded, undoing
from .requests import Exchange, Made, failed
from .websocket import WebSocketPatch

log = logging.getLogger("toolspan")


def _method(owner: Any) -> str:
    """Return the method of a client class that every request passes."""
    # anthropic traces itself within `request`: in `_request`, its span is current and can be enriched.
    return "_request" if hasattr(owner, "_tracer") and hasattr(owner, "_request") else "request"


class Patch:
    """The patch of the SDK's two client classes, which can be removed again."""

    def __init__(self, sdk: Sdk, exchange: Exchange, sockets: WebSocketPatch) -> None:
        self._clients = sdk.clients
        self._package = sdk.member.module.partition(".")[0]
        self._exchange: Exchange | None = exchange
        self._sockets = sockets
        self._attempts = retries.Attempts(sdk.base_client)
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        """Patch the SDK: requests of all clients are traced, also of those made before."""
        open_streams.install()
        for owner, wrapper in zip(self._clients, (self._sync, self._async), strict=True):
            if not hasattr(owner, "request"):
                log.warning(
                    "toolspan: this version of the SDK has no %s.request; its requests are not traced; "
                    "please report it",
                    owner.__name__,
                )
                continue
            self._wrap(owner, wrapper)
        # Private methods, whose loss costs only the facts on retries: an error here leaves tracing on.
        guarded(self._attempts.install)
        self._sockets.install(self._package)

    def _wrap(self, owner: Any, wrapper: Any) -> None:
        """Wrap the method of one client class, and remember how to restore it."""
        method = _method(owner)
        own = owner.__dict__.get(method)
        if isinstance(own, wrapt.FunctionWrapper):
            self._undo.append(_wrap_within(own, wrapper))
            return
        wrapt.wrap_function_wrapper(owner, method, wrapper)
        self._undo.append(undoing(owner, method, own))

    def use(self, exchange: Exchange) -> None:
        """Trace later requests with these settings and sinks; open requests keep theirs."""
        self._exchange = exchange
        self._sockets.use(exchange)

    def remove(self) -> None:
        """Restore the SDK: no request is traced from now on."""
        # First, because an application may have kept a wrapped method, which then only calls the SDK's.
        self._exchange = None
        while self._undo:
            self._undo.pop()()
        self._attempts.remove()
        self._sockets.remove()

    # The sync and the async wrapper are written out, because they cannot share an `await`.
    def _sync(self, wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
        exchange = self._exchange  # read once: `remove` may run in another thread during the request
        made = Made()
        tokens: list[Any] = []
        # All of it: also a KeyboardInterrupt that hits toolspan's own code ends the call.
        try:
            call = exchange.open(client, args, kwargs, made) if exchange is not None else None
            try:
                # Also without a call: a request for a token inside of a traced one is no attempt of that one.
                _enter(call, tokens)
                if exchange is None or call is None:
                    return wrapped(*args, **kwargs)
                if call.request.stream:
                    kwargs = exchange.kwargs(call, kwargs)
                    if exchange.usage is not None:
                        wrapped = exchange.usage.sync(wrapped, call, exchange.streams)
                result = wrapped(*args, **kwargs)
            finally:
                # Before the application has the stream: a context that stays attached between chunks becomes
                # the parent of unrelated spans when the stream is left (opentelemetry-python-genai#491).
                leave(*tokens)
                tokens.clear()
            return exchange.received(call, result)
        except BaseException as error:
            leave(*tokens)  # those that are left, if an interruption has hit the first time
            for call in made:
                failed(call, error)
            raise

    async def _async(self, wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
        """Trace a request of the async client; the same as `_sync`."""
        exchange = self._exchange
        made = Made()
        tokens: list[Any] = []
        try:
            call = exchange.open(client, args, kwargs, made) if exchange is not None else None
            try:
                _enter(call, tokens)
                if exchange is None or call is None:
                    return await wrapped(*args, **kwargs)
                if call.request.stream:
                    kwargs = exchange.kwargs(call, kwargs)
                    if exchange.usage is not None:
                        wrapped = exchange.usage.asynchronous(wrapped, call, exchange.streams)
                result = await wrapped(*args, **kwargs)
            finally:
                leave(*tokens)
                tokens.clear()
            return exchange.received(call, result)
        except BaseException as error:
            leave(*tokens)  # those that are left, if an interruption has hit the first time
            for call in made:
                failed(call, error)
            raise


# OpenInference wraps the same method, and its span is seen from within only.
def _wrap_within(outer: Any, wrapper: Any) -> Callable[[], None]:
    """Wrap the function within the wrappers of other instrumentations; return what restores it."""
    while isinstance(outer.__wrapped__, wrapt.FunctionWrapper):
        outer = outer.__wrapped__
    own = outer.__wrapped__
    ours = outer.__wrapped__ = wrapt.FunctionWrapper(own, wrapper)

    def undo() -> None:
        if outer.__wrapped__ is ours:
            outer.__wrapped__ = own

    return undo


def _enter(call: Call | None, tokens: list[Any]) -> None:
    """Make the call the owner of its attempts, and its span the parent of spans of the HTTP client.

    Each token is in the list at once, so that an interruption leaves nothing behind.
    """
    if call is None:
        tokens.append(retries.hide())
        return
    tokens.append(retries.current.set(call))
    tokens.append(enter(call.context))
