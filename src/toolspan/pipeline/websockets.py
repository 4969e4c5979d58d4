"""`toolspan.socket`: wrap a WebSocket so that its messages carry the stream's route, and log them."""

from __future__ import annotations

import json
import logging
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias, TypeVar, cast

from ..guard import attribute, report
from .propagation import extract, inject, route_from
from .run import settings
from .span import Route

S = TypeVar("S")

_SEND = frozenset(("send", "send_text", "send_bytes", "send_json"))
_RECEIVE = frozenset(("recv", "receive", "receive_text", "receive_bytes", "receive_json"))
_ITERATE = frozenset(("iter_text", "iter_bytes", "iter_json"))
_ASGI = ("websocket.send", "websocket.receive")
_SENT, _RECEIVED = "sent", "received"
_Method: TypeAlias = Callable[..., Any]


def socket(connection: S, of: object = None, *, log: bool | None = None) -> S:
    """Wrap a WebSocket connection: inject the stream's route into each sent message, extract received ones.

    `of` is what the sender sends: a stream that `toolspan.stage` returned, an entered stage, or a `Route`.
    It may be set later as the attribute `sends`. On the receiving side the attribute `route` is the route of
    the last message, for `toolspan.stage(…, route=connection.route)`; the reader gets each message as it was
    before. Messages are JSON texts of objects, or dicts if the connection takes dicts; all others pass
    unchanged. Every other attribute is the connection's own. Raises nothing but the connection's errors.

    With `log=True`, or the setting `socket_log`, the logger `toolspan.socket` writes one line per message at
    level INFO: START, CHUNK, END or ERROR, stream id, direction with sequence number, and size. It never
    contains content.
    """
    return cast("S", Socket(connection, of, settings().socket_log if log is None else log))


class Socket:
    """A wrapped WebSocket connection of `websockets` (sync or async), Starlette or FastAPI."""

    # The libraries are recognised by the names of their methods and never imported, so that neither of them
    # becomes a dependency.

    def __init__(self, connection: Any, of: object, log: bool) -> None:
        self._connection = connection
        self.sends = of
        """The stream, stage or route whose route each sent message carries."""
        self.route: Route | None = None
        """The route of the last received message that carried one."""
        self._log = MessageLog() if log else None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name in _SEND:
            return self._sending(found)
        if name in _RECEIVE:
            return self._calling(found, _RECEIVED, self._taken)
        if name in _ITERATE:
            return lambda *args, **kwargs: self._each_later(found(*args, **kwargs))
        return self._closing(found) if name == "close" else found

    @property  # type: ignore[misc]  # isinstance(connection, WebSocket) holds for the wrapper too
    def __class__(self) -> Any:
        return self._connection.__class__

    def __iter__(self) -> Iterator[Any]:
        return self._each(iter(self._connection))

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._each_later(self._connection.__aiter__())

    def __enter__(self) -> Any:
        self._connection.__enter__()
        return self

    def __exit__(self, *error: object) -> Any:
        return self._connection.__exit__(*error)

    async def __aenter__(self) -> Any:
        await self._connection.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> Any:
        return await self._connection.__aexit__(*error)

    def _sending(self, send: _Method) -> _Method:
        def sending(*args: Any, **kwargs: Any) -> Any:
            # By position or by name: `message` in websockets, `data` in Starlette.
            name = "message" if "message" in kwargs else "data"
            message = args[0] if args else kwargs.get(name)
            stamped = self._stamped(message)
            if args:
                args = (stamped, *args[1:])
            elif name in kwargs:
                kwargs[name] = stamped
            # An async message counts as sent when the connection has sent it.
            return self._calling(send, _SENT, partial(self._logged, _SENT, message))(*args, **kwargs)

        return sending

    def _calling(self, act: _Method, direction: str, then: Callable[[Any], Any]) -> _Method:
        """Wrap a method of the connection; `then` gets its result and returns that of the wrapper."""

        def calling(*args: Any, **kwargs: Any) -> Any:
            with self._failing(direction):
                found = act(*args, **kwargs)
            # Sync and async connections share the method's name; only the result tells them apart.
            return self._after(found, direction, then) if hasattr(type(found), "__await__") else then(found)

        return calling

    def _closing(self, close: Callable[..., Any]) -> Callable[..., Any]:
        def closing(*args: Any, **kwargs: Any) -> Any:
            self._over(_SENT, None)
            return close(*args, **kwargs)

        return closing

    @contextmanager
    def _failing(self, direction: str) -> Iterator[None]:
        """Log an error of the connection in this block."""
        # Only `Exception`: a cancelled `recv` leaves the connection open, and it may be called again.
        try:
            yield
        except Exception as error:
            self._over(direction, error)
            raise

    async def _after(self, found: Any, direction: str, then: Callable[[Any], Any]) -> Any:
        with self._failing(direction):
            result = await found
        return then(result)

    def _each(self, messages: Iterator[Any]) -> Iterator[Any]:
        with self._failing(_RECEIVED):
            for message in messages:
                yield self._taken(message)
        self._over(_RECEIVED, None)

    async def _each_later(self, messages: Any) -> AsyncIterator[Any]:
        with self._failing(_RECEIVED):
            async for message in messages:
                yield self._taken(message)
        self._over(_RECEIVED, None)

    def _stamped(self, message: Any) -> Any:
        if self.sends is None or not isinstance(message, (str, bytes, dict)):
            return message
        inner = _asgi(message, self._stamped)
        return inject(message, self.sends) if inner is None else inner

    def _taken(self, message: Any) -> Any:
        if not isinstance(message, (str, bytes, dict)):
            return message
        if (inner := _asgi(message, self._taken)) is not None:
            return inner
        found, route = extract(message)
        # A message without a route does not clear it: control messages may stand between the chunks.
        self.route = self.route if route is None else route
        return self._logged(_RECEIVED, found, found)

    def _logged(self, direction: str, message: Any, result: Any) -> Any:
        if self._log is not None:
            self._log.message(direction, self._stream(direction), message)
        return result

    def _over(self, direction: str, error: BaseException | None) -> None:
        if self._log is not None:
            self._log.over(direction, self._stream(direction), error)

    def _stream(self, direction: str) -> str | None:
        route = route_from(self.sends) if direction == _SENT else self.route
        return None if route is None else route.stream_id


