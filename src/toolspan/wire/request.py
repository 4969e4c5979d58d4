"""The facts of a request body: read once, without changing, copying or keeping more than is asked.

Values of a wrong type are left out, never guessed. It knows no header, no address and no telemetry name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from . import values

_LARGEST = 1e300  # a number beyond is no parameter


class Tools(NamedTuple):
    """The tools offered. `size` is in bytes of JSON; `fingerprint` changes when any of them does."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    size: int
    fingerprint: str


@dataclass(slots=True)
class Request:
    """What a request asks for. `messages` is the body's own list, kept only where content is captured."""

    model: str | None = None
    stream: bool = False
    choices: int = 1
    message_count: int = 0
    messages: Any = None
    tools: Tools | None = None
    tool_choice: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: list[str] | None = None
    output_type: str | None = None
    reasoning_level: str | None = None
    service_tier: str | None = None


def chat_request(body: Mapping[str, Any], *, keep: bool) -> Request:
    """The facts of a chat completion's body; `keep` says whether the messages are kept for capture."""
    found = Request()
    for key, value in body.items():
        if value is not None and (rule := _CHAT.get(key)) is not None:
            name, read = rule
            if (fact := read(value)) is not None:
                setattr(found, name, fact)
    messages = body.get("messages")
    if isinstance(messages, (list, tuple)):
        found.message_count = len(messages)
        found.messages = messages if keep else None
    if "max_completion_tokens" in body:  # the newer name counts
        found.max_tokens = _whole(body["max_completion_tokens"]) or found.max_tokens
    if modalities := body.get("modalities"):
        found.output_type = _spoken(modalities) or found.output_type
    return found


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > _LARGEST:
        return None
    return float(value)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [part for part in value if isinstance(part, str)] if isinstance(value, (list, tuple)) else []


def _output_type(value: object) -> str | None:
    """What the answer shall be: `json` with or without a schema, or `text`."""
    kind = values.text(values.fields(value).get("type"))
    return {"json_object": "json", "json_schema": "json", "text": "text"}.get(kind or "")


def _spoken(modalities: object) -> str | None:
    return "speech" if isinstance(modalities, (list, tuple)) and "audio" in modalities else None


def _choices(value: object) -> int | None:
    return values.count(value) or None


def _tool_choice(value: object) -> str | None:
    """`auto`, `none`, `required`, or the name of the one tool that must be called."""
    if isinstance(value, str):
        return value or None
    known = values.fields(value)
    inner = values.fields(known.get("function") or known.get("custom"))
    return values.text(inner.get("name")) or values.text(known.get("name")) or values.text(known.get("type"))


def _tools(value: object) -> Tools | None:
    """Names, kinds, size and fingerprint of the offered tools; the definitions themselves are not kept."""
    if not isinstance(value, (list, tuple)) or not value:
        return None
    names, kinds = [], []
    for tool in value:
        known = values.fields(tool)
        kind = values.text(known.get("type")) or "function"
        inner = values.fields(known.get(kind)) or known
        kinds.append(kind)
        names.append(values.text(inner.get("name")) or kind)
    data = _json(value)
    fingerprint = hashlib.blake2b(data, digest_size=8).hexdigest()
    return Tools(tuple(names), tuple(kinds), len(data), fingerprint)


def _json(value: object) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError):
        text = ""
    return text.encode("utf-8", "surrogatepass")


_CHAT: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "model": ("model", values.text),
    "n": ("choices", _choices),
    "tools": ("tools", _tools),
    "functions": ("tools", _tools),
    "tool_choice": ("tool_choice", _tool_choice),
    "function_call": ("tool_choice", _tool_choice),
    "max_tokens": ("max_tokens", _whole),
    "temperature": ("temperature", _number),
    "top_p": ("top_p", _number),
    "top_k": ("top_k", _whole),
    "frequency_penalty": ("frequency_penalty", _number),
    "presence_penalty": ("presence_penalty", _number),
    "seed": ("seed", _whole),
    "stop": ("stop", _strings),
    "response_format": ("output_type", _output_type),
    "reasoning_effort": ("reasoning_level", values.text),
    "service_tier": ("service_tier", values.text),
    "stream": ("stream", lambda value: value is True),
}
"""What of a chat completion's body is read, into which fact, and how."""
