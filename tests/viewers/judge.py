"""What is true of a span, and which of it a viewer shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

FACTS = (
    "kind",
    "model",
    "messages in",
    "messages out",
    "tool calls with arguments",
    "results of tools",
    "input and output of `execute_tool`",
    "tokens",
    "cached tokens",
    "reasoning tokens",
    "cost",
    "session",
    "error",
)
"""In the order of the page."""
COMPLETE = (*FACTS[2:8], "session", "error")
"""What every viewer must show of every span."""

_KINDS = {
    "chat": ("CHAT_MODEL", "LLM"),
    "text_completion": ("LLM",),
    "embeddings": ("EMBEDDING",),
    "execute_tool": ("TOOL",),
    "fetch_response": ("LLM",),
}


def truth(span: Any) -> dict[str, Any]:
    """Return the facts of a span that it has, from the attributes of the GenAI conventions."""
    found: Mapping[str, Any] = span.attributes
    usage = {name: found.get(f"gen_ai.usage.{name}_tokens") for name in ("input", "output")}
    cached = [found.get(f"gen_ai.usage.{name}.input_tokens") for name in ("cache_read", "cache_write")]
    sent, given = (_parts(found.get(f"gen_ai.{name}.messages")) for name in ("input", "output"))
    tool = [found.get(f"gen_ai.tool.call.{name}") for name in ("arguments", "result")]
    facts = {
        "kind": found["gen_ai.operation.name"],
        "model": {found.get(f"gen_ai.{name}.model") for name in ("request", "response")} - {None},
        "messages in": list(_texts(sent)),
        "messages out": list(_texts(given)),
        "tool calls with arguments": [part for part in given if part["type"] == "tool_call"],
        "results of tools": [part["response"] for part in sent if part["type"] == "tool_call_response"],
        "input and output of `execute_tool`": tool if any(tool) else None,
        "tokens": list(usage.values()) if any(usage.values()) else None,
        "cached tokens": cached if any(cached) else None,
        "reasoning tokens": found.get("gen_ai.usage.reasoning.output_tokens"),
        "cost": found.get("toolspan.cost.amount"),
        "session": found.get("gen_ai.conversation.id"),
        "error": span.status.status_code.name == "ERROR" or None,
    }
    return {fact: value for fact, value in facts.items() if value}


def judge(facts: Mapping[str, Any], view: Mapping[str, Any]) -> dict[str, bool]:
    """Return for each fact of a span whether the viewer shows it."""
    return {fact: bool(_SHOWN[fact](value, view)) for fact, value in facts.items()}


def _parts(messages: Any) -> list[dict[str, Any]]:
    return [part for message in json.loads(messages or "[]") for part in message["parts"]]


def _texts(parts: list[dict[str, Any]]) -> Iterator[str]:
    for part in parts:
        if part["type"] in ("text", "reasoning"):
            yield part["content"]


def _within(texts: list[Any], place: Any) -> bool:
    """Return whether each text is one of the strings of a value, at any depth."""
    strings = set(_strings(place))
    return all(text in strings for text in texts)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        if value[:1] in ("{", "[") and (inner := _parsed(value)) is not None:
            yield from _strings(inner)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif value is not None:
        yield json.dumps(value)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _calls(calls: list[dict[str, Any]], view: Mapping[str, Any]) -> bool:
    told = [call.get(key) for call in calls for key in ("name", "id", "arguments")]
    return _within(list(_strings(told)), view["output"])


def _tool(values: list[Any], view: Mapping[str, Any]) -> bool:
    pairs = zip(values, (view["input"], view["output"]), strict=True)
    # An object around a value that is none is the conventions' form; its value may stand alone.
    return all(_within(list(_strings(_parsed(value)))[-1:], place) for value, place in pairs if value)


_SHOWN: Mapping[str, Any] = {
    "kind": lambda value, view: view["kind"] in _KINDS[value],
    "model": lambda value, view: view["model"] in value,
    "messages in": lambda value, view: _within(value, view["input"]),
    "messages out": lambda value, view: _within(value, view["output"]),
    "tool calls with arguments": _calls,
    "results of tools": lambda value, view: _within(list(_strings(value)), view["input"]),
    "input and output of `execute_tool`": _tool,
    "tokens": lambda value, view: view["tokens"] == value,
    "cached tokens": lambda value, view: view["cached"] == value,
    "reasoning tokens": lambda value, view: view["reasoning"] == value,
    "cost": lambda value, view: view["cost"] == value,
    "session": lambda value, view: view["session"] == value,
    "error": lambda value, view: view["error"],
}
