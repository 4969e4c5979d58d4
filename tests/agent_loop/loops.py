"""Agents over a scripted server, for chat and for responses: what they ask, answer and bring back.

It knows no telemetry.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from ..sdk import script, wire
from ..sdk.features import needs
from ..sdk.sdk import Face, http
from ..wire import response_shapes as shapes

Call = tuple[str, str, str]
"""A call's id, tool and arguments."""
TOOLS = ("get_weather", "get_time")


class Clock:
    """A clock that stands still until `pass_by`; nanoseconds, like the real one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = 1_000_000_000
        for place in ("toolspan.call.now", "toolspan.tool_execution.execution.now"):
            monkeypatch.setattr(place, lambda: self.at)

    def pass_by(self, seconds: float) -> None:
        """So much time goes by."""
        self.at += round(seconds * 1e9)


def chat_chunks(calls: Iterable[Call]) -> list[dict[str, Any]]:
    """Return a streamed chat answer with these calls, or with a text if there are none."""
    found = [wire.chunk({"role": "assistant", "content": None})]
    for at, (identity, name, arguments) in enumerate(calls):
        found.append(wire.call(arguments, name=name, identity=identity, index=at))
    if len(found) == 1:
        return list(wire.TEXT)
    return [*found, wire.chunk(None, "tool_calls"), wire.usage()]


_numbers = itertools.count(1)


def response_events(calls: Iterable[Call]) -> list[dict[str, Any]]:
    """Return the same as events of the Responses API."""
    whole = {"id": f"resp_{next(_numbers)}", "model": "gpt-test-2026"}
    items = [shapes.function(identity, arguments, name) for identity, name, arguments in calls]
    deltas = [event for at, item in enumerate(items) for event in shapes.asks(item, at)]
    found = [*shapes.begins(**whole), *deltas, shapes.ends(*items, **whole, usage=shapes.counts(11, 7))]
    return [{**event, "sequence_number": at} for at, event in enumerate(found)]


class Style(NamedTuple):
    """How an agent speaks: by which API, and whether the server keeps its history."""

    name: str
    responses: bool
    kept: bool

    def chunks(self, calls: Iterable[Call]) -> list[dict[str, Any]]:
        """What the server streams."""
        return (response_events if self.responses else chat_chunks)(calls)

    def asked(self, calls: Iterable[Call]) -> list[dict[str, Any]]:
        """The model's turn as the history holds it."""
        if self.responses:
            return [
                {"type": "function_call", "call_id": identity, "name": name, "arguments": arguments}
                for identity, name, arguments in calls
            ]
        entries = [
            {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}
            for identity, name, arguments in calls
        ]
        return [{"role": "assistant", "content": None, "tool_calls": entries}]

    def result(self, identity: str) -> dict[str, Any]:
        """The result of a call."""
        if self.responses:
            return {"type": "function_call_output", "call_id": identity, "output": "fine"}
        return {"role": "tool", "tool_call_id": identity, "content": "fine"}

    def tool(self, name: str) -> dict[str, Any]:
        """The offer of a tool."""
        what = {"name": name, "parameters": {"type": "object", "properties": {}}}
        return {"type": "function", **what} if self.responses else {"type": "function", "function": what}


CHAT = Style("chat", False, False)
WHOLE = Style("responses", True, False)
KEPT = Style("responses-kept", True, True)
STYLES = (CHAT, WHOLE, KEPT)
every_style = pytest.mark.parametrize(
    "style",
    [
        pytest.param(style, id=style.name, marks=needs("responses.create") if style.responses else ())
        for style in STYLES
    ],
)


@dataclass
class Agent:
    """Makes requests one after another; what it sends grows, as an agent's history does."""

    face: Face
    client: Any
    style: Style
    tools: tuple[str, ...] = TOOLS
    history: list[dict[str, Any]] = field(default_factory=lambda: [{"role": "user", "content": "What now?"}])
    pending: list[Any] = field(default_factory=list)
    last: str | None = None

    async def turn(self, *calls: Call, **more: Any) -> None:
        """Make one request and read it to its end; the server answers with these calls."""
        style = self.style
        ask = {
            "model": "gpt-test",
            "stream": True,
            "tools": [style.tool(name) for name in self.tools],
            **more,
        }
        if style.responses:
            sent = self.pending if style.kept and self.last else self.history
            if style.kept and self.last:
                ask["previous_response_id"] = self.last
            chunks = await self._read(self.client.responses.create(input=list(sent), **ask))
            self.last = chunks[-1].response.id
        else:
            await self._read(self.client.chat.completions.create(messages=list(self.history), **ask))
        self.pending = []
        if calls:
            self.history += style.asked(calls)

    async def _read(self, answer: Any) -> list[Any]:
        return await self.face.read(await self.face.done(answer))

    def answer(self, *ids: str) -> None:
        """Bring these calls' results with the next request."""
        results = [self.style.result(identity) for identity in ids]
        self.history += results
        self.pending += results


class Server:
    """Answers each request with the next script of its agent, whose name is in a header."""

    def __init__(self, style: Style, **scripts: Iterable[Iterable[Call]]) -> None:
        self._style = style
        self._scripts = {name: list(turns) for name, turns in scripts.items()}
        self.requests: list[Any] = []

    def __call__(self, request: Any) -> Any:
        """Answer it."""
        self.requests.append(json.loads(request.content))
        calls = self._scripts[request.headers.get("x-agent", "only")].pop(0)
        if isinstance(calls, int):
            return http.Response(calls, headers=wire.WHOLE_HEADERS, content=b'{"error": {"message": "no"}}')
        return script.stream(*self._style.chunks(calls), wire.DONE)()
