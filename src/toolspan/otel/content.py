"""Content, for those who opted in: requests and records as the convention's messages.

Only called where content capture is on. Texts are shortened, data URLs and other inline data become their
media type and size, and nothing is ever cut in the middle of JSON. It knows no span and no log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..wire import quirks, values
from ..wire.record import Choice, Record, ToolCall
from ..wire.request import Request
from .attributes import clean
from .parts import Json, content_parts, text_part
from .tidy import parse, shorten, within

_LEAST = 64  # characters: arguments may always have four times as many
_REASONS = {"tool_calls": "tool_call", "function_call": "tool_call"}


def input_messages(request: Request, limit: int) -> list[Json]:
    """The messages of a chat request, in the order sent; `limit` is in characters per text."""
    return [_input_message(values.fields(message), limit) for message in values.sequence(request.messages)]


def output_messages(record: Record, limit: int) -> list[Json]:
    """One message for each choice that produced something, partial answers included."""
    return [_output_message(record, index, choice, limit) for index, choice in sorted(record.choices.items())]


def tool_definitions(request: Request) -> list[Json]:
    """Kind and name of each offered tool; its description and schema are not recorded."""
    tools = request.tools
    pairs = zip(tools.kinds, tools.names, strict=True) if tools else ()
    return [{"type": clean(kind), "name": clean(name)} for kind, name in pairs]


def call_arguments(text: str, limit: int, kind: str = "function") -> Any:
    """Arguments as the value they stand for, with shortened texts; as shortened text if they do not parse.

    The input of a custom tool is free text, whatever it looks like.

    `None` for what cannot be brought below four times the limit without cutting into its structure.
    """
    try:
        value = parse(text) if kind != "custom" else text
    except ValueError:
        value = text
    if value is text:
        return shorten(text, limit)
    return within(value, limit, max(limit, _LEAST) * 4)


def _input_message(message: Mapping[str, Any], limit: int) -> Json:
    role = values.text(message.get("role")) or "user"
    found: Json = {"role": clean(role)}
    if name := values.text(message.get("name")):
        found["name"] = clean(name)
    if role in ("tool", "function"):
        found["parts"] = [_response_part(message, limit)]
        return found
    parts = _reasoning_parts(quirks.reasoning_text(message), limit)
    parts += content_parts(message.get("content"), limit)
    parts += content_parts(message.get("refusal"), limit)
    for delta in quirks.call_deltas(message.get("tool_calls"), whole=True):
        parts.append(_call_part(delta.id, delta.name, call_arguments(delta.arguments, limit, delta.kind)))
    for delta in quirks.function_call_deltas(message.get("function_call")):
        parts.append(_call_part(None, delta.name, call_arguments(delta.arguments, limit)))
    found["parts"] = parts
    return found


def _response_part(message: Mapping[str, Any], limit: int) -> Json:
    content = message.get("content")
    response = shorten(content, limit) if isinstance(content, str) else content_parts(content, limit)
    found: Json = {"type": "tool_call_response", "response": response}
    if identity := values.text(message.get("tool_call_id")):
        found["id"] = clean(identity)
    return found


def _call_part(identity: str | None, name: str | None, arguments: Any) -> Json:
    found: Json = {"type": "tool_call", "name": clean(name or "")}
    if identity:
        found["id"] = clean(identity)
    if arguments not in ("", None):
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
    return _call_part(call.id, call.name, call_arguments(call.arguments, limit, call.kind))