def _asgi(message: Any, act: Callable[[Any], Any]) -> dict[str, Any] | None:
    """Apply a function to the text within an ASGI message; return `None` for any other message."""
    # The message belongs to the server: the route goes into the text that it holds.
    if not isinstance(message, dict) or message.get("type") not in _ASGI:
        return None
    return {name: act(value) if name in ("text", "bytes") else value for name, value in message.items()}


log = logging.getLogger("toolspan").getChild("socket")

START, CHUNK, END, ERROR = "START", "CHUNK", "END", "ERROR"

_MOST = 256  # streams of one connection whose messages are counted; a connection may stay open for days
_NORMAL_CODES = (1000, 1001)  # normal closure and going away, RFC 6455 section 7.4.1
# No schema is known: a message is what one of these fields says by a common word.
_TYPE_FIELDS = ("type", "event", "kind", "op", "action", "status")
_WORDS = {
    **dict.fromkeys(("start", "started", "begin", "open"), START),
    **dict.fromkeys(("chunk", "delta", "data", "token"), CHUNK),
    **dict.fromkeys(("end", "ended", "done", "complete", "completed", "finish", "finished", "stop"), END),
    **dict.fromkeys(("error", "failed", "abort", "aborted"), ERROR),
}


class MessageLog:
    """Log one line per message of one connection, and one at its end."""

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, str | None], int] = OrderedDict()

    def message(self, direction: str, stream: str | None, message: Any) -> None:
        """Log a message that was `sent` or `received`. Raises nothing."""
        try:
            # Popped and set again: the dict stays in the order of use, and the stream that was silent the
            # longest is forgotten first.
            count = self._counts.pop((direction, stream), 0) + 1
            self._counts[direction, stream] = count
            if len(self._counts) > _MOST:
                self._counts.popitem(last=False)
            word = word_of(message) or (START if count == 1 else CHUNK)
            log.info("%s stream=%s %s=%d size=%d", word, stream or "-", direction, count, size_of(message))
        except Exception as error:
            report("logging a message", error)

    def over(self, direction: str, stream: str | None, error: BaseException | None) -> None:
        """Log that the connection was closed, or failed with this error. Raises nothing."""
        try:
            number = self._counts.get((direction, stream), 0)
            closed = error is None or _ordinary(error)
            word, how = (END, "closed") if closed else (ERROR, type(error).__qualname__)
            log.info("%s stream=%s %s=%d %s", word, stream or "-", direction, number, how)
        except Exception as problem:
            report("logging the end of a connection", problem)


def _ordinary(error: BaseException) -> bool:
    """Return whether the other side closed the connection normally."""
    frame = attribute(error, "rcvd")  # `websockets`: the close frame, `None` if the connection broke
    code = attribute(error if frame is None else frame, "code")  # Starlette: the code of the error itself
    return type(code) is int and code in _NORMAL_CODES


def word_of(message: Any) -> str | None:
    """Return START, CHUNK, END or ERROR by a field like `type` or `event`; `None` without such a word."""
    try:
        body = json.loads(message) if isinstance(message, (str, bytes)) else message
    except (ValueError, RecursionError):
        return None
    for name in _TYPE_FIELDS if isinstance(body, dict) else ():
        value = body.get(name)
        if isinstance(value, str) and len(value) <= 64:
            # The last part decides: `response.output_text.delta` is a chunk.
            for part in reversed(re.split("[._-]", value.lower())):
                if part in _WORDS:
                    return _WORDS[part]
    return None


def size_of(message: Any) -> int:
    """Return the bytes of a text as sent, or the characters of a dict as JSON; -1 if it is neither."""
    if isinstance(message, str):
        return len(message.encode("utf-8", "replace"))
    if isinstance(message, (bytes, bytearray, memoryview)):
        return len(bytes(message))
    try:
        return len(json.dumps(message, default=str))
    except (TypeError, ValueError, RecursionError):
        return -1
