"""Calls of every API with every kind of ending, against a scripted transport."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import openai

from tests.sdk import script, wire
from tests.sdk.sdk import http

_RESPONSE = {"id": "resp_1", "object": "response", "model": "gpt-test", "status": "in_progress", "output": []}
_CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather", "arguments": ""}
_EVENTS: tuple[dict[str, Any], ...] = (
    {"type": "response.created", "response": _RESPONSE},
    {"type": "response.output_item.added", "output_index": 0, "item": _CALL},
    {"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "fc_1", "delta": "{}"},
    {"type": "response.output_item.done", "output_index": 0, "item": {**_CALL, "arguments": "{}"}},
    {"type": "response.completed", "response": {**_RESPONSE, "status": "completed"}},
)
_EMBEDDING = {
    "object": "list",
    "model": "embed",
    "data": [{"object": "embedding", "index": 0, "embedding": "AACAPwAAgD8="}],
    "usage": {"prompt_tokens": 3, "total_tokens": 3},
}
CHAT = script.CALLS
CUT = script.stream(*wire.CALLS[:4])
BROKEN = script.stream(*wire.CALLS[:4], lambda: http.ReadError("connection lost"))
RESPONSES = script.stream(*_EVENTS)

Answer = Callable[[], Any]
Act = Callable[[Any], Any]


def _stream(client: Any) -> Any:
    return client.chat.completions.create(stream=True, tools=[wire.TOOL], **wire.ASK)


def _read(client: Any) -> None:
    with contextlib.suppress(openai.APIError):
        list(_stream(client))


def _check(client: Any) -> None:
    """One call lacks an argument, and the other one is to a tool that is not offered."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city", "country"]}
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": schema}}
    list(client.chat.completions.create(stream=True, tools=[tool], **wire.ASK))


def _close(client: Any) -> None:
    with _stream(client) as stream:
        next(stream)


def _drop(client: Any) -> None:
    next(_stream(client))


def _forget(client: Any) -> None:
    _stream(client)


def _raw(client: Any) -> None:
    client.chat.completions.with_raw_response.create(stream=True, **wire.ASK)


def _whole(client: Any) -> None:
    with contextlib.suppress(openai.APIError):
        client.chat.completions.create(**wire.ASK)


def _responses(client: Any) -> None:
    list(client.responses.create(model="gpt-test", input="What now?", stream=True))


def _responses_dropped(client: Any) -> None:
    next(client.responses.create(model="gpt-test", input="What now?", stream=True))


def _embed(client: Any) -> None:
    client.embeddings.create(model="embed", input="text")


KINDS: tuple[tuple[Act, Answer], ...] = (
    (_read, CHAT),
    (_check, CHAT),
    (_read, CUT),
    (_read, BROKEN),
    (_close, CHAT),
    (_drop, CHAT),
    (_forget, CHAT),
    (_raw, CHAT),
    (_whole, script.ANSWER),
    (_whole, script.whole({"error": {"message": "no"}}, status=500)),
    (_responses, RESPONSES),
    (_responses_dropped, RESPONSES),
    (_embed, script.whole(_EMBEDDING)),
)
"""What an application does, and what the server does; a thousand calls have each of them many times."""


def traffic(calls: int, offset: int = 0) -> Iterator[None]:
    """Make calls, one after another; a client of its own for each kind, kept as an application keeps it."""
    clients = [
        openai.OpenAI(
            api_key="key",
            base_url=wire.BASE_URL,
            max_retries=0,
            http_client=http.Client(transport=http.MockTransport(lambda request, answer=answer: answer())),
        )
        for _, answer in KINDS
    ]
    for at in range(offset, offset + calls):
        kind = at % len(KINDS)
        KINDS[kind][0](clients[kind])
        yield
    for client in clients:
        client.close()
