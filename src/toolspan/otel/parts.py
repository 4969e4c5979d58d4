"""The parts of a message's content, one for each form the API accepts; inline data is never kept.

It knows nothing of messages, roles and calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from ..wire import values
from .attributes import clean
from .tidy import shorten

Json: TypeAlias = "dict[str, Any]"

_MODALITIES = ("image", "audio", "video")


def text_part(text: str, limit: int) -> Json:
    """A text part."""
    return {"type": "text", "content": shorten(text, limit)}


def reasoning_parts(text: str | None, limit: int) -> list[Json]:
    """Reasoning, if there is any."""
    return [{"type": "reasoning", "content": shorten(text, limit)}] if text else []


def call_part(identity: str | None, name: str | None, arguments: Any, kind: str | None = None) -> Json:
    """A tool call; `kind` is that of a tool that the server runs itself."""
    found: Json = {"type": "server_tool_call" if kind else "tool_call", "name": clean(name or "")}
    if identity:
        found["id"] = clean(identity)
    told = {} if arguments in ("", None) else {"arguments": arguments}
    return {**found, "server_tool_call": {"type": clean(kind), **told}} if kind else {**found, **told}


def response_part(identity: str | None, content: Any, limit: int) -> Json:
    """What the application answers to a tool call: a text or parts."""
    response = shorten(content, limit) if isinstance(content, str) else content_parts(content, limit)
    found: Json = {"type": "tool_call_response", "response": response}
    return {**found, "id": clean(identity)} if identity else found


def content_parts(content: Any, limit: int) -> list[Json]:
    """The parts of a message's content: a text, or a list of typed parts; what is unknown keeps its type."""
    if isinstance(content, str):
        return [text_part(content, limit)] if content else []
    return [_part(part, limit) for part in values.sequence(content)]


def _part(part: Any, limit: int) -> Json:
    if isinstance(part, str):
        return text_part(part, limit)
    known = values.fields(part)
    kind = values.text(known.get("type")) or "unknown"
    if isinstance(text := known.get("text"), str):
        return text_part(text, limit)
    if isinstance(refusal := known.get("refusal"), str):
        return text_part(refusal, limit)
    if kind in ("image_url", "video_url", "audio_url", "input_image"):
        return _address(known.get(kind) or known.get("image_url"), _modality(kind), limit)
    if kind == "input_audio":
        return _audio(values.fields(known.get("input_audio")))
    if kind in ("file", "input_file"):
        return _file(values.fields(known.get("file")) or known)
    return {"type": clean(kind)}


def _modality(kind: str) -> str:
    return next(modality for modality in _MODALITIES if modality in kind)


def _address(value: Any, modality: str, limit: int) -> Json:
    """A URL as such; a data URL as its media type and size. Both forms: sentry-python#6478."""
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
    """Inline data without the data: `size` is in bytes, reckoned from the length of the base64 text."""
    size = len(data) * 3 // 4 if isinstance(data, (str, bytes)) else 0
    found: Json = {"type": "blob", "modality": modality, "content": "", "size": size}
    if mime_type:
        found["mime_type"] = clean(mime_type)
    return found
