"""Reads bodies of the Responses API into a record, as plain dicts or as SDK objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from openai._models import construct_type

from toolspan.wire.events import CallArguments, CallClosed, CallOpened, Event, Finished, Started, Text
from toolspan.wire.record import Record
from toolspan.wire.responses import ResponsesReader

from .reading import Seen, canonical, record_of, seen
from .response_shapes import Case

types = pytest.importorskip("openai.types.responses", reason="this SDK has no responses.create")


def sdk_event(body: Any) -> Any:
    """The event as the SDK builds it, without validation."""
    return construct_type(type_=types.ResponseStreamEvent, value=body)


def sdk_response(body: Any) -> Any:
    """The whole response as the SDK builds it, without validation."""
    return construct_type(type_=types.Response, value=body)


def events_of(bodies: Iterable[Any], reader: Any = ResponsesReader, *, pieces: bool = True) -> list[Event]:
    """All events of a stream, its end included."""
    made = reader(pieces=pieces)
    events = [event for body in bodies for event in made.read(body)]
    return events + made.close()


def read(bodies: Iterable[Any], *, keep: bool = True, reader: Any = ResponsesReader) -> Record:
    """The record of a stream, with its texts or without."""
    return record_of(events_of(bodies, reader, pieces=keep), keep=keep)


def told(found: Seen) -> tuple[Any, ...]:
    """Return the facts of a response's record, without its calls."""
    reasons = [reason for reason in found.reasons.values() if reason is not None]
    texts = [kind.get(0, "") for kind in (found.texts, found.reasoning, found.refusals)]
    usage = found.usage and found.usage[:2]
    return (reasons[0] if reasons else None, usage, *texts, found.failure, found.model)


def expected(case: Case) -> tuple[Any, ...]:
    """The same, as the case has it."""
    return (case.reason, case.usage, case.text, case.reasoning, case.refusal, case.failure, case.model)


def summed(record: Record, *, how: bool = True) -> tuple[Any, ...]:
    """Calls and all else, in a form that compares."""
    found = seen(record)
    return canonical(found.calls, how=how), *told(found), record.started.compacted


def check_law(events: list[Event]) -> None:
    """The order that `events.py` promises; a stream that has ended leaves no call open."""
    opened: dict[int, CallOpened] = {}
    closed: dict[int, CallClosed] = {}
    last, reasons = Started(None, None), 0
    for event in events:
        if isinstance(event, Started):
            assert event != last, "an identity that says nothing new"
            last = event
        elif isinstance(event, CallOpened):
            assert event.call in opened or event.call == len(opened), "calls are counted from 0"
            assert opened.get(event.call) != event, "an opening that says nothing new"
            opened[event.call] = event
        elif isinstance(event, CallArguments):
            assert event.call in opened
            assert event.text
        elif isinstance(event, CallClosed):
            assert event.call in opened
            before = closed.get(event.call)
            corrected = before and before.how == event.how and before.fragments < event.fragments
            assert before is None or corrected, "closed twice"
            closed[event.call] = event
        elif isinstance(event, Finished):
            reasons += event.failure is None
        elif isinstance(event, Text):
            assert event.text
    assert opened.keys() == closed.keys()
    assert reasons <= 1
