"""What a server of the Responses API sends: items, events and whole responses, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Events = list[dict[str, Any]]

COUNTS: dict[str, Any] = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 3},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 18,
}


def response(status: str = "completed", output: Iterable[Any] = (), **more: Any) -> dict[str, Any]:
    """A whole response; one that has ended has counted its tokens."""
    head = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-test-2026", "status": status}
    settings = {"parallel_tool_calls": True, "temperature": 1.0, "text": {"format": {"type": "text"}}}
    tools = {"tool_choice": "auto", "tools": [], "top_p": 1.0}
    unset = {"error": None, "incomplete_details": None, "instructions": None, "metadata": {}}
    usage = COUNTS if status in ("completed", "incomplete") else None
    return {**head, **unset, "output": list(output), **settings, **tools, "usage": usage, **more}


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """An event of a stream."""
    return {"type": f"response.{kind}", **fields}


def progress(
    status: str, output: Iterable[Any] = (), *, kind: str | None = None, **more: Any
) -> dict[str, Any]:
    """An event that holds the response as it is so far; `kind` where it is not called like the status."""
    return event(kind or status, response=response(status, output, **more))


def message(text: str, identity: str = "msg_1") -> dict[str, Any]:
    """A message, complete."""
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    whole = {"type": "message", "role": "assistant", "status": "completed", "content": content}
    return {"id": identity, **whole}


def call(
    name: str, arguments: str = "", *, at: int = 0, kind: str = "function_call", **more: Any
) -> dict[str, Any]:
    """A call that the application answers; its two ids differ, as they do at OpenAI."""
    field = "input" if kind == "custom_tool_call" else "arguments"
    own = {"id": f"item_{at}", "call_id": f"call_{at}", "name": name, field: arguments}
    return {"type": kind, "status": "completed", **own, **more}


def hosted(kind: str, at: int = 0, **fields: Any) -> dict[str, Any]:
    """A call that the server answers itself: `web_search_call`, `mcp_call` and the like."""
    return {"type": kind, "id": f"item_{at}", "status": "completed", **fields}


def added(item: dict[str, Any], at: int = 0, **fields: Any) -> dict[str, Any]:
    """The event with which an item begins; what is still to come is given as it is at the beginning."""
    item = {**item, "status": "in_progress", **fields}
    return event("output_item.added", output_index=at, item=item)


def done(item: dict[str, Any], at: int = 0) -> dict[str, Any]:
    """The event with which an item ends."""
    return event("output_item.done", output_index=at, item=item)


def part(kind: str, item: dict[str, Any], at: int = 0, **fields: Any) -> dict[str, Any]:
    """An event that speaks of a part of an item."""
    return event(kind, item_id=item["id"], output_index=at, **fields)


def written(*pieces: str, at: int = 0) -> Events:
    """A message, piece by piece."""
    item = message("".join(pieces), f"msg_{at}")
    (content,) = item["content"]
    empty = {**content, "text": ""}
    return [
        added(item, at, content=[]),
        part("content_part.added", item, at, content_index=0, part=empty),
        *(part("output_text.delta", item, at, content_index=0, delta=piece, logprobs=[]) for piece in pieces),
        part("output_text.done", item, at, content_index=0, text=content["text"], logprobs=[]),
        part("content_part.done", item, at, content_index=0, part=content),
        done(item, at),
    ]


def called(name: str, *pieces: str, at: int = 0) -> Events:
    """A function call, piece by piece."""
    item = call(name, "".join(pieces), at=at)
    return [
        added(item, at, arguments=""),
        *(part("function_call_arguments.delta", item, at, delta=piece) for piece in pieces),
        part("function_call_arguments.done", item, at, arguments=item["arguments"], name=name),
        done(item, at),
    ]


def stream(*items: Events, last: str | None = "completed", **more: Any) -> tuple[dict[str, Any], ...]:
    """A whole stream of these items, up to its last event, if it has one; the events are numbered."""
    output = [events[-1]["item"] for events in items]
    head = [{**progress("in_progress"), "type": "response.created"}, progress("in_progress")]
    tail = [progress(last, output, **more)] if last else []
    return numbered([*head, *(one for events in items for one in events), *tail])


def numbered(events: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The events with their sequence numbers."""
    return tuple({**one, "sequence_number": number} for number, one in enumerate(events))


TEXT = stream(written("Hel", "lo"))
"""A short answer: ten events."""

CALLS = stream(called("get_weather", '{"city":', '"Bern"}'), called("get_time", '{"at":1}', at=1))
"""Two function calls: twelve events."""

ANSWER = response(output=[message("Hello")])
FAILED: dict[str, Any] = {"error": {"code": "server_error", "message": "down"}}
CUT: dict[str, Any] = {"incomplete_details": {"reason": "max_output_tokens"}}
ERROR: dict[str, Any] = {"type": "error", "code": "rate_limit_exceeded", "message": "slow", "param": None}
"""An error event, which the SDK hands to the application as it hands any other."""
