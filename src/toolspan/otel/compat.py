"""Names on spans for readers of other conventions, made from the attributes of the GenAI conventions.

`openinference` are the names of Phoenix and Arize (package `openinference-semantic-conventions`). `cost` and
`cache_creation` are names that Langfuse, SigNoz and others read beside the conventions' own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ..wire.values import fields, sequence
from . import semconv as names
from .attributes import Attributes
from .content.truncate import KEYS, dump

MOST: int = 40
"""Attributes of messages and tools on one span: a span has 128 by default, and would lose its first ones."""

_KINDS = {"embeddings": "EMBEDDING", "execute_tool": "TOOL", "invoke_agent": "AGENT"}  # else LLM
_COPIES: Mapping[str, Mapping[str, str]] = {
    "cost": {names.COST_AMOUNT: names.COMPAT_COST},
    "cache_creation": {names.USAGE_CACHE_WRITE: names.COMPAT_CACHE_CREATION},
    "openinference": {
        names.CONVERSATION_ID: "session.id",
        names.RESPONSE_MODEL: "llm.response.model_name",
        names.USAGE_INPUT_TOKENS: "llm.token_count.prompt",
        names.USAGE_OUTPUT_TOKENS: "llm.token_count.completion",
        names.USAGE_CACHE_READ: "llm.token_count.prompt_details.cache_read",
        names.USAGE_CACHE_WRITE: "llm.token_count.prompt_details.cache_write",
        names.USAGE_AUDIO_INPUT: "llm.token_count.prompt_details.audio",
        names.USAGE_REASONING: "llm.token_count.completion_details.reasoning",
        names.USAGE_AUDIO_OUTPUT: "llm.token_count.completion_details.audio",
        names.COST_AMOUNT: "llm.cost.total",
        names.COST_INPUT: "llm.cost.prompt",
        names.COST_OUTPUT: "llm.cost.completion",
        names.TOOL_NAME: "tool.name",
        names.TOOL_DESCRIPTION: "tool.description",
        names.TOOL_CALL_ID: "tool.id",
    },
}
"""The second name of an attribute, by the words of the setting `compat`."""
_PROVIDERS = {
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "aws.bedrock": "aws",
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "mistral_ai": "mistralai",
}
_SYSTEMS = {
    "openai": "openai",
    "azure.ai.openai": "openai",
    "anthropic": "anthropic",
    "mistral_ai": "mistralai",
}
_REQUEST = names.REQUEST_MODEL.removesuffix("model")  # the prefix of the request's parameters
_NO_PARAMETERS = (names.REQUEST_MODEL, names.REQUEST_STREAM)
_TEXT, _JSON = "text/plain", "application/json"


class OtherNames:
    """The second names of a span's attributes and content; `kinds` are words of the setting `compat`."""

    def __init__(self, kinds: Collection[str]) -> None:
        self._openinference = "openinference" in kinds
        self._copies = [pair for kind in kinds for pair in _COPIES[kind].items()]

    def facts(self, operation: str, attributes: Mapping[str, Any]) -> Attributes:
        """Return further attributes for those of a span's start or end."""
        found: Attributes = {other: attributes[name] for name, other in self._copies if name in attributes}
        if self._openinference:
            found.update(_facts(operation, attributes))
        return found

    def content(self, contents: Mapping[str, Any]) -> Attributes:
        """Return further attributes for redacted content; it has up to `MOST` for messages and tools."""
        if not self._openinference:
            return {}
        found: Attributes = {}
        for name, place in _VALUES.items():
            value = contents.get(name)
            if (key := KEYS.get(name)) and isinstance(value, dict) and value.keys() == {key}:
                value = value[key]  # a tool's value that is no object
            if value not in (None, "", []):
                found[f"{place}.value"], found[f"{place}.mime_type"] = _value(value)
        found.update(list(_flat(contents))[:MOST])
        return found


_VALUES = {
    names.INPUT_MESSAGES: "input",
    names.OUTPUT_MESSAGES: "output",
    names.TOOL_CALL_ARGUMENTS: "input",
    names.TOOL_CALL_RESULT: "output",
}


