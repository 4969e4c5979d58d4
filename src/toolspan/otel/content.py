"""Content, for those who opted in: requests and records as the convention's messages.

Only called where content capture is on. Texts are shortened, data URLs and other inline data become their
media type and size, and nothing is ever cut in the middle of JSON. It knows no span and no log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..wire import quirks
from ..wire.record import Choice, Record, ToolCall
from ..wire.request import Request
from .attributes import clean
from .parts import Json, content_parts, shorten, text_part

_LEAST = 16  # characters: a text is not shortened beyond that, whole messages are left out instead
_REASONS = {"tool_calls": "tool_call", "function_call": "tool_call"}


def input_messages(request: Request, limit: int) -> list[Json]:
    """The messages of a chat request, in the order sent; `limit` is in characters per text."""
    return [_input_message(quirks.fields(message), limit) for message in quirks.sequence(request.messages)]


def output_messages(record: Record, limit: int) -> list[Json]:
    """One message for each choice that produced something, partial answers included."""
    return [_output_message(record, index, choice, limit) for index, choice in sorted(record.choices.items())]


def tool_definitions(request: Request) -> list[Json]:
    """Kind and name of each offered tool; its description and schema are not recorded."""
    tools = request.tools
    return [{"type": kind, "name": name} for kind, name in zip(tools.kinds, tools.names)] if tools else []


def call_arguments(text: str, limit: int) -> Any:
    """Arguments as the object they stand for, with shortened texts; as shortened text if they do not parse."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return shorten(text, limit)
    short = _shortened(value, limit)
    return short if len(_dump(short)) <= max(limit, _LEAST) * 4 else shorten(text, limit)


def as_json(value: Any, limit: int | None) -> str | None:
    """JSON text of at most `limit` characters: texts are shortened first, then old messages are left out."""
    text = _dump(value)
    if limit is None or len(text) <= limit:
        return text
    width = limit
    while width >= _LEAST:
        text = _dump(_shortened(value, width))
        if len(text) <= limit:
            return text
        width //= 2
    while isinstance(value, list) and len(value) > 1:
        value = value[1:]
        text = _dump(_shortened(value, _LEAST))
        if len(text) <= limit:
            return text
    return None


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


_KEEP = {"type", "role", "modality", "mime_type", "id", "file_id", "name", "finish_reason"}


def _shortened(value: Any, limit: int) -> Any:
    """The same structure with every text shortened, but for those that say what a part is."""
    if isinstance(value, str):
        return shorten(value, limit)
    if isinstance(value, Mapping):
        return {
            clean(str(key)): part if key in _KEEP else _shortened(part, limit) for key, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_shortened(part, limit) for part in value]
    return value


def _input_message(message: Mapping[str, Any], limit: int) -> Json:
    role = quirks.text(message.get("role")) or "user"
    found: Json = {"role": clean(role)}
    if name := quirks.text(message.get("name")):
        found["name"] = clean(name)
    if role in ("tool", "function"):
        found["parts"] = [_response_part(message, limit)]
        return found
    parts = _reasoning_parts(quirks.reasoning_text(message), limit)
    parts += content_parts(message.get("content"), limit)
    parts += content_parts(message.get("refusal"), limit)
    for delta in quirks.call_deltas(message.get("tool_calls"), whole=True):
        parts.append(_call_part(delta.id, delta.name, call_arguments(delta.arguments, limit)))
    for delta in quirks.function_call_deltas(message.get("function_call")):
        parts.append(_call_part(None, delta.name, call_arguments(delta.arguments, limit)))
    found["parts"] = parts
    return found


def _response_part(message: Mapping[str, Any], limit: int) -> Json:
    content = message.get("content")
    response = shorten(content, limit) if isinstance(content, str) else content_parts(content, limit)
    found: Json = {"type": "tool_call_response", "response": response}
    if identity := quirks.text(message.get("tool_call_id")):
        found["id"] = clean(identity)
    return found


def _call_part(identity: str | None, name: str | None, arguments: Any) -> Json:
    found: Json = {"type": "tool_call", "name": clean(name or "")}
    if identity:
        found["id"] = clean(identity)
    if arguments != "":
        found["arguments"] = arguments
    return found


def _reasoning_parts(text: str | None, limit: int) -> list[Json]:
    return [{"type": "reasoning", "content": shorten(text, limit)}] if text else []


def _output_message(record: Record, index: int, choice: Choice, limit: int) -> Json:
    parts = _reasoning_parts("".join(choice.reasoning), limit)
    for text in ("".join(choice.text), "".join(choice.refusal)):
        if text:
            parts.append(text_part(text, limit))
    parts += [_tool_part(call, limit) for call in record.calls if call.choice == index]
    reason = choice.reason or "error"
    return {"role": "assistant", "parts": parts, "finish_reason": clean(_REASONS.get(reason, reason))}


def _tool_part(call: ToolCall, limit: int) -> Json:
    text = call.arguments
    arguments = shorten(text, limit) if call.kind == "custom" else call_arguments(text, limit)
    return _call_part(call.id, call.name, arguments)
