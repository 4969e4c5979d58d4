"""`toolspan.socket`: a WebSocket whose messages carry the stream's route, and its message log."""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar, cast

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


def socket(connection: S, of: object = None, *, log: bool | None = None) -> S:
    """The connection, with the stream's id and the trace's context in each message, and taken out again.

    The sender says by `of` what it sends: a stream that `toolspan.stage` gave, an entered stage, or a
    `Route`; it may be set later as the attribute `sends`. The receiver finds in the attribute `route` what
    came with the last message, for `toolspan.stage(…, route=connection.route)`, and gets each message as it
    was before. Messages are JSON texts of objects (or dicts, where the connection takes them); all others
    pass as they are. Everything else is the connection's own. Raises nothing of its own.

    With `log`, or by the setting `socket_log`, the logger `toolspan.socket` tells at level INFO of each
    message: START, CHUNK, END or ERROR, the stream's id, its number and its size, never its content.
    """
    return cast("S", Socket(connection, of, settings().socket_log if log is None else log))


class Socket:
    """What `socket` returns."""

    def __init__(self, connection: Any, of: object, log: bool) -> None:
        self._connection = connection
        self.sends = of
        """What is sent: its route goes with each message."""
        self.route: Route | None = None
        """What came with the last message that was received."""
        self._log = MessageLog() if log else None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name in _SEND:
            return self._sending(found)
        if name in _RECEIVE:
            return self._receiving(found)
        if name in _ITERATE:
            return lambda *args, **kwargs: self._each_later(found(*args, **kwargs))
        return self._closing(found) if name == "close" else found

    @property  # type: ignore[misc]  # so that isinstance says what it would say of the connection
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

    def _sending(self, send: Callable[..., Any]) -> Callable[..., Any]:
        def sending(message: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                found = send(self._stamped(message), *args, **kwargs)
            except Exception as error:
                self._over(_SENT, error)
                raise
            if hasattr(type(found), "__await__"):
                return self._after(found, _SENT, lambda result: self._logged(_SENT, message, result))
            return self._logged(_SENT, message, found)

        return sending

    def _receiving(self, receive: Callable[..., Any]) -> Callable[..., Any]:
        def receiving(*args: Any, **kwargs: Any) -> Any:
            try:
                found = receive(*args, **kwargs)
            except Exception as error:
                self._over(_RECEIVED, error)
                raise
            return (
                self._after(found, _RECEIVED, self._taken)
                if hasattr(type(found), "__await__")
                else self._taken(found)
            )

        return receiving

    def _closing(self, close: Callable[..., Any]) -> Callable[..., Any]:
        def closing(*args: Any, **kwargs: Any) -> Any:
            self._over(_SENT, None)
            return close(*args, **kwargs)

        return closing

    async def _after(self, found: Any, way: str, then: Callable[[Any], Any]) -> Any:
        try:
            result = await found
        except Exception as error:
            self._over(way, error)
            raise
        return then(result)

    def _each(self, messages: Iterator[Any]) -> Iterator[Any]:
        try:
            for message in messages:
                yield self._taken(message)
        except Exception as error:
            self._over(_RECEIVED, error)
            raise
        self._over(_RECEIVED, None)

    async def _each_later(self, messages: Any) -> AsyncIterator[Any]:
        try:
            async for message in messages:
                yield self._taken(message)
        except Exception as error:
            self._over(_RECEIVED, error)
            raise
        self._over(_RECEIVED, None)

    def _stamped(self, message: Any) -> Any:
        if self.sends is None:
            return message
        if isinstance(message, dict) and message.get("type") in _ASGI:
            return {
                name: self._stamped(value) if name in ("text", "bytes") else value
                for name, value in message.items()
            }
        return inject(message, self.sends) if isinstance(message, (str, bytes, dict)) else message

    def _taken(self, message: Any) -> Any:
        if isinstance(message, dict) and message.get("type") in _ASGI:
            return {
                name: self._taken(value) if name in ("text", "bytes") else value
                for name, value in message.items()
            }
        if not isinstance(message, (str, bytes, dict)):
            return message
        found, route = extract(message)
        self.route = self.route if route is None else route
        return self._logged(_RECEIVED, found, found)

    def _logged(self, way: str, message: Any, result: Any) -> Any:
        if self._log is not None:
            self._log.message(way, self._stream(way), message)
        return result

    def _over(self, way: str, error: BaseException | None) -> None:
        if self._log is not None:
            self._log.over(way, self._stream(way), error)

    def _stream(self, way: str) -> str | None:
        route = route_from(self.sends) if way == _SENT else self.route
        return None if route is None else route.stream_id


log = logging.getLogger("toolspan").getChild("socket")

START, CHUNK, END, ERROR = "START", "CHUNK", "END", "ERROR"

_MOST = 256  # streams of one connection whose messages are counted
_GOODBYES = (1000, 1001)
_SAYING = ("type", "event", "kind", "op", "action", "status")
_WORDS = {
    **dict.fromkeys(("start", "started", "begin", "open"), START),
    **dict.fromkeys(("chunk", "delta", "data", "token"), CHUNK),
    **dict.fromkeys(("end", "ended", "done", "complete", "completed", "finish", "finished", "stop"), END),
    **dict.fromkeys(("error", "failed", "abort", "aborted"), ERROR),
}


class MessageLog:
    """Of one connection."""

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, str | None], int] = OrderedDict()

    def message(self, way: str, stream: str | None, message: Any) -> None:
        """A message was `sent` or `received`. Raises nothing."""
        try:
            count = self._counts.pop((way, stream), 0) + 1
            self._counts[way, stream] = count
            if len(self._counts) > _MOST:
                self._counts.popitem(last=False)
            word = word_of(message) or (START if count == 1 else CHUNK)
            log.info("%s stream=%s %s=%d size=%d", word, stream or "-", way, count, size_of(message))
        except Exception as error:
            report("logging a message", error)

    def over(self, way: str, stream: str | None, error: BaseException | None) -> None:
        """The connection was closed, or broke. Raises nothing."""
        try:
            number = self._counts.get((way, stream), 0)
            closed = error is None or _ordinary(error)
            word, how = (END, "closed") if closed else (ERROR, type(error).__qualname__)
            log.info("%s stream=%s %s=%d %s", word, stream or "-", way, number, how)
        except Exception as problem:
            report("logging the end of a connection", problem)


