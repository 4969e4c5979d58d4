"""Every case of the Responses API is recorded as the table says, from dicts and from SDK objects alike."""

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
    whole_of,
)
from .responses_table import BLOB, CASES, ENDED, IDS, Case

EVENTS = pytest.mark.parametrize("build", [plain, sdk_event], ids=["dict", "sdk"])
EACH = each_row("case", CASES, ids=IDS)


@EVENTS
@EACH
def test_recorded(case: Case, build: Callable[[Any], Any]) -> None:
    """Calls, reason, usage, texts, failure, status and model come out as the server meant them."""
    record = read(map(build, case.events))
    found = seen(record)
    assert canonical(found.calls) == canonical(case.calls)
    assert told(found) == expected(case)
    assert (record.started.status, record.started.compacted) == (case.status, case.compacted)


@pytest.mark.parametrize("build", [plain, sdk_response], ids=["dict", "sdk"])
@each_row("case", ENDED, ids=[case.id for case in ENDED])
def test_whole(case: Case, build: Callable[[Any], Any]) -> None:
    """Read as one response it gives the same calls, texts, usage and reason as its stream."""
    streamed = summed(read(case.events), how=False)
    assert summed(read([build(whole_of(case))]), how=False) == streamed


@EVENTS
@EACH
def test_law(case: Case, build: Callable[[Any], Any]) -> None:
    """The events come in the order that is promised, with pieces and without."""
    for pieces in (True, False):
        check_law(events_of(map(build, case.events), pieces=pieces))


@EVENTS
@EACH
def test_without_content(case: Case, build: Callable[[Any], Any]) -> None:
    """Without pieces the record has the same facts, and no text."""
    found = read(map(build, case.events), keep=False)
    assert facts(found) == facts(read(case.events))
    assert [call.arguments for call in found.calls] == [""] * len(case.calls)


@EVENTS
@EACH
def test_untouched(case: Case, build: Callable[[Any], Any]) -> None:
    """Reading changes nothing in an event."""
    bodies = [build(body) for body in copy.deepcopy(case.events)]
    before = copy.deepcopy(bodies)
    read(bodies)
    assert bodies == before


@EACH
def test_no_blobs(case: Case) -> None:
    """Inline data of images is in no event."""
    assert BLOB[:8] not in repr(events_of(case.events))


@EACH
def test_every_cut(case: Case) -> None:
    """A stream that breaks off anywhere keeps what it had; each call that was opened is closed once."""
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


def test_ids_unique() -> None:
    """Each case has its own id, a server and a report."""
    assert len(set(IDS)) == len(IDS)
    assert all(case.server and case.report for case in CASES)
