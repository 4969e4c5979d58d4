"""Nothing that a server can send makes the reader of responses raise, or break the order of its events."""

from __future__ import annotations

import functools
import json
from random import Random
from typing import Any

import pytest

from toolspan.wire.responses import _RULES, FetchReader, ResponsesReader

from ..table import each_row
from . import randoms
from .reading import FULL, facts, plain, record_of, said
from .responses_reading import check_law, events_of, read, sdk_event, sdk_response, summed
from .responses_table import CASES, ENDED
from .test_chat_malformed import paths, replaced

_VALUES = 100_000 if FULL else 2_000
_LONG = 8  # events of one stream
EVENTS = [case.events for case in CASES]
BODIES = [body for case in CASES for body in case.events]
TYPES = [*_RULES, "response.output_text.done", "response.web_search_call.searching", "keepalive"]
KEYS = [
    "delta",
    "item",
    "item_id",
    "output_index",
    "response",
    "arguments",
    "output",
    "status",
    "error",
    "usage",
    "incomplete_details",
    "object",
    "content",
    "call_id",
    "name",
    "id",
]
KINDS = pytest.mark.parametrize("reader", [ResponsesReader, FetchReader], ids=["create", "fetch"])


@functools.cache
def _regular(case: int, build: Any) -> tuple[Any, ...]:
    return tuple(map(build, EVENTS[case]))


def regular(case: int, build: Any) -> list[Any]:
    """Return the events of a case, built once: readers change nothing in them."""
    return list(_regular(case, build))


def _said_event(body: Any) -> Any:
    return said(sdk_event(body))


def survive(bodies: list[Any], reader: Any = ResponsesReader) -> None:
    """Read them with pieces and without: the order holds, and both ways give the same facts."""
    found = []
    for pieces in (True, False):
        events = events_of(bodies, reader, pieces=pieces)
        assert all(type(event).__module__ == "toolspan.wire.events" for event in events)
        check_law(events)
        found.append(repr(facts(record_of(events, keep=pieces))))
    assert found[0] == found[1], bodies


@pytest.mark.parametrize("build", [plain, sdk_event], ids=["dict", "sdk"])
@each_row("new", [None, [], {}, "", -1, True, "x", ["x"]], ids=json.dumps)
def test_any_part_of_an_event_may_be_null_or_of_another_type(build: Any, new: Any) -> None:
    """Any one part of an event may be null or of another type."""
    every = 3 if FULL else 389  # each place in turn would take minutes
    places = [(case, number, path) for case, events in enumerate(EVENTS) for number, body in enumerate(events)
              for path in paths(body)]  # fmt: skip
    for case, number, path in places[::every]:
        bodies = regular(case, build)
        bodies[number] = build(replaced(EVENTS[case][number], path, new))
        survive(bodies)


@pytest.mark.parametrize("build", [plain, sdk_response], ids=["dict", "sdk"])
@each_row("new", [None, [], {}, "", -1, True, "x"], ids=json.dumps)
def test_any_part_of_a_whole_response_may_be_null_or_of_another_type(build: Any, new: Any) -> None:
    """Any one part of a whole response may be null or of another type."""
    every = 1 if FULL else 29
    wholes = [case.events[-1].get("response", case.events[-1]) for case in ENDED]
    places = [(body, path) for body in wholes for path in paths(body)]
    for body, path in places[::every]:
        survive([build(replaced(body, path, new))])


def test_any_part_of_a_real_response_stream_may_be_null() -> None:
    """Any one part of a real stream may be null; the SDK object and the dict give the same events."""
    every = 1 if FULL else 89
    for case, events in enumerate(EVENTS):
        places = [(number, path) for number, body in enumerate(events) for path in paths(body)]
        for number, path in places[::every]:
            built, bodies = regular(case, sdk_event), regular(case, _said_event)
            built[number] = sdk_event(replaced(events[number], path, None))
            bodies[number] = said(built[number])
            assert repr(summed(read(built))) == repr(summed(read(bodies))), bodies


@KINDS
def test_any_json_value_as_an_event_raises_nothing(reader: Any) -> None:
    """Any JSON value may come as an event."""
    rng = Random(1)
    for _ in range(_VALUES // _LONG // 4):
        survive([randoms.value(rng, 6) for _ in range(_LONG)], reader)


@KINDS
def test_event_of_any_type_may_have_any_fields(reader: Any) -> None:
    """Events of every type may have any fields."""
    rng = Random(2)
    for _ in range(_VALUES // _LONG // 4):
        bodies = [
            {"type": rng.choice(TYPES), **{rng.choice(KEYS): randoms.value(rng) for _ in range(4)}}
            for _ in range(_LONG)
        ]
        survive(bodies, reader)


@KINDS
def test_any_json_value_inside_a_real_event_raises_nothing(reader: Any) -> None:
    """Any JSON value may be at any place of a real event, and events of other streams beside it."""
    rng = Random(3)
    for _ in range(_VALUES // _LONG // 2):
        survive([randoms.altered(rng, rng.choice(BODIES), 0.15) for _ in range(_LONG)], reader)


def test_damaged_response_stream_keeps_the_order_of_events() -> None:
    """A stream with lost, doubled and moved events keeps the promised order."""
    rng = Random(4)
    for _ in range(_VALUES // _LONG // 4):
        bodies = [randoms.altered(rng, body, 0.03) for body in rng.choice(CASES).events]
        rng.shuffle(bodies) if rng.random() < 0.2 else None
        survive([body for body in bodies for _ in range(rng.choice((0, 1, 1, 1, 1, 2)))])


def test_malformed_event_reads_the_same_from_dict_and_sdk() -> None:
    """A malformed event gives the same events as an SDK object and as a dict."""
    rng = Random(5)
    for _ in range(_VALUES // _LONG // 10):
        built = [sdk_event(randoms.altered(rng, body, 0.1)) for body in rng.choice(CASES).events]
        assert repr(summed(read(built))) == repr(summed(read(map(said, built)))), built


@pytest.mark.parametrize("build", [plain, sdk_event, sdk_response], ids=["dict", "event", "response"])
@each_row(
    "body",
    [None, 1, "text", [], [{}], True, object(), b"{}", {}],
    ids=lambda body: repr(body).partition(" at ")[0],
)
def test_body_that_is_not_an_object_has_no_events(body: Any, build: Any) -> None:
    """What is no object has no events."""
    assert events_of([build(body)]) == []


def test_deeply_nested_values_of_a_response_are_left_out() -> None:
    """Values nested deeper than Python's recursion limit are left out."""
    deep: Any = "x"
    for _ in range(5_000):
        deep = [deep]
    items = [{"type": "function_call", "arguments": deep}, {"type": "message", "content": deep}]
    survive([{"type": "response.completed", "response": {"output": items, "error": deep}}])
    survive([{"type": "response.function_call_arguments.done", "arguments": deep}, {"error": deep}])
