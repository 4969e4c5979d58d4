"""Reads chunks into a record, as plain dicts or as SDK objects, and sums up what was recorded."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from openai._models import construct_type
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from toolspan.wire.chat import ChatReader
from toolspan.wire.events import CallClosed, CallCorrected, Event, Usage
from toolspan.wire.record import Record, ToolCall

from .shapes import Call

FULL = os.environ.get("TOOLSPAN_TEST_SCALE") == "full"


class Seen(NamedTuple):
    """The facts of a record, in a form that compares."""

    calls: list[Call]
    reasons: dict[int, str | None]
    usage: Usage | None
    texts: dict[int, str]
    reasoning: dict[int, str]
    refusals: dict[int, str]
    failure: str | None
    model: str | None


def plain(body: Any) -> Any:
    """The chunk as it came."""
    return body


def sdk(body: Any) -> Any:
    """The chunk as the SDK builds it, without validation."""
    return construct_type(type_=ChatCompletionChunk, value=body)


def sdk_whole(body: Any) -> Any:
    """The whole answer as the SDK builds it, without validation."""
    return construct_type(type_=ChatCompletion, value=body)


def said(built: Any) -> Any:
    """Return an SDK object as plain JSON: the SDK makes 1 of `True` where it expects a number."""
    return built.model_dump(exclude_unset=True, warnings=False) if hasattr(built, "model_dump") else built


def events_of(chunks: Iterable[Any], expected: int = 1, *, pieces: bool = True) -> list[Event]:
    """All events of a stream, its end included."""
    reader = ChatReader(expected, pieces=pieces)
    events = [event for body in chunks for event in reader.read(body)]
    return events + reader.close()


def record_of(events: Iterable[Event], *, keep: bool = True) -> Record:
    """The record of these events, one unit of time apart."""
    record = Record(keep=keep)
    for at, event in enumerate(events):
        record.apply(event, at)
    return record


def read(chunks: Iterable[Any], expected: int = 1, *, keep: bool = True) -> Record:
    """The record of a stream, with its texts or without."""
    return record_of(events_of(chunks, expected, pieces=keep), keep=keep)


def check_told(record: Record, events: Iterable[Event]) -> None:
    """The last verdict on each call that is worth an event has what the record has at the end."""
    found, told = Record(keep=True), {}
    for event in events:
        worth = found.apply(event, 0)
        if worth and isinstance(event, (CallClosed, CallCorrected)):
            told[event.choice, event.call] = _verdict(found.call(event))
    assert told == {(call.choice, call.index): _verdict(call) for call in record.calls}


def _verdict(call: ToolCall) -> tuple[Any, ...]:
    """White space behind a complete call is worth no event."""
    return call.id, call.name, call.arguments.strip(), call.outcome


def facts(record: Record) -> list[object]:
    """Return the facts of a record that keeps no texts."""
    calls = [
        (
            call.choice,
            call.index,
            call.id,
            call.name,
            call.kind,
            call.valid,
            call.closed_by,
            call.fragments,
            call.size,
        )
        for call in record.calls
    ]
    choices = [(index, choice.reason, choice.has_text) for index, choice in sorted(record.choices.items())]
    return [calls, choices, record.usage, record.failure, record.started]


def seen(record: Record) -> Seen:
    """The record summed up."""
    calls = [
        Call(call.id, call.name, call.arguments, call.valid, str(call.closed_by), call.choice, call.kind)
        for call in sorted(record.calls, key=lambda call: (call.choice, call.index))
    ]
    choices = sorted(record.choices.items())
    return Seen(
        calls,
        {index: choice.reason for index, choice in choices},
        record.usage,
        {index: "".join(choice.text) for index, choice in choices if choice.text},
        {index: "".join(choice.reasoning) for index, choice in choices if choice.reasoning},
        {index: "".join(choice.refusal) for index, choice in choices if choice.refusal},
        record.failure,
        record.started.model,
    )


def canonical(calls: Iterable[Call], *, how: bool = True) -> list[Call]:
    """The calls with arguments that compare, whatever the order of keys; `how` keeps what closed them."""
    return [
        call._replace(arguments=_sorted(call.arguments), closed_by=call.closed_by if how else "")
        for call in calls
    ]


def _sorted(text: str) -> str:
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text
