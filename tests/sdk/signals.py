"""One stream through the SDK, and what every signal says of its tool calls."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from unittest import mock

import openai

import toolspan
from toolspan.log_lines.sink import LOG
from toolspan.otel.dispatch import Sinks
from toolspan.wire.events import CallArguments
from toolspan.wire.record import RULES, Record

from . import script, wire
from .api import Api
from .sdk import END, Face
from .telemetry import Telemetry


@dataclass(frozen=True, eq=False)
class Stream:
    """What a server sends, and the request's tools; `calls` has name, arguments and outcome of each call."""

    name: str
    api: Api
    bodies: list[Any]
    calls: list[tuple[str | None, str, str]] | None = None
    tools: list[Any] | None = None
    expected: int = 1

    @property
    def marks(self) -> Any:
        """See `params.each`."""
        return self.api.marks

    @property
    def asked(self) -> dict[str, Any]:
        """The arguments of the request that the stream answers."""
        tools = {"tools": self.tools} if self.tools else {}
        return {"stream": True, **tools, **({"n": self.expected} if self.expected > 1 else {})}

    def again(self) -> list[Any]:
        """The events of the same stream as plain JSON."""
        return list(toolspan.events(self.bodies, tools=self.tools, choices=self.expected))


Read = Callable[[Face, Any, Stream], Awaitable["list[Any] | None"]]
"""Reads a stream, and returns the events of it that the application sees; `None` if the SDK raises."""


async def events(face: Face, client: Any, stream: Stream) -> list[Any]:
    """Iterate over `toolspan.events` of the SDK's stream."""
    made = await face.done(stream.api.whole(client, **stream.asked))
    found: list[Any] = []
    async with face.within(toolspan.events(made, tools=stream.tools, choices=stream.expected)) as source:
        try:
            while (event := await face.next(source)) is not END:
                found.append(event)
        except openai.APIError:
            assert found[-2].error is not None
    return found


async def chunks(face: Face, client: Any, stream: Stream) -> list[Any] | None:
    """Iterate over the SDK's stream."""
    return await _read(face, await face.done(stream.api.whole(client, **stream.asked)), stream)


async def parsed(face: Face, client: Any, stream: Stream) -> list[Any] | None:
    """Iterate over the stream that a raw response makes."""
    raw = await face.done(stream.api.raw(client, **stream.asked))
    return await _read(face, await face.done(raw.parse()), stream)


async def raw_bytes(face: Face, client: Any, stream: Stream) -> list[Any]:
    """Read the bytes of the response."""
    async with face.within(stream.api.late(client, **stream.asked)) as response:
        assert isinstance(b"".join(await face.read(response.iter_bytes())), bytes)
    return stream.again()


async def cut_bytes(face: Face, client: Any, stream: Stream) -> list[Any]:
    """Read the bytes of a response that come in parts of a few bytes."""
    return await raw_bytes(face, client, stream)


async def _read(face: Face, made: Any, stream: Stream) -> list[Any] | None:
    try:
        found = await face.read(made)
    except openai.APIError:
        return None
    return list(toolspan.events(iter(found), tools=stream.tools, choices=stream.expected))


READS = (events, chunks, parsed, raw_bytes, cut_bytes)
_CUT = 7


class Told(NamedTuple):
    """What each signal says: `seen` are the events of the application, `heard` those of its listener."""

    record: Any
    telemetry: Telemetry
    lines: list[dict[str, Any]]
    heard: list[Any]
    seen: list[Any] | None
    contradicted: set[tuple[int, int]]
    """Calls of which the server took back arguments before it sent others."""


def tell(face: Face, read: Read, stream: Stream, **settings: Any) -> Told:
    """Let a stream come, and return what is told of it."""
    telemetry, heard, ended, contradicted = Telemetry(), list[Any](), list[Any](), set[Any]()
    parts = [*map(wire.sse, stream.bodies), *stream.api.done]
    if read is cut_bytes:
        data = b"".join(parts)
        parts = [data[at : at + _CUT] for at in range(0, len(data), _CUT)]

    async def scenario() -> list[Any] | None:
        async with face.client(script.Transport(script.stream(*parts))) as client:
            return await read(face, client, stream)

    def keep(sinks: Sinks, call: Any) -> None:
        ended.append(call.record)
        own(sinks, call)

    def apply(record: Record, event: CallArguments, at: int) -> bool:
        if event.replaces:
            contradicted.add((event.choice, event.call))
        return Record._arguments(record, event, at)

    own = Sinks.ended
    rules = mock.patch.dict(RULES, {CallArguments: apply})
    said = {"log": "json", "on_event": lambda _, event: heard.append(event), **settings}
    with rules, mock.patch.object(Sinks, "ended", keep), _lines() as lines, telemetry.on(**said):
        seen = face.run(scenario())
    (record,) = ended
    return Told(record, telemetry, [json.loads(line) for line in lines], heard, seen, contradicted)


@contextmanager
def _lines() -> Iterator[list[str]]:
    """Collect the lines of the stream log."""
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    level = LOG.level
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    try:
        yield found
    finally:
        LOG.setLevel(level)
        LOG.removeHandler(handler)
