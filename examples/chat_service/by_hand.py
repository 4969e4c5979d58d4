"""The usual hand-written ways to answer a question, for `measure.py` to compare with the service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from openai import AsyncOpenAI

from .running import Call, as_message
from .tools import Toolbox

Json = dict[str, Any]


class ByHand:
    """Answer one question at a time; `on_text` is called with each piece of text."""

    def __init__(
        self, client: AsyncOpenAI, model: str, tools: Toolbox, on_text: Callable[[str], None]
    ) -> None:
        self._client, self._model, self._tools, self._on_text = client, model, tools, on_text

    async def probe(self, messages: list[Any]) -> None:
        """Request calls without streaming, run them one after another, then stream the text."""
        answer = await self._client.chat.completions.create(
            model=self._model, messages=messages, tools=self._tools.offered
        )
        calls = [
            Call(call.id, call.function.name, call.function.arguments, json.loads(call.function.arguments))
            for call in answer.choices[0].message.tool_calls or []
            if call.type == "function"
        ]
        if calls:
            messages = [*messages, as_message("", calls), *[await self._run(call) for call in calls]]
        await self._stream(messages, tools=False)

    async def one_by_one(self, messages: list[Any]) -> None:
        """Stream each turn; after the stream, run its calls one after another."""
        while calls := await self._stream(messages, tools=True):
            messages = [*messages, as_message("", calls), *[await self._run(call) for call in calls]]

    async def in_parallel(self, messages: list[Any]) -> None:
        """Stream each turn; after the stream, run its calls at the same time."""
        while calls := await self._stream(messages, tools=True):
            messages = [*messages, as_message("", calls), *await asyncio.gather(*map(self._run, calls))]

    async def _run(self, call: Call) -> Json:
        tool = self._tools.find(call.name)
        assert tool is not None
        try:
            result = await tool.call(call.arguments)
        except ConnectionError as error:
            result = f"error: {error}"
        return {"role": "tool", "tool_call_id": call.id, "content": result}

    async def _stream(self, messages: list[Any], *, tools: bool) -> list[Call]:
        offered: Any = {"tools": self._tools.offered} if tools else {}
        stream = await self._client.chat.completions.create(
            model=self._model, messages=messages, stream=True, **offered
        )
        calls: dict[int, Any] = {}
        async for chunk in stream:
            for choice in chunk.choices:
                if choice.delta.content:
                    self._on_text(choice.delta.content)
                for piece in choice.delta.tool_calls or []:
                    call = calls.setdefault(piece.index, {"id": piece.id, "name": "", "text": ""})
                    call["name"] += (piece.function and piece.function.name) or ""
                    call["text"] += (piece.function and piece.function.arguments) or ""
        return [Call(**call, arguments=json.loads(call["text"])) for call in calls.values()]
