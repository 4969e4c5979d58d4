"""What a server of Realtime sends, as plain data: sessions, and responses with an id in every event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Events = tuple[dict[str, Any], ...]

USAGE: dict[str, Any] = {
    "total_tokens": 18,
    "input_tokens": 11,
    "output_tokens": 7,
    "input_token_details": {"cached_tokens": 3, "text_tokens": 11, "audio_tokens": 0},
    "output_token_details": {"text_tokens": 7, "audio_tokens": 0},
}
TOOL = {"type": "function", "name": "get_weather", "description": "Weather", "parameters": {"type": "object"}}


def session(kind: str, **fields: Any) -> dict[str, Any]:
    """`session.created` or `session.updated`."""
    base = {"type": "realtime", "object": "realtime.session", "id": "sess_1", "model": "gpt-realtime-2026"}
    return {"type": f"session.{kind}", "event_id": "event_s", "session": {**base, **fields}}


def response(identity: str, status: str, output: Iterable[Any] = (), **more: Any) -> dict[str, Any]:
    """A response as it is so far."""
    base = {"object": "realtime.response", "id": identity, "status": status, "status_details": None}
    settings = {"conversation_id": "conv_9", "output_modalities": ["text"], "max_output_tokens": "inf"}
    usage = USAGE if status in ("completed", "incomplete", "cancelled") else None
    return {**base, "output": list(output), **settings, "usage": usage, "metadata": None, **more}


def created(identity: str = "resp_1", **more: Any) -> dict[str, Any]:
    """The event with which a response begins."""
    body = response(identity, "in_progress", **more)
    return {"type": "response.created", "event_id": "event_1", "response": body}


def done(
    identity: str = "resp_1", status: str = "completed", output: Iterable[Any] = (), **more: Any
) -> dict[str, Any]:
    """The event with which a response ends, however it ended."""
    body = response(identity, status, output, **more)
    return {"type": "response.done", "event_id": "event_2", "response": body}


def event(kind: str, identity: str, item: dict[str, Any], at: int, **fields: Any) -> dict[str, Any]:
    """An event that speaks of an item of a response."""
    known = {"event_id": "event_3", "response_id": identity, "item_id": item["id"], "output_index": at}
    return {"type": f"response.{kind}", **known, **fields}


def _framed(kind: str, identity: str, item: dict[str, Any], at: int) -> dict[str, Any]:
    known = {"event_id": "event_4", "response_id": identity, "output_index": at, "item": item}
    return {"type": f"response.output_item.{kind}", **known}


def written(*pieces: str, identity: str = "resp_1", at: int = 0) -> Events:
    """A message, piece by piece."""
    whole = [{"type": "output_text", "text": "".join(pieces)}]
    base = {"id": f"item_{at}", "object": "realtime.item", "type": "message", "role": "assistant"}
    item = {**base, "status": "completed", "content": whole}
    deltas = [
        event("output_text.delta", identity, item, at, content_index=0, delta=piece) for piece in pieces
    ]
    said = event("output_text.done", identity, item, at, content_index=0, text="".join(pieces))
    begun = _framed("added", identity, {**base, "status": "in_progress", "content": []}, at)
    return (begun, *deltas, said, _framed("done", identity, item, at))


def called(name: str, *pieces: str, identity: str = "resp_1", at: int = 0) -> Events:
    """A function call, piece by piece."""
    whole, call_id = "".join(pieces), f"call_{at}"
    base = {"id": f"item_{at}", "object": "realtime.item", "type": "function_call", "name": name}
    item = {**base, "call_id": call_id, "status": "completed", "arguments": whole}
    begun = {**item, "status": "in_progress", "arguments": ""}
    kind = "function_call_arguments"
    return (
        _framed("added", identity, begun, at),
        *(event(f"{kind}.delta", identity, item, at, call_id=call_id, delta=piece) for piece in pieces),
        event(f"{kind}.done", identity, item, at, call_id=call_id, name=name, arguments=whole),
        _framed("done", identity, item, at),
    )


def whole(*items: Events, identity: str = "resp_1", status: str = "completed", **more: Any) -> Events:
    """A response from its beginning to its end."""
    output = [events[-1]["item"] for events in items]
    inner = [one for events in items for one in events]
    return (created(identity), *inner, done(identity, status, output, **more))


def error(event_id: str | None = None, code: str = "invalid_value") -> dict[str, Any]:
    """An error; most of them name no event."""
    about = {"type": "invalid_request_error", "code": code, "message": "no", "event_id": event_id}
    return {"type": "error", "event_id": "event_5", "error": about}


TEXT = whole(written("Hel", "lo"))
"""A short answer: seven events."""
CALLS = whole(called("get_weather", '{"city":', '"Bern"}'), called("get_time", '{"at":1}', at=1))
"""Two function calls: eleven events."""
