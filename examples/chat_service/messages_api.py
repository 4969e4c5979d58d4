"""Anthropic's Messages API behind the one method of a client that the service calls.

Requests are translated; a stream stays Anthropic's, because `toolspan.events` reads both.
"""

from __future__ import annotations

import json
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from anthropic import AsyncAnthropic

Json = dict[str, Any]
_MOST_TOKENS = 4096  # the API requires a limit


class MessagesClient(AsyncAnthropic):
    """Anthropic's client, with `chat.completions.create`."""

    @property
    def chat(self) -> Any:
        """The place of the method."""
        return SimpleNamespace(completions=SimpleNamespace(create=self._create))

    async def _create(
        self,
        *,
        model: str,
        messages: list[Any],
        tools: Any = (),
        stream: bool = False,
        stream_options: Any = None,
    ) -> Any:
        """Ask the model; return a stream, or an answer with the text where the service reads it."""
        system = "\n\n".join(each["content"] for each in messages if each["role"] == "system")
        request: Json = {"model": model, "max_tokens": _MOST_TOKENS, "messages": turns(messages)}
        if system:
            request["system"] = system
        if tools:
            request["tools"] = [_tool(each["function"]) for each in tools]
        answer: Any = await self.messages.create(**request, stream=stream)
        if stream:
            return answer
        text = "".join(block.text for block in answer.content if block.type == "text")
        return SimpleNamespace(choices=[SimpleNamespace(message=SimpleNamespace(content=text))])


def _tool(function: Json) -> Json:
    known: Json = {name: function[name] for name in ("name", "description") if name in function}
    return {**known, "input_schema": function["parameters"]}


def turns(messages: list[Any]) -> list[Json]:
    """Return the messages without those of the system; results in a row are one message of the user."""
    told = [(_role(each), block) for each in messages if each["role"] != "system" for block in _blocks(each)]
    return [
        {"role": role, "content": [block for _, block in group]}
        for role, group in groupby(told, lambda one: one[0])
    ]


def _role(message: Json) -> str:
    return "user" if message["role"] == "tool" else str(message["role"])


def _blocks(message: Json) -> list[Json]:
    if message["role"] == "tool":
        return [
            {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": message["content"]}
        ]
    texts: list[Json] = [{"type": "text", "text": message["content"]}] if message.get("content") else []
    return texts + [
        {"type": "tool_use", "id": call["id"], "name": call["function"]["name"], "input": _input(call)}
        for call in message.get("tool_calls", ())
    ]


def _input(call: Json) -> Json:
    found = json.loads(call["function"]["arguments"])  # `running.as_message` writes JSON only
    return found if isinstance(found, dict) else {}