def _ordinary(error: BaseException) -> bool:
    """Whether the other side only said goodbye: WebSocket's codes 1000 and 1001."""
    frame = attribute(error, "rcvd")  # of `websockets`: the frame that closed it, if there was one
    code = attribute(error if frame is None else frame, "code")  # the error's own: of Starlette
    return type(code) is int and code in _GOODBYES


def word_of(message: Any) -> str | None:
    """START, CHUNK, END or ERROR, where the message says so in a field like `type` or `event`."""
    known = message
    if isinstance(message, (str, bytes)):
        try:
            known = json.loads(message)
        except (ValueError, RecursionError):
            return None
    if not isinstance(known, dict):
        return None
    for name in _SAYING:
        said = known.get(name)
        if isinstance(said, str) and len(said) <= 64:
            for part in reversed(said.lower().replace("_", ".").replace("-", ".").split(".")):
                if part in _WORDS:
                    return _WORDS[part]
    return None


def size_of(message: Any) -> int:
    """Bytes of a text as it is sent, characters of anything else as JSON; -1 where there is neither."""
    if isinstance(message, str):
        return len(message.encode("utf-8", "replace"))
    if isinstance(message, (bytes, bytearray, memoryview)):
        return len(bytes(message))
    try:
        return len(json.dumps(message, default=str))
    except (TypeError, ValueError, RecursionError):
        return -1
