"""Convert requests and records to the messages of the GenAI conventions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeAlias

from ...wire import quirks, values
from ...wire.anthropic_messages import call_kind
from ...wire.record import Choice, Record, ToolCall
from ...wire.request import Request
from ...wire.response_items import ANSWERED, Item, call_item, item_texts
from ..attributes import clean
from .truncate import WHOLE, call_arguments, schema, shorten

_REASONS = {"tool_calls": "tool_call", "function_call": "tool_call"}  # the convention's value


def input_messages(request: Request, limit: int) -> list[Json]:
    """Return the messages of the request in their order; `limit` is in characters per text."""
    sent = request.messages
    texts = [sent] if isinstance(sent, str) else values.sequence(sent)
    # Embeddings and completions also accept token ids, as integers or lists of them: no text.
    return [_input(message, limit) for message in texts if not isinstance(message, (int, list))]


def system_instructions(request: Request, limit: int) -> list[Json]:
    """Return the `instructions` of a Responses request, which are separate from its input."""
    return content_parts(request.instructions, limit)


def output_messages(record: Record, limit: int) -> list[Json]:
    """Return one message for each choice that has output, also if its stream broke off."""
    return [_output_message(record, index, choice, limit) for index, choice in sorted(record.choices.items())]


def tool_definitions(request: Request, limit: int = WHOLE, *, full: bool = False) -> list[Json]:
    """Return kind and name of each offered tool.

    With `full`, they have shortened descriptions and parameters, without schemas that stay too long.
    """
    tools = request.tools
    if tools is None:
        return []
    short: list[Json] = [
        {"type": clean(kind), "name": clean(name)}
        for kind, name in zip(tools.kinds, tools.names, strict=True)
    ]
    return list(map(partial(_described, limit), short, tools.definitions)) if full else short


def _described(limit: int, tool: Json, known: Mapping[str, Any]) -> Json:
    """Add the description and the parameters of a tool's definition, which have up to `limit` characters."""
    if description := values.text(known.get("description")):
        tool["description"] = shorten(description, limit)
    parameters = known.get("parameters")
    if isinstance(parameters, dict) and (shorter := schema(parameters, limit)) is not None:
        tool["parameters"] = shorter
    return tool


def _input(message: Any, limit: int) -> Json:
    """Return the message for one item of an input; a plain text is a message of the user."""
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
    else:
        parts = found["parts"] = _message_parts(message, limit)
        # Anthropic's results are blocks in a message of the user.
        if parts and all(part["type"] == "tool_call_response" for part in parts):
            found["role"] = "tool"
    return found


def _message_parts(message: Mapping[str, Any], limit: int) -> list[Json]:
    parts = reasoning_parts(quirks.reasoning_text(message), limit)
    parts += content_parts(message.get("content"), limit) + content_parts(message.get("refusal"), limit)
    deltas = quirks.call_deltas(message.get("tool_calls"), whole=True)
    deltas += quirks.function_call_deltas(message.get("function_call"))
    return parts + [call_part(delta, limit) for delta in deltas]


def _output_message(record: Record, index: int, choice: Choice, limit: int) -> Json:
    parts = reasoning_parts("".join(choice.reasoning), limit)
    parts += content_parts("".join(choice.text), limit) + content_parts("".join(choice.refusal), limit)
    parts += [call_part(call, limit) for call in record.calls if call.choice == index]
    # The convention's reason for a choice without one. Phoenix drops messages without `finish_reason`.
    reason = choice.reason or "error"
    return {"role": "assistant", "parts": parts, "finish_reason": clean(_REASONS.get(reason, reason))}


def item_message(item: Mapping[str, Any], limit: int) -> Json | None:
    """Return the message for an item of the Responses API; `None` if the item is a message itself."""
    kind = values.text(item.get("type"))
    if kind is None or kind == "message" or "role" in item:
        return None
    if (call := call_item(item)) is not None:
        return {"role": "assistant", "parts": [call_part(call, limit)]}
    # `function_call_output`, `computer_call_output` and so on, also those of kinds that are still unknown.
    if kind.endswith("_output"):
        return {"role": "tool", "parts": [_result_part(item, limit)]}
    if kind == "reasoning":
        thought = "".join(event.text for event in item_texts(item))
        return {"role": "assistant", "parts": reasoning_parts(thought, limit)}
    return {"role": "assistant" if kind == "compaction" else "user", "parts": [{"type": clean(kind)}]}


def _result_part(item: Mapping[str, Any], limit: int) -> Json:
    identity = values.text(item.get("call_id")) or values.text(item.get("id"))
    return response_part(identity, item.get("output", item.get("result")), limit)


Json: TypeAlias = "dict[str, Any]"

_MODALITIES = ("image", "audio", "video")


def text_part(text: str, limit: int) -> Json:
    """Return a text part."""
    return {"type": "text", "content": shorten(text, limit)}


def reasoning_parts(text: str | None, limit: int) -> list[Json]:
    """Return a list with a reasoning part, empty without text."""
    return [{"type": "reasoning", "content": shorten(text, limit)}] if text else []


