"""Each case of the Responses API is recorded as its row expects, from dicts and SDK objects."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ..table import each_row
from .reading import canonical, facts, plain, record_of, seen
from .responses_reading import (
    check_law,
    events_of,
    expected,
    read,
    sdk_event,
    sdk_response,
    summed,
    told,
)
from .responses_table import BLOB, CASES, ENDED, IDS, Case

EVENTS = pytest.mark.parametrize("build", [plain, sdk_event], ids=["dict", "sdk"])
EACH = each_row("case", CASES, ids=IDS)


def whole_of(case: Case) -> dict[str, Any]:
    """The case as one response."""
    return case.whole if case.whole is not None else case.events[-1]["response"]


@EVENTS
@EACH
def test_each_case_is_recorded_as_its_row_expects(case: Case, build: Callable[[Any], Any]) -> None:
    """Calls, reason, usage, texts, failure, status and model are those of the row."""
    record = read(map(build, case.events))
    found = seen(record)
    assert canonical(found.calls) == canonical(case.calls)
    assert told(found) == expected(case)
    assert (record.started.status, record.started.compacted) == (case.status, case.compacted)


@pytest.mark.parametrize("build", [plain, sdk_response], ids=["dict", "sdk"])
@each_row("case", ENDED, ids=[case.id for case in ENDED])
def test_whole_response_is_recorded_like_its_stream(case: Case, build: Callable[[Any], Any]) -> None:
    """As one response a case has the same calls, texts, usage and reason as its stream."""
    streamed = summed(read(case.events), how=False)
    assert summed(read([build(whole_of(case))]), how=False) == streamed


@EVENTS
@EACH
def test_events_of_each_case_are_in_the_promised_order(case: Case, build: Callable[[Any], Any]) -> None:
    """Events are in the promised order, with pieces and without."""
    for pieces in (True, False):
        check_law(events_of(map(build, case.events), pieces=pieces))


@EVENTS
@EACH
def test_record_without_pieces_has_the_same_facts_and_no_text(
    case: Case, build: Callable[[Any], Any]
) -> None:
    """Without pieces the record has the same facts, and no text."""
    found = read(map(build, case.events), keep=False)
    assert facts(found) == facts(read(case.events))
    assert [call.arguments for call in found.calls] == [""] * len(case.calls)


@EVENTS
@EACH
def test_reading_a_case_changes_nothing_in_its_events(case: Case, build: Callable[[Any], Any]) -> None:
    """Reading changes nothing in an event."""
    bodies = [build(body) for body in copy.deepcopy(case.events)]
    before = copy.deepcopy(bodies)
    read(bodies)
    assert bodies == before


@EACH
def test_inline_image_is_in_no_event(case: Case) -> None:
    """Inline data of images is in no event."""
    assert BLOB[:8] not in repr(events_of(case.events))


@EACH
def test_case_cut_anywhere_keeps_its_events_and_closes_each_call_once(case: Case) -> None:
    """A stream that breaks off keeps its events; each call that was opened is closed once."""
    whole = events_of(case.events)
    for length in range(len(case.events)):
        events = events_of(case.events[:length])
        check_law(events)
        read_so_far = len(events) - sum(1 for _ in _closing(events))
        assert events[:read_so_far] == whole[:read_so_far]
        record_of(events)


def _closing(events: list[Any]) -> list[Any]:
    """The events at the end that say that the stream ended."""
    return [event for event in events if getattr(event, "how", None) == "end"]


def test_each_case_has_a_unique_id_a_server_and_a_report() -> None:
    """Each case has its own id, a server and a report."""
    assert len(set(IDS)) == len(IDS)
    assert all(case.server and case.report for case in CASES)
