"""The seam of the WebSockets: `responses.connect()` and Realtime, which do not pass through a request.

It wraps what each connection sends and receives, and knows nothing of what the events say. The SDK's modules
are not imported for it: they are met when the application imports them.
"""

from __future__ import annotations

import inspect
import logging
import sys
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import wrapt

from .. import open_streams
from ..call import Call
from ..guard import report
from ..wire.record import End
from .hooks import Observer, around, around_async, guarded, nothing, undoing
from .requests import Exchange
from .routes import REALTIME, RESPONSES
from .websocket_responses import ConnectionResponses

log = logging.getLogger("toolspan")


class Door(NamedTuple):
    """A kind of connection: the module and the name of its classes, of which an `Async…` one exists too."""

    module: str
    name: str
    realtime: bool


DOORS = (
    Door("openai.resources.responses.responses", "ResponsesConnection", False),
    Door("openai.resources.beta.responses.responses", "ResponsesConnection", False),
    Door("openai.resources.realtime.realtime", "RealtimeConnection", True),
    Door("openai.resources.beta.realtime.realtime", "RealtimeConnection", True),
)
_NEEDED = ("send", "recv", "close")
_hooked = False
_requests_patch: WebSocketPatch | None = None


class _Connection:
    """What is known of one connection. `reading`: its `recv` is on, and reads by way of its `recv_bytes`."""

    def __init__(self, responses: ConnectionResponses) -> None:
        self.responses = responses
        self.reading = False


class WebSocketPatch:
    """Puts wrappers into the connections' classes, and takes them out again."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange: Exchange | None = exchange
        self._undo: list[Callable[[], None]] = []
        self._connections: weakref.WeakKeyDictionary[Any, _Connection] = weakref.WeakKeyDictionary()
        self._early: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()

    def install(self) -> None:
        """From now on every new connection is seen."""
        global _hooked, _requests_patch
        _requests_patch = self
        for door in DOORS:
            if _hooked:
                _patch_now(door)
            else:
                wrapt.register_post_import_hook(partial(_patch, door), door.module)
        _hooked = True

    def use(self, exchange: Exchange) -> None:
        """From now on responses are seen by this one; those that are open keep theirs."""
        self._exchange = exchange

    def remove(self) -> None:
        """From now on no connection is seen; responses that are open end with what is known."""
        global _requests_patch
        _requests_patch = None if _requests_patch is self else _requests_patch
        self._exchange = None
        while self._undo:
            self._undo.pop()()
        for connection in tuple(self._connections.values()):
            guarded(connection.responses.end, End.DROPPED)

    def patch(self, door: Door, module: Any) -> None:
        """Wrap the classes of one door; what an SDK does not have is not traced."""
        lacking = []
        for prefix in ("", "Async"):
            connection = getattr(module, prefix + door.name, None)
            manager = getattr(module, prefix + door.name + "Manager", None)
            if manager is None or not all(hasattr(connection, name) for name in _NEEDED):
                lacking.append(prefix + door.name)
                continue
            for name in ("send", "send_raw", "recv", "recv_bytes", "close"):
                self._wrap(connection, name, getattr(self, f"_{name.partition('_raw')[0]}"))
            self._wrap(manager, "send", self._queue)
            for name in ("__enter__", "__aenter__", "enter"):
                self._wrap(manager, name, partial(self._enter, door))
        if lacking:
            log.info(
                "this version of the SDK has no %s in %s; not traced", " and no ".join(lacking), door.module
            )

    def _wrap(self, owner: Any, name: str, before: Callable[..., Observer]) -> None:
        if not hasattr(owner, name):
            return
        own = owner.__dict__.get(name)
        asynchronous = inspect.iscoroutinefunction(getattr(owner, name))
        wrapt.wrap_function_wrapper(owner, name, partial(around_async if asynchronous else around, before))
        self._undo.append(undoing(owner, name, own))

    def _enter(self, door: Door, manager: Any, args: tuple[Any, ...]) -> Observer:
        return partial(self._entered, door, manager)

    def _entered(self, door: Door, manager: Any, connection: Any, error: BaseException | None) -> None:
        """A connection is there, and what was sent before it was has been sent by now."""
        if self._exchange is None or error is not None:
            return
        own = {key.rpartition("__")[2]: value for key, value in vars(manager).items()}
        begin = partial(self._begin, own["client"], REALTIME if door.realtime else RESPONSES)
        responses = ConnectionResponses(begin, realtime=door.realtime, model=own.get("model"))
        self._connections[connection] = _Connection(responses)
        weakref.finalize(connection, responses.dropped).atexit = False
        for event in self._early.pop(manager, ()):
            responses.sent(event)

    def _begin(self, client: Any, route: Any, body: Mapping[str, Any]) -> Call | None:
        if self._exchange is None:
            return None
        url = getattr(client, "websocket_base_url", None) or client.base_url
        return self._exchange.prepare(client, route, body, stream=True, url=str(url))

    def _queue(self, manager: Any, args: tuple[Any, ...]) -> Observer:
        if self._exchange is not None:
            self._early.setdefault(manager, []).append(args[0])
        return nothing

    def _send(self, connection: Any, args: tuple[Any, ...]) -> Observer:
        known = self._connections.get(connection)
        call = known.responses.sent(args[0]) if known is not None and args else None
        return nothing if known is None or call is None else partial(_sent, known.responses, call)

    def _recv(self, connection: Any, args: tuple[Any, ...]) -> Observer:
        known = self._connections.get(connection)
        if known is None:
            return nothing
        open_streams.end_dropped()
        known.reading = True
        return partial(_received, known)

    def _recv_bytes(self, connection: Any, args: tuple[Any, ...]) -> Observer:
        known = self._connections.get(connection)
        return nothing if known is None or known.reading else partial(_received, known)

    def _close(self, connection: Any, args: tuple[Any, ...]) -> Observer:
        known = self._connections.get(connection)
        if known is not None:
            known.responses.end(End.CLOSED)
        return nothing


def _sent(responses: ConnectionResponses, call: Call, result: Any, error: BaseException | None) -> None:
    if error is not None:
        responses.failed(call, error)


def _received(known: _Connection, result: Any, error: BaseException | None) -> None:
    known.reading = False
    if error is None:
        known.responses.received(result)
    elif any(cls.__name__ == "ConnectionClosed" for cls in type(error).__mro__):
        clean = type(error).__name__ == "ConnectionClosedOK"
        known.responses.end(End.EXHAUSTED if clean else error)


def _patch(door: Door, module: Any) -> None:
    try:
        if _requests_patch is not None:
            _requests_patch.patch(door, module)
    except Exception as error:
        report(f"instrumenting {door.name}", error)


def _patch_now(door: Door) -> None:
    """The hook has run or will run; if it has, the module is there."""
    if (module := sys.modules.get(door.module)) is not None:
        _patch(door, module)