def call_part(call: quirks.CallDelta | Item | ToolCall, limit: int) -> Json:
    """Return a tool call part; a tool that the server runs itself has a part of its kind within."""
    hosted = call.kind not in ANSWERED
    found: Json = {"type": "server_tool_call" if hosted else "tool_call", "name": clean(call.name or "")}
    if call.id:
        found["id"] = clean(values.word(call.id) or "")
    holder = found.setdefault("server_tool_call", {"type": clean(call.kind)}) if hosted else found
    arguments = call_arguments(call.arguments, limit, call.kind)
    if arguments not in ("", None):
        holder["arguments"] = arguments
    return found


def response_part(identity: str | None, content: Any, limit: int) -> Json:
    """Return the part for the result of a tool call, which is a text or a list of parts."""
    response = shorten(content, limit) if isinstance(content, str) else content_parts(content, limit)
    found: Json = {"type": "tool_call_response", "response": response}
    return {**found, "id": clean(values.word(identity) or "")} if identity else found


def content_parts(content: Any, limit: int) -> list[Json]:
    """Return the parts of a message's content, which is a text or a list of typed parts."""
    if isinstance(content, str):
        return [text_part(content, limit)] if content else []
    return [_part(part, limit) for part in values.sequence(content)]


def _part(part: Any, limit: int) -> Json:
    if isinstance(part, str):
        return text_part(part, limit)
    known = values.fields(part)
    # By their fields and not by their types: servers name text parts `text`, `input_text`, `output_text`, …
    for name in ("text", "refusal"):
        if isinstance(text := known.get(name), str):
            return text_part(text, limit)
    return _media_part(values.text(known.get("type")) or "unknown", known, limit)


def _media_part(kind: str, known: Mapping[str, Any], limit: int) -> Json:
    if (block := _block(kind, known, limit)) is not None:
        return block
    if kind in ("image_url", "video_url", "audio_url", "input_image"):
        modality = next(each for each in _MODALITIES if each in kind)
        return _address(known.get(kind) or known.get("image_url"), modality, limit)
    if kind == "input_audio":
        return _audio(values.fields(known.get("input_audio")))
    if kind in ("file", "input_file"):
        return _file(values.fields(known.get("file")) or known)
    return {"type": clean(kind)}  # which fields of an unknown type are content is not known


def _block(kind: str, known: Mapping[str, Any], limit: int) -> Json | None:
    """Return the part for a block of the Messages API; `None` for other parts."""
    if isinstance(thought := known.get("thinking"), str):
        return {"type": "reasoning", "content": shorten(thought, limit)}
    if kind.endswith("tool_use"):
        name, given = values.text(known.get("name")), quirks.arguments_text(known.get("input"))
        call = quirks.CallDelta(None, values.text(known.get("id")), name, call_kind(kind, name), given)
        return call_part(call, limit)
    if kind.endswith("tool_result"):
        part = response_part(values.text(known.get("tool_use_id")), known.get("content"), limit)
        if kind == "tool_result":
            return part
        # Which fields of a server's result are content is not known.
        part |= {"type": "server_tool_call_response", "server_tool_call_response": {"type": clean(kind)}}
        return {name: value for name, value in part.items() if name != "response"}
    source = values.fields(known.get("source"))
    if kind not in ("image", "document") or not source:
        return None
    if url := values.text(source.get("url")):
        return _address(url, kind, limit)
    if identity := values.text(source.get("file_id")):
        return {"type": "file", "modality": kind, "file_id": clean(identity)}
    return _blob(kind, values.text(source.get("media_type")), source.get("data"))


def _address(value: Any, modality: str, limit: int) -> Json:
    """Return a part for a URL, or media type and size of a data URL.

    The URL is a text or an object with `url`: both forms occur (sentry-python#6478).
    """
    url = value if isinstance(value, str) else values.text(values.fields(value).get("url")) or ""
    if url[:5].lower() == "data:":
        head, _, data = url[5:].partition(",")
        return _blob(modality, head.partition(";")[0] or None, data)
    return {"type": "uri", "modality": modality, "uri": shorten(url, limit)}


def _audio(known: Mapping[str, Any]) -> Json:
    form = values.text(known.get("format"))
    return _blob("audio", f"audio/{form}" if form else None, known.get("data"))


def _file(known: Mapping[str, Any]) -> Json:
    if identity := values.text(known.get("file_id")):
        return {"type": "file", "modality": "document", "file_id": clean(identity)}
    return _blob("document", None, known.get("file_data"))


def _blob(modality: str, mime_type: str | None, data: Any) -> Json:
    """Return a part for inline data without the data; `size` is in bytes."""
    size = len(data) * 3 // 4 if isinstance(data, (str, bytes)) else 0  # base64: 4 characters for 3 bytes
    found: Json = {"type": "blob", "modality": modality, "content": "", "size": size}
    return {**found, "mime_type": clean(mime_type)} if mime_type else found
