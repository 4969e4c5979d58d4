"""Content, for those who opted in: requests and records as the convention's messages.

Only called where content capture is on. Texts are shortened, data URLs and other inline data become their
media type and size, and nothing is ever cut in the middle of JSON. It knows no span and no log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..wire import quirks, values
from ..wire.items import ANSWERED
from ..wire.record import Choice, Record, ToolCall
from ..wire.request import Request
from .attributes import clean
from .items import item_message
from .parts import Json, call_part, content_parts, reasoning_parts, response_part, text_part
from .tidy import call_arguments, schema, shorten

_REASONS = {"tool_calls": "tool_call", "function_call": "tool_call"}


def input_messages(request: Request, limit: int) -> list[Json]:
    """What is sent to the model, in this order; `limit` is in characters per text."""
    sent = request.messages
    texts = [sent] if isinstance(sent, str) else values.sequence(sent)
    return [
        _input(message, limit) for message in texts if not isinstance(message, (int, list))
    ]  # else tokens


def system_instructions(request: Request, limit: int) -> list[Json]:
    """The instructions of a response, which are no part of its input."""
    return content_parts(request.instructions, limit)


def output_messages(record: Record, limit: int) -> list[Json]:
    """One message for each choice that produced something, partial answers included."""
    return [_output_message(record, index, choice, limit) for index, choice in sorted(record.choices.items())]


def tool_definitions(request: Request) -> list[Json]:
    """Kind and name of each offered tool."""
    tools = request.tools
    pairs = zip(tools.kinds, tools.names, strict=True) if tools else ()
    return [{"type": clean(kind), "name": clean(name)} for kind, name in pairs]


def full_definitions(request: Request, limit: int) -> list[Json]:
    """The same with descriptions and parameters, shortened; a schema far beyond the limit is left out."""
    found = tool_definitions(request)
    for shown, known in zip(found, request.tools.definitions if request.tools else (), strict=True):
        if description := values.text(known.get("description")):
            shown["description"] = shorten(description, limit)
        if isinstance(known.get("parameters"), dict):
            parameters = schema(known["parameters"], limit)
            shown.update({} if parameters is None else {"parameters": parameters})
    return found


def _input(message: Any, limit: int) -> Json:
    """A text is the user's; what is no message is an item of the Responses API."""
    if isinstance(message, str):
        return {"role": "user", "parts": content_parts(message, limit)}
    known = values.fields(message)
    return item_message(known, limit) or _input_message(known, limit)


def _input_message(message: Mapping[str, Any], limit: int) -> Json:
    role = values.text(message.get("role")) or "user"
    found: Json = {"role": clean(role)}
    if name := values.text(message.get("name")):
        found["name"] = clean(name)
    if role in ("tool", "function"):
        identity = values.text(message.get("tool_call_id"))
        found["parts"] = [response_part(identity, message.get("content"), limit)]
        return found
    parts = reasoning_parts(quirks.reasoning_text(message), limit)
    parts += content_parts(message.get("content"), limit)
    parts += content_parts(message.get("refusal"), limit)
    for delta in quirks.call_deltas(message.get("tool_calls"), whole=True):
        parts.append(call_part(delta.id, delta.name, call_arguments(delta.arguments, limit, delta.kind)))
    for delta in quirks.function_call_deltas(message.get("function_call")):
        parts.append(call_part(None, delta.name, call_arguments(delta.arguments, limit)))
    found["parts"] = parts
    return found


def _output_message(record: Record, index: int, choice: Choice, limit: int) -> Json:
    parts = reasoning_parts("".join(choice.reasoning), limit)
    for text in ("".join(choice.text), "".join(choice.refusal)):
        if text:
            parts.append(text_part(text, limit))
    parts += [_tool_part(call, limit) for call in record.calls if call.choice == index]
    reason = choice.reason or "error"
    return {"role": "assistant", "parts": parts, "finish_reason": clean(_REASONS.get(reason, reason))}


def _tool_part(call: ToolCall, limit: int) -> Json:
    arguments = call_arguments(call.arguments, limit, call.kind)
    return call_part(call.id, call.name, arguments, None if call.kind in ANSWERED else call.kind)
