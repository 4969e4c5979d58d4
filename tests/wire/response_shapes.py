"""How a case of the Responses API is written down, and the builders of its events. It imports no package."""

from __future__ import annotations

from typing import Any, NamedTuple

from .shapes import ARGS, OTHER, Call

Event = dict[str, Any]


class Case(NamedTuple):
    """What a server sends in its order, and what must be made of it; `whole` is the same as one response.

    Without `whole` the response of the last event stands for it. `usage` is (input, output).
    """

    id: str
    events: list[Event]
    calls: list[Call]
    reason: str | None = "stop"
    usage: tuple[int | None, int | None] | None = (9, 4)
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    failure: str | None = None
    status: str | None = "completed"
    compacted: bool = False
    model: str | None = "m-1"
    whole: dict[str, Any] | None = None
    server: str = "OpenAI"
    report: str = "API reference"


def response(*output: Any, status: str | None = "completed", **fields: Any) -> dict[str, Any]:
    """A response; `fields` replace or extend its own."""
    known = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m-1",
        "status": status,
        "error": None,
        "incomplete_details": None,
        "service_tier": "default",
        "output": list(output),
        "usage": counts() if status in ("completed", "incomplete") else None,
    }
    return {**known, **fields}


def counts(inward: int = 9, outward: int = 4) -> dict[str, Any]:
    """A usage object."""
    return {
        "input_tokens": inward,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": outward,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": inward + outward,
    }


def event(kind: str, owner: str | None = None, index: int | None = None, **fields: Any) -> Event:
    """An event; `kind` is what follows `response.`, `owner` the id of its item; what is None is absent."""
    known = {"type": f"response.{kind}", "item_id": owner, "output_index": index}
    return {**{key: value for key, value in known.items() if value is not None}, **fields}


def begins(status: str = "in_progress", **fields: Any) -> list[Event]:
    """The two notices with which nearly every stream begins; the tier is not known yet."""
    body = response(status=status, **{"service_tier": "auto", "usage": None, **fields})
    return [event("created", response=body), event("in_progress", response=body)]


def ends(*output: Any, status: str = "completed", **fields: Any) -> Event:
    """The last event, with the whole response."""
    return event(status, response=response(*output, status=status, **fields))


def added(item: dict[str, Any], index: int | None = 0, **changes: Any) -> Event:
    """An item begins; `changes` are what is not known of it yet, `None` where it is absent."""
    begun = {"status": "in_progress", **item, **changes}
    return event(
        "output_item.added", index=index, item={key: part for key, part in begun.items() if part is not None}
    )


def done(item: dict[str, Any], index: int | None = 0) -> Event:
    """An item is complete."""
    return event("output_item.done", index=index, item=item)


def pieces(kind: str, texts: list[str], owner: str | None = None, index: int | None = 0) -> list[Event]:
    """The deltas of a text or of arguments."""
    return [event(f"{kind}.delta", owner, index, delta=text) for text in texts]


def function(identity: str = "call_a", arguments: str = ARGS, name: str = "weather") -> dict[str, Any]:
    """A function call's item; its own id is not the one the application answers with."""
    return {
        "type": "function_call",
        "id": identity.replace("call", "fc"),
        "call_id": identity,
        "name": name,
        "arguments": arguments,
        "status": "completed",
    }


def asks(item: dict[str, Any], index: int | None = 0, *cuts: int) -> list[Event]:
    """All events of a function call, its arguments cut at these places."""
    text = item["arguments"]
    parts = [text[start:end] for start, end in zip((0, *cuts), (*cuts, None), strict=True)]
    identity = item.get("id")
    return [
        added(item, index, arguments=""),
        *pieces("function_call_arguments", parts, identity, index),
        event("function_call_arguments.done", identity, index, arguments=text),
        done(item, index),
    ]


def message(text: str = "Hello", identity: str = "msg_1", **fields: Any) -> dict[str, Any]:
    """A message's item, all of its text in one part."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    known = {"type": "message", "id": identity, "role": "assistant", "status": "completed", "content": [part]}
    return {**known, **fields}


def says(item: dict[str, Any], index: int | None = 0, *texts: str) -> list[Event]:
    """All events of a message of one part, its text in these pieces."""
    identity, place = item.get("id"), {"content_index": 0}
    part = {**item["content"][0], "text": ""}
    return [
        added(item, index, content=[]),
        event("content_part.added", identity, index, part=part, **place),
        *(event("output_text.delta", identity, index, delta=text, logprobs=[], **place) for text in texts),
        event("output_text.done", identity, index, text="".join(texts), logprobs=[], **place),
        event("content_part.done", identity, index, part=item["content"][0], **place),
        done(item, index),
    ]


def without(events: list[Event], *names: str) -> list[Event]:
    """The same events from a server that leaves out these fields."""
    return [{key: part for key, part in each.items() if key not in names} for each in events]


ONE = function()
TWO = function("call_b", OTHER)