def _facts(operation: str, attributes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield OpenInference's attributes that are no copies."""
    kind = _KINDS.get(operation, "LLM")
    prefix = "embedding" if kind == "EMBEDDING" else "llm"
    if names.OPERATION_NAME in attributes:
        yield "openinference.span.kind", kind
    if (provider := attributes.get(names.PROVIDER_NAME)) is not None:
        yield "llm.provider", _PROVIDERS.get(provider, provider)
        if provider in _SYSTEMS:
            yield "llm.system", _SYSTEMS[provider]
    # The model of the answer replaces the requested one, which may be an alias without a price.
    model = attributes.get(names.RESPONSE_MODEL) or attributes.get(names.REQUEST_MODEL)
    if model is not None:
        yield f"{prefix}.model_name", model
    parameters = {
        name.removeprefix(_REQUEST): value
        for name, value in attributes.items()
        if name.startswith(_REQUEST) and name not in _NO_PARAMETERS
    }
    if parameters:
        yield f"{prefix}.invocation_parameters", dump(parameters)
    if names.USAGE_INPUT_TOKENS in attributes or names.USAGE_OUTPUT_TOKENS in attributes:
        counts = (attributes.get(name, 0) for name in (names.USAGE_INPUT_TOKENS, names.USAGE_OUTPUT_TOKENS))
        yield "llm.token_count.total", sum(counts)
    if reasons := attributes.get(names.RESPONSE_FINISH_REASONS):
        yield "llm.finish_reason", reasons[0]


def _value(value: Any) -> tuple[str, str]:
    """Return a content as one text, with its media type."""
    if isinstance(value, str):
        return value, _TEXT
    # One message of one text, the ordinary case: viewers show it in their lists.
    alone = isinstance(value, list) and len(value) == 1
    parts = list(sequence(fields(value[0]).get("parts"))) if alone else []
    text = fields(parts[0]).get("content") if len(parts) == 1 else None
    return (text, _TEXT) if isinstance(text, str) else (dump(value), _JSON)


def _flat(contents: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the attributes of messages and tools: the answer first, then the newest messages that fit."""
    outputs = list(_messages("llm.output_messages", map(_message, contents.get(names.OUTPUT_MESSAGES) or ())))
    yield from outputs
    sent = [_message(message) for message in contents.get(names.INPUT_MESSAGES) or ()]
    if instructions := contents.get(names.SYSTEM_INSTRUCTIONS):
        sent.insert(0, _message({"role": "system", "parts": instructions}))
    room, first = MOST - len(outputs), len(sent)
    while first and (room := room - len(sent[first - 1])) >= 0:
        first -= 1
    yield from _messages("llm.input_messages", sent[first:])
    for at, tool in enumerate(contents.get(names.TOOL_DEFINITIONS) or ()):
        rest = {key: part for key, part in tool.items() if key != "type"}
        yield f"llm.tools.{at}.tool.json_schema", dump({"type": tool.get("type"), "function": rest})


def _messages(prefix: str, messages: Iterable[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    for at, message in enumerate(messages):
        for key, value in message.items():
            yield f"{prefix}.{at}.message.{key}", value


def _message(message: Mapping[str, Any]) -> dict[str, str]:
    """Return the attributes of one message without their prefix."""
    found = {"role": str(message.get("role", ""))}
    # A redaction may return parts of any form.
    parts = [fields(part) for part in sequence(message.get("parts"))]
    texts = [part for part in parts if isinstance(part.get("content"), str) and part["content"]]
    calls = [part for part in parts if part.get("type") in ("tool_call", "server_tool_call")]
    for part in parts:
        if part.get("type") == "tool_call_response":
            found["tool_call_id"] = str(part.get("id", ""))
            found["content"] = _text(part.get("response"))
    if len(texts) == 1 and texts[0].get("type") == "text":
        found["content"] = texts[0]["content"]
    else:
        for at, part in enumerate(texts):
            found[f"contents.{at}.message_content.type"] = str(part.get("type"))
            found[f"contents.{at}.message_content.text"] = part["content"]
    for at, part in enumerate(calls):
        holder = fields(part.get("server_tool_call")) or part
        found[f"tool_calls.{at}.tool_call.id"] = str(part.get("id", ""))
        found[f"tool_calls.{at}.tool_call.function.name"] = str(part.get("name", ""))
        found[f"tool_calls.{at}.tool_call.function.arguments"] = _text(holder.get("arguments"))
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else dump(value)
