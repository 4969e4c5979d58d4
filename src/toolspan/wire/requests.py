"""Which facts each API's request body holds, under which keys.

It knows no answer and no path. How a single value is read is in `request.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import values
from .digest import digest
from .request import (
    Request,
    Rules,
    choices,
    number,
    output_type,
    read_facts,
    strings,
    take_messages,
    tool_choice,
    whole,
)
from .returns import chat_returns, response_returns
from .tools import tools

Body = Mapping[str, Any]
BROUGHT = "brought"
"""No key of the wire: what was sent to a Realtime session since its last response stands under it."""


def chat_request(body: Body, *, keep: bool) -> Request:
    """A chat completion's; `keep` says whether the messages are kept for capture."""
    found = read_facts(body, _CHAT)
    if not isinstance(messages := body.get("messages"), str):
        take_messages(found, messages, keep)
        found.returns = chat_returns(messages)
    if "max_completion_tokens" in body:  # the newer name counts
        found.max_tokens = whole(body["max_completion_tokens"]) or found.max_tokens
    if (modalities := body.get("modalities")) and isinstance(modalities, (list, tuple)):
        found.output_type = "speech" if "audio" in modalities else found.output_type
    return found


def responses_request(body: Body, *, keep: bool) -> Request:
    """A response's, over HTTP or a WebSocket; so is that of a compaction."""
    found = read_facts(body, _RESPONSES)
    take_messages(found, body.get("input"), keep)
    found.returns = response_returns(body.get("input"))
    prompt = values.fields(body.get("prompt"))
    found.prompt_name = values.text(prompt.get("id"))
    found.prompt_version = values.text(prompt.get("version")) if found.prompt_name else None
    if keep and isinstance(body.get("instructions"), str):
        found.instructions = body["instructions"]
    return found


def realtime_request(body: Body, *, keep: bool) -> Request:
    """That of a response of a Realtime session, whose defaults it has too."""
    found = read_facts(body, _REALTIME)
    take_messages(found, body.get("input"), keep)
    found.returns = response_returns(body.get(BROUGHT))
    modalities = body.get("output_modalities") or body.get("modalities")
    if isinstance(modalities, (list, tuple)):
        found.output_type = "speech" if "audio" in modalities else "text"
    if keep and isinstance(body.get("instructions"), str):
        found.instructions = body["instructions"]
    return found


def fetch_request(body: Body, *, keep: bool) -> Request:
    """That of a response to fetch: its id, and where its stream shall go on."""
    cursor = body.get("starting_after")
    number = values.count(cursor)
    return Request(
        response=values.text(body.get("response_id")),
        cursor=values.text(cursor) if number is None else str(number),
    )


def completions_request(body: Body, *, keep: bool) -> Request:
    """A legacy completion's. Prompts may be texts or tokens, one or several."""
    found = read_facts(body, _COMPLETIONS)
    prompt = body.get("prompt")
    if isinstance(prompt, (list, tuple)) and prompt:
        prompt = [prompt] if type(prompt[0]) is int else prompt
        found.prompts = len(prompt)
    take_messages(found, prompt, keep)
    return found


def embeddings_request(body: Body, *, keep: bool) -> Request:
    """That of embeddings; what is embedded is never kept, the convention has no place for it."""
    found = read_facts(body, _EMBEDDINGS)
    if body.get("input") is not None:
        found.asked = digest(body["input"])
    return found


def _reasoning_level(value: object) -> str | None:
    return values.text(values.fields(value).get("effort"))


def _format(value: object) -> str | None:
    return output_type(values.fields(value).get("format"))


def _identity(value: object) -> str | None:
    """A conversation, as its id or as an object that has one."""
    return values.text(value) or values.text(values.fields(value).get("id"))


def _formats(value: object) -> list[str] | None:
    return strings(value) or None


def _stream(value: object) -> bool:
    return value is True


_COMMON: Rules = {
    "model": ("model", values.text),
    "temperature": ("temperature", number),
    "top_p": ("top_p", number),
    "service_tier": ("service_tier", values.text),
    "stream": ("stream", _stream),
}
_COMPLETIONS: Rules = {
    **_COMMON,
    "n": ("choices", choices),
    "max_tokens": ("max_tokens", whole),
    "top_k": ("top_k", whole),
    "frequency_penalty": ("frequency_penalty", number),
    "presence_penalty": ("presence_penalty", number),
    "seed": ("seed", whole),
    "stop": ("stop", strings),
}
_CHAT: Rules = {
    **_COMPLETIONS,
    "tools": ("tools", tools),
    "functions": ("tools", tools),
    "tool_choice": ("tool_choice", tool_choice),
    "function_call": ("tool_choice", tool_choice),
    "response_format": ("output_type", output_type),
    "reasoning_effort": ("reasoning_level", values.text),
}
_RESPONSES: Rules = {
    **_COMMON,
    "top_k": ("top_k", whole),
    "tools": ("tools", tools),
    "tool_choice": ("tool_choice", tool_choice),
    "max_output_tokens": ("max_tokens", whole),
    "reasoning": ("reasoning_level", _reasoning_level),
    "text": ("output_type", _format),
    "conversation": ("conversation", _identity),
    "previous_response_id": ("previous_response", values.text),
}
_REALTIME: Rules = {
    "model": ("model", values.text),
    "temperature": ("temperature", number),
    "tools": ("tools", tools),
    "tool_choice": ("tool_choice", tool_choice),
    "max_output_tokens": ("max_tokens", whole),
    "max_response_output_tokens": ("max_tokens", whole),
    "reasoning": ("reasoning_level", _reasoning_level),
}
_EMBEDDINGS: Rules = {
    "model": ("model", values.text),
    "encoding_format": ("encoding_formats", _formats),
    "dimensions": ("dimensions", values.count),
}
