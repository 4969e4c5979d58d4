"""Patch the WebSocket connections of `responses.connect()` and of Realtime: they do not use `request`.

What a connection sends and receives goes to `websocket_responses`. The SDK's modules are patched when the
application imports them; toolspan does not import them.
"""

from __future__ import annotations

import inspect
import logging
import sys
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import wrapt

from .. import open_streams
from ..call import Call
from ..guard import made
from ..wire import values
from ..wire.record import End
from .hooks import Before, Observer, around, around_async, guarded, nothing, undoing
from .requests import Exchange
from .routes import REALTIME, RESPONSES
from .websocket_live import LiveResponses
from .websocket_responses import ConnectionResponses

log = logging.getLogger("toolspan")


class Door(NamedTuple):
    """A kind of connection: its module and the name of its class; the async class has the prefix `Async`."""

    module: str
    name: str
    realtime: bool
    live: bool = False


DOORS = (
    Door("openai.resources.responses.responses", "ResponsesConnection", False),
    Door("openai.resources.beta.responses.responses", "ResponsesConnection", False),
    Door("openai.resources.realtime.realtime", "RealtimeConnection", True),
    Door("openai.resources.beta.realtime.realtime", "RealtimeConnection", True),
    Door("openai.resources.live.live", "LiveConnection", False, live=True),
    Door("openai.resources.live.sideband", "SidebandConnection", False, live=True),
    Door("openai.resources.live.forks", "ForksConnection", False, live=True),
)
# The Agents SDK speaks Realtime over a socket of the package `websockets`, not over the SDK's connections.
_AGENTS = Door("agents.realtime.openai_realtime", "OpenAIRealtimeWebSocketModel", True)
_DIAL = "_create_websocket_connection"
_NEEDED = ("send", "recv", "close")
# Import hooks of wrapt cannot be removed: they are registered once and call the patch that is current.
_hooked = False
_requests_patch: WebSocketPatch | None = None


class _Connection:
    """The state of one connection. `reading`: `recv` is running; it calls `recv_bytes` itself."""

    def __init__(self, responses: ConnectionResponses) -> None:
        self.responses = responses
        self.reading = False


