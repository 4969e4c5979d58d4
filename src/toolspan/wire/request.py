"""The facts of a request body: read once, without changing, copying or keeping more than is asked.

Values of a wrong type are left out, never guessed. It knows no header, no address and no telemetry name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    stop: list[str] = field(default_factory=list)
    output_type: str | None = None
    reasoning_level: str | None = None
    service_tier: str | None = None


def chat_request(body: Mapping[str, Any], *, keep: bool) -> Request:
    """The facts of a chat completion's body; `keep` says whether the messages are kept for capture."""
    messages = body.get("messages")
    return Request(
        model=values.text(body.get("model")),
        stream=body.get("stream") is True,
        choices=values.count(body.get("n")) or 1,
        message_count=len(messages) if isinstance(messages, (list, tuple)) else 0,
        messages=messages if keep else None,
        tools=_tools(body.get("tools") or body.get("functions")),
        tool_choice=_tool_choice(body.get("tool_choice") or body.get("function_call")),
        max_tokens=_whole(body.get("max_completion_tokens")) or _whole(body.get("max_tokens")),
        temperature=_number(body.get("temperature")),
        top_p=_number(body.get("top_p")),
        top_k=_whole(body.get("top_k")),
        frequency_penalty=_number(body.get("frequency_penalty")),
        presence_penalty=_number(body.get("presence_penalty")),
        seed=_whole(body.get("seed")),
        stop=_strings(body.get("stop")),
        output_type=_output_type(body.get("response_format"), body.get("modalities")),
        reasoning_level=values.text(body.get("reasoning_effort")),
        service_tier=values.text(body.get("service_tier")),
    )


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


def _output_type(response_format: object, modalities: object) -> str | None:
    """What the answer shall be: `json` with or without a schema, `speech` for audio, else `text`."""
    if isinstance(modalities, (list, tuple)) and "audio" in modalities:
        return "speech"
    kind = values.text(values.fields(response_format).get("type"))
    return {"json_object": "json", "json_schema": "json", "text": "text"}.get(kind or "")


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
