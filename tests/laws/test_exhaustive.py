"""Tables with a row for each operation, event or note: a missing row fails here and not in a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from toolspan.event_stream import builder
from toolspan.event_stream.events import StreamEvent
from toolspan.log_lines import format as line_format
from toolspan.log_lines.format import event_line
from toolspan.otel import attributes, call_data, span_events, words
from toolspan.otel import semconv as names
from toolspan.otel.call_data import CallData
from toolspan.pipeline import chunk
from toolspan.sdk import routes
from toolspan.wire import events as wire_events
from toolspan.wire.events import (
    Answered,
    CallArguments,
    CallClosed,
    CallCorrected,
    CallOpened,
    ContextReduced,
    Event,
    Finished,
    Note,
    Retried,
    Runaway,
    Started,
    Text,
    ToolsChanged,
    Usage,
)
from toolspan.wire.providers import Endpoint
from toolspan.wire.record import End, Record
from toolspan.wire.request import Request

from ..otel.lab import STREAM, new_call
from ..table import each_row

OPERATIONS = {value for name, value in vars(call_data).items() if name.isupper() and isinstance(value, str)}
REQUESTED = OPERATIONS - {call_data.EXECUTE_TOOL, call_data.INVOKE_AGENT}
"""All but those that the application runs itself."""
EXAMPLES: Mapping[type, Any] = {
    Started: Started("id", "gpt-test"),
    Text: Text(0, "a"),
    wire_events.Reasoning: wire_events.Reasoning(0, "a"),
    wire_events.Refusal: wire_events.Refusal(0, "a"),
    CallOpened: CallOpened(0, 0, "call_1", "get_weather"),
    CallArguments: CallArguments(0, 0, "{}"),
    CallClosed: CallClosed(0, 0, "json", True, 1, 2),
    CallCorrected: CallCorrected(0, 0, CallClosed(0, 0, "json", False, 2, 3), "valid"),
    Usage: Usage(1, 2),
    Finished: Finished(0, "stop"),
    Retried: Retried(1, 500, "500", 0.5),
    Answered: Answered("call_1", "get_weather", 1_000_000),
    ToolsChanged: ToolsChanged("a", "b"),
    ContextReduced: ContextReduced(3, 2, 30, 20),
    Runaway: Runaway("repeat", ("get_weather",), 4),
}
UNLOGGED = {ToolsChanged, ContextReduced}
"""Notes of which the stream log has no line."""
_WITHIN = (CallArguments, CallClosed, CallCorrected)
"""Events that need a call."""
UNTOLD = {Started}
"""Events that an application does not get."""


def test_each_operation_has_a_route() -> None:
    """The routes use each operation."""
    routed = {route.operation for route in (*routes.ROUTES.values(), routes.REALTIME, routes._FETCH)}
    assert routed == REQUESTED


def test_each_operation_has_a_row_of_traits() -> None:
    """Each operation says what it means for telemetry, and how other instrumentations mark it."""
    assert call_data.OPERATIONS.keys() == OPERATIONS
    assert {name for name in REQUESTED if not call_data.OPERATIONS[name].outer_key} == set()


def test_an_operation_without_a_row_has_no_traits() -> None:
    """A request of an operation that somebody forgot in the table is traced, without content."""
    where = Endpoint("openai", None, None)
    assert CallData("unheard-of", None, Request(), where, keep=False).traits == call_data.Operation()


def test_each_field_of_the_identity_has_an_attribute() -> None:
    """Each text that every API sends about its answer has a field and an attribute."""
    assert len(attributes._IDENTITY) == len(wire_events.IDENTITY)
    assert Started._fields[: len(wire_events.IDENTITY)] == wire_events.IDENTITY


def test_each_type_has_an_example() -> None:
    """The examples of this file are complete."""
    assert EXAMPLES.keys() == {*get_args(Event), *get_args(Note)}


def test_each_note_has_a_span_event() -> None:
    """Each note has an event name of its own and a rule for its attributes."""
    assert span_events._NOTES.keys() == set(get_args(Note))
    found = [span_events.noted(EXAMPLES[kind]) for kind in get_args(Note)]
    assert len({name for name, _ in found}) == len(found)
    assert all(attributes for _, attributes in found)


@each_row("kind", get_args(Event))
def test_each_event_changes_the_record(kind: type) -> None:
    """The record changes with each event."""
    record, before = Record(keep=True), Record(keep=True)
    for each in (record, before):
        if kind in _WITHIN:
            each.apply(EXAMPLES[CallOpened], 1)
    record.apply(EXAMPLES[kind], 2)
    assert state(record) != state(before)


def state(record: Record) -> list[str]:
    """All that a record holds."""
    return [repr(getattr(record, name)) for name in Record.__slots__]


@each_row("kind", get_args(Event))
def test_each_timed_event_has_a_span_event_and_a_log_line(kind: type) -> None:
    """An event whose time the record keeps has a span event and a line in the stream log; no other has."""
    call = new_call(STREAM)
    if kind in _WITHIN:
        call.record.apply(EXAMPLES[CallOpened], 1)
    if call.record.apply(EXAMPLES[kind], 2):
        name, attributes = span_events.SpanEvent(call, EXAMPLES[kind], 0).row()
        assert (name in vars(names).values(), bool(attributes)) == (True, True)
        assert event_line(call, EXAMPLES[kind], 2) is not None
    else:
        assert event_line(call, EXAMPLES[kind], 2) is None


@each_row("kind", get_args(Note))
def test_each_note_has_a_line_or_is_known_to_have_none(kind: type) -> None:
    """The stream log has a line for each note in each form, or this file names it as having none."""
    line = event_line(new_call(STREAM), EXAMPLES[kind], 2)
    assert (line is None) == (kind in UNLOGGED)
    if line is not None:
        assert line.kind in line_format._TEXTS
        assert line_format.FORMS["text"](line, None, (None, None))
        assert json.loads(line_format.FORMS["json"](line, None, (None, None)))


@each_row("kind", get_args(Event))
def test_each_event_reaches_the_application(kind: type) -> None:
    """The builder of the application's events yields something for each event, at the latest at the end."""
    with_it, without = (_told(kind, shown) for shown in (True, False))
    assert (with_it == without) == (kind in UNTOLD)


def _told(kind: type, shown: bool) -> list[Any]:
    made = builder.EventBuilder()
    before = {CallCorrected: [EXAMPLES[CallOpened], EXAMPLES[CallClosed]]}.get(kind, [EXAMPLES[CallOpened]])
    found = made.build(before if kind in _WITHIN else [], None)
    found += made.build([EXAMPLES[kind]] if shown else [], None)
    return found + made.end(End.EXHAUSTED)


def test_each_span_event_has_words_in_the_terminal() -> None:
    """The terminal has a row for the span event of each note and of each timed event."""
    timed = {names.CALL_DETECTED_EVENT, names.CALL_COMPLETED_EVENT, names.TEXT_STARTED_EVENT}
    timed.add(names.CALL_CORRECTED_EVENT)
    assert words.EVENTS.keys() >= timed | {name for name, _ in span_events._NOTES.values()}


def test_each_event_of_the_application_parses_in_a_pipeline() -> None:
    """A stage parses each of the application's events."""
    assert {kind._field_defaults["type"] for kind in get_args(StreamEvent)} == chunk._RULES.keys()