class WebSocketPatch:
    """The patch of the connections' classes, which can be removed again."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange: Exchange | None = exchange
        self._undo: list[Callable[[], None]] = []
        # Weak keys: neither a connection nor its manager may live longer because it is traced.
        self._connections: weakref.WeakKeyDictionary[Any, _Connection] = weakref.WeakKeyDictionary()
        # Events that were sent on a manager, before its connection exists.
        self._early: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()

    def install(self, package: str) -> None:
        """Patch the connections of an SDK's package: those opened from now on are traced."""
        global _hooked, _requests_patch
        doors = [door for door in DOORS if door.module.partition(".")[0] == package]
        if not doors:
            return
        _requests_patch = self
        for door in (*doors, _AGENTS):
            if _hooked:
                _patch_now(door)
            else:
                wrapt.register_post_import_hook(partial(_patch, door), door.module)
        _hooked = True

    def use(self, exchange: Exchange) -> None:
        """Trace later responses with these settings and sinks; open responses keep theirs."""
        self._exchange = exchange

    def remove(self) -> None:
        """Restore the classes, and end the open responses: no more of their events would be seen."""
        global _requests_patch
        _requests_patch = None if _requests_patch is self else _requests_patch
        self._exchange = None
        while self._undo:
            self._undo.pop()()
        for connection in tuple(self._connections.values()):
            guarded(connection.responses.end, End.DROPPED)

    def patch(self, door: Door, module: Any) -> None:
        """Wrap the classes of one kind of connection, as far as this version of the SDK has them."""
        if door is _AGENTS:
            if hasattr(model := getattr(module, door.name, None), _DIAL):
                self._wrap(model, _DIAL, self._dial)
            return
        names = (door.name, f"Async{door.name}")
        lacking = [name for name in names if not self._patch_connection(door, module, name)]
        if lacking:
            log.info(
                "toolspan: this version of the SDK has no %s in %s; its connections are not traced",
                " and no ".join(lacking),
                door.module,
            )

    def _patch_connection(self, door: Door, module: Any, name: str) -> bool:
        """Wrap the class of this name and its manager; return `False` if the SDK lacks one of them."""
        connection, manager = getattr(module, name, None), getattr(module, f"{name}Manager", None)
        # All or none: without one of them, responses would be opened and never ended.
        if manager is None or not all(hasattr(connection, each) for each in _NEEDED):
            return False
        # `send_raw` and `recv_bytes` exist in some versions only; `_wrap` skips what is missing.
        for method in ("send", "send_raw", "recv", "recv_bytes", "close"):
            self._wrap(connection, method, getattr(self, f"_{method.partition('_raw')[0]}"))
        self._wrap(manager, "send", self._queue)
        for method in ("__enter__", "__aenter__", "enter"):
            self._wrap(manager, method, partial(self._enter, door))
        return True

    def _wrap(self, owner: Any, name: str, before: Callable[..., Observer]) -> None:
        if not hasattr(owner, name):
            return
        own = owner.__dict__.get(name)
        # By the method, not by the class: the async manager's `send`, which only queues, is a plain function.
        asynchronous = inspect.iscoroutinefunction(getattr(owner, name))
        wrapt.wrap_function_wrapper(owner, name, partial(around_async if asynchronous else around, before))
        self._undo.append(undoing(owner, name, own))

    def _enter(self, door: Door, manager: Any, args: tuple[Any, ...]) -> Observer:
        return partial(self._entered, door, manager)

    def _entered(self, door: Door, manager: Any, connection: Any, error: BaseException | None) -> None:
        """Start to trace a connection, with the events that were queued on its manager before."""
        if self._exchange is None or error is not None:
            return
        # The manager keeps its fields under private names, such as `_ResponsesConnectionManager__client`:
        # the part after the last double underscore is the field.
        own = {key.rpartition("__")[2]: value for key, value in vars(manager).items()}
        responses = self._follow(door, connection, own["client"], own.get("model"))
        for event in self._early.pop(manager, ()):
            responses.sent(event)

    def _follow(self, door: Door, connection: Any, client: Any, model: str | None) -> ConnectionResponses:
        """Trace a connection from now on."""
        route = REALTIME if door.realtime else RESPONSES
        begin = partial(self._begin, weakref.ref(connection), client, route)
        if door.live:
            responses: ConnectionResponses = LiveResponses(begin)
        else:
            responses = ConnectionResponses(begin, realtime=door.realtime, model=model)
        self._connections[connection] = _Connection(responses)
        weakref.finalize(connection, responses.dropped).atexit = False  # at exit, open_streams ends the calls
        return responses

    def _dial(self, model: Any, args: tuple[Any, ...]) -> Observer:
        return partial(self._dialled, *args[:2])

    def _dialled(self, url: str, headers: Any, socket: Any, error: BaseException | None) -> None:
        """Trace a socket of the Agents SDK, which its model has opened with this address."""
        if self._exchange is None or error is not None:
            return
        key = values.fields(headers).get("Authorization", "")
        client = SimpleNamespace(base_url=url, api_key=str(key).rpartition(" ")[2])
        self._follow(_AGENTS, socket, client, dict(parse_qsl(urlsplit(url).query)).get("model"))
        for name, before in (("send", self._send), ("recv", self._recv), ("close", self._close)):
            # On the object: other sockets of this class belong to others. It reads by its own `recv`.
            setattr(socket, name, _observed(before, weakref.ref(socket), getattr(type(socket), name)))

    def _begin(
        self, connection: Callable[[], Any], client: Any, route: Any, body: Mapping[str, Any]
    ) -> Call | None:
        if self._exchange is None:
            return None
        url = getattr(client, "websocket_base_url", None) or client.base_url
        call = self._exchange.prepare(client, route, body, stream=True, url=str(url))
        # A `KeyboardInterrupt` may hit the finalizer of the connection, or code that forgets a response.
        if call is not None and (owner := connection()) is not None:
            open_streams.own(call, owner)
        return call

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
        # A long session sends no HTTP requests, which end dropped streams otherwise; no lock is held here.
        open_streams.end_dropped()
        known.reading = True
        return partial(_received, known)

    def _recv_bytes(self, connection: Any, args: tuple[Any, ...]) -> Observer:
        # Within `recv` the outer wrapper reads the event; otherwise the application reads bytes itself.
        known = self._connections.get(connection)
        return nothing if known is None or known.reading else partial(_received, known)

    def _close(self, connection: Any, args: tuple[Any, ...]) -> Observer:
        known = self._connections.get(connection)
        if known is not None:
            # Before the close: after it, a `recv` in another thread raises as at a regular end.
            known.responses.end(End.CLOSED)
        return nothing


def _observed(before: Before, socket: weakref.ref[Any], method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a coroutine method of one socket with a callback before it; the socket is not kept alive."""

    def call(*args: Any, **kwargs: Any) -> Any:
        held = socket()
        return around_async(before, partial(method, held), held, args, kwargs)

    return call


def _sent(responses: ConnectionResponses, call: Call, result: Any, error: BaseException | None) -> None:
    if error is not None:
        responses.failed(call, error)


def _received(known: _Connection, result: Any, error: BaseException | None) -> None:
    known.reading = False
    if error is None:
        known.responses.received(result)
    # By the name: the class is the `websockets` package's, which is an optional dependency of the SDK. Other
    # errors, such as an event that does not parse, do not end the connection.
    elif any(cls.__name__ == "ConnectionClosed" for cls in type(error).__mro__):
        clean = type(error).__name__ == "ConnectionClosedOK"
        known.responses.end(End.EXHAUSTED if clean else error)


def _patch(door: Door, module: Any) -> None:
    # wrapt runs this in the application's `import` statement, where an error would make the import fail.
    if _requests_patch is not None:
        made(f"patching {door.name}", partial(_requests_patch.patch, door, module))


def _patch_now(door: Door) -> None:
    """Patch a module that is imported already; the import hook patches one that is imported later."""
    if (module := sys.modules.get(door.module)) is not None:
        _patch(door, module)
