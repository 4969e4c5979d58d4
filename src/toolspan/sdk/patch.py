"""The seam: the one sync and the one async method through which every request of the SDK goes.

It knows nothing of requests and answers; it makes the call's span current while the request runs, no longer.
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
from .hooks import guarded, nothing, undoing
from .requests import Exchange
from .websocket import WebSocketPatch

log = logging.getLogger("toolspan")

_METHOD = "request"


class Patch:
    """Puts wrappers into the SDK's two client classes, and takes them out again."""

    def __init__(self, sdk: Sdk, exchange: Exchange, sockets: WebSocketPatch) -> None:
        self._clients = sdk.clients
        self._exchange: Exchange | None = exchange
        self._sockets = sockets
        self._attempts = retries.Attempts(sdk.base_client)
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        """From now on every client's requests are seen, also of those made before."""
        open_streams.install()
        for owner, wrapper in zip(self._clients, (self._sync, self._async), strict=True):
            if not hasattr(owner, _METHOD):
                log.warning("this version of the SDK has no %s.request; not traced", owner.__name__)
                continue
            own = owner.__dict__.get(_METHOD)
            wrapt.wrap_function_wrapper(owner, _METHOD, wrapper)
            self._undo.append(undoing(owner, _METHOD, own))
        guarded(self._attempts.install)
        self._sockets.install()

    def use(self, exchange: Exchange) -> None:
        """From now on requests are seen by this one; those that are on keep theirs."""
        self._exchange = exchange
        self._sockets.use(exchange)

    def remove(self) -> None:
        """From now on no request is seen, also where somebody kept a wrapped method."""
        self._exchange = None
        while self._undo:
            self._undo.pop()()
        self._attempts.remove()
        self._sockets.remove()
        open_streams.remove()

    def _sync(self, wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
        exchange = self._exchange
        call = exchange.open(client, args, kwargs) if exchange is not None else None
        token = _enter(call)
        if exchange is None or call is None:
            try:
                return wrapped(*args, **kwargs)
            finally:
                _leave(token)
        try:
            result = wrapped(*args, **exchange.kwargs(call, kwargs))
        except BaseException as error:
            exchange.failed(call, error)
            raise
        finally:
            _leave(token)
        return exchange.received(call, result)

    async def _async(self, wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
        exchange = self._exchange
        call = exchange.open(client, args, kwargs) if exchange is not None else None
        token = _enter(call)
        if exchange is None or call is None:
            try:
                return await wrapped(*args, **kwargs)
            finally:
                _leave(token)
        try:
            result = await wrapped(*args, **exchange.kwargs(call, kwargs))
        except BaseException as error:
            exchange.failed(call, error)
            raise
        finally:
            _leave(token)
        return exchange.received(call, result)


def _enter(call: Call | None) -> tuple[Any, Any]:
    """Make the call the one to which attempts belong, and its span current."""
    token = guarded(retries.enter, call)
    return None if token is nothing else token, enter(None if call is None else call.context)


def _leave(tokens: tuple[Any, Any]) -> None:
    """Restore what was there before."""
    for token in tokens:
        leave(token)
