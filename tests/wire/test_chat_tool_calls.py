"""The merge rule: which call a delta belongs to, and when a call is complete."""

from __future__ import annotations

import pytest

from toolspan.wire.chat_tool_calls import Calls
from toolspan.wire.events import CallArguments, CallClosed, CallCorrected, CallOpened, Event
from toolspan.wire.quirks import CallDelta
from toolspan.wire.tool_call import ToolCalls

from ..table import each_row


def delta(
    index: int | None, id: str | None, name: str | None, arguments: str, kind: str = "function"
) -> CallDelta:
    """One delta."""
    return CallDelta(index, id, name, kind, arguments)


def events_of(*chunks: list[CallDelta], how: str = "finish", pieces: bool = True) -> list[Event]:
    """The events of these chunks and of the end, in choice 3."""
    calls, events = Calls(3, pieces=pieces), list[Event]()
    for deltas in chunks:
        calls.read(deltas, events)
    if how == "finish":
        calls.finish(events)
    calls.close(events)
    return events


def opened(events: list[Event]) -> list[tuple[int, str | None, str | None]]:
    """Number, id and name of each opening and correction."""
    return [(event.call, event.id, event.name) for event in events if isinstance(event, CallOpened)]


def test_call_is_opened_fed_and_closed_when_its_document_ends() -> None:
    """A call is opened, gets its pieces, and is closed when its document ends."""
    assert events_of([delta(0, "a", "f", "[")], [delta(0, None, None, "]")]) == [
        CallOpened(3, 0, "a", "f"),
        CallArguments(3, 0, "["),
        CallArguments(3, 0, "]"),
        CallClosed(3, 0, "json", True, 2, 2),
    ]


def test_events_without_pieces_differ_only_by_the_pieces() -> None:
    """Without pieces all other events are the same."""
    chunks = [delta(0, "a", "f", "[")], [delta(0, None, None, "]")]
    assert events_of(*chunks, pieces=False) == [
        CallOpened(3, 0, "a", "f"),
        CallClosed(3, 0, "json", True, 2, 2),
    ]


@pytest.mark.parametrize(("how", "valid"), [("finish", True), ("end", False)])
def test_call_without_arguments_is_valid_unless_the_stream_broke_off(how: str, valid: bool) -> None:
    """A call without arguments is valid, unless the stream broke off."""
    assert events_of([delta(0, "a", "f", "")], how=how)[1:] == [CallClosed(3, 0, how, valid, 0, 0)]


def test_text_after_the_end_of_the_document_corrects_the_close_once() -> None:
    """Text after the end of the document changes the verdict once, at the end of the stream."""
    events = events_of([delta(0, "a", "f", "[")], [delta(0, None, None, "]")], [delta(0, None, None, " x")])
    assert [event for event in events if isinstance(event, (CallClosed, CallCorrected))] == [
        CallClosed(3, 0, "json", True, 2, 2),
        CallCorrected(3, 0, CallClosed(3, 0, "json", False, 3, 4), "valid", True),
    ]


def test_closing_a_reader_twice_adds_no_event() -> None:
    """The end of the stream after the finish reason adds no event."""
    calls, events = Calls(0), list[Event]()
    calls.read([delta(0, "a", "f", "{}")], events)
    calls.finish(events)
    calls.close(events)
    before = len(events)
    calls.close(events)
    assert len(events) == before


@each_row(
    ("chunks", "expected"),
    [
        ([[delta(0, None, "f", "")], [delta(0, "a", None, "{}")]], [(0, None, "f"), (0, "a", "f")]),
        ([[delta(0, "a", None, "")], [delta(0, None, "f", "{}")]], [(0, "a", None), (0, "a", "f")]),
        ([[delta(0, "a", "f", "")], [delta(0, "a", "f", "{}")]], [(0, "a", "f")]),
        ([[delta(0, "a", "ge", "")], [delta(0, None, "t", "{}")]], [(0, "a", "ge"), (0, "a", "get")]),
        ([[delta(0, "a", "ge", "{")], [delta(0, None, "get", "}")]], [(0, "a", "ge"), (0, "a", "get")]),
        ([[delta(0, "a", "get", "{")], [delta(0, None, "x", "}")]], [(0, "a", "get")]),
        ([[delta(0, "a", "f", "{")], [delta(0, "b", "f", "}")]], [(0, "a", "f")]),
        ([[delta(0, "a", "f", "{")], [delta(0, "b", "g", "{}")]], [(0, "a", "f"), (1, "b", "g")]),
        ([[delta(0, "a", "f", "{}")], [delta(0, "b", None, "{}")]], [(0, "a", "f"), (1, "b", None)]),
        ([[delta(0, "a", "f", "{}")], [delta(0, "a", "g", "{}")]], [(0, "a", "f"), (1, "a", "g")]),
        ([[delta(None, None, "f", "{}")], [delta(None, "a", None, "{}")]], [(0, None, "f"), (1, "a", None)]),
        ([[delta(None, None, None, "{")], [delta(None, None, None, "}")]], [(0, None, None)]),
        ([[delta(None, None, "f", "{}")] * 2], [(0, None, "f"), (1, None, "f")]),
        ([[delta(0, None, "f", "{}")], [delta(0, None, "f", "{}")]], [(0, None, "f"), (1, None, "f")]),
        ([[delta(0, "a", "f", "{}")], [delta(0, None, None, "{}")]], [(0, "a", "f")]),
        ([[delta(5, "a", "f", "")], [delta(6, "a", None, "{}")]], [(0, "a", "f")]),
        ([[delta(5, "a", "f", "")], [delta(6, "a", "f", "{}")]], [(0, "a", "f")]),
    ],
    ids=[
        "id-late",
        "name-late",
        "repeated",
        "name-in-pieces",
        "name-grows",
        "name-changes-too-late",
        "id-noise",
        "id-and-name-differ",
        "id-differs-after-end",
        "name-differs-after-end",
        "id-after-end",
        "anonymous",
        "anonymous-twins-in-one-chunk",
        "anonymous-twins",
        "summary",
        "index-drifts",
        "index-moves-with-name",
    ],
)
def test_first_delta_of_a_call_opens_it_and_later_ones_complete_it(
    chunks: list[list[CallDelta]], expected: list[tuple[int, str | None, str | None]]
) -> None:
    """Some deltas open a call; others only complete its id and name."""
    assert opened(events_of(*chunks)) == expected


def test_interleaved_calls_without_index_are_told_apart_by_id() -> None:
    """Two calls without an index that alternate are separated by their ids."""
    turns = [("a", "{"), ("b", "["), ("a", "}"), ("b", "]")]
    events = events_of(*([delta(None, identity, None, piece)] for identity, piece in turns))
    assert [event[1:3] for event in events if isinstance(event, CallArguments)] == [
        (0, "{"),
        (1, "["),
        (0, "}"),
        (1, "]"),
    ]


def test_known_id_on_another_index_belongs_to_its_own_call() -> None:
    """A delta with a known id on the index of another call belongs to the call with that id."""
    chunks = (
        [delta(0, "a", "f", "{")],
        [delta(0, "b", "g", "{")],
        [delta(0, "a", None, "}")],
        [delta(0, "b", None, "}")],
    )
    closes = [event.call for event in events_of(*chunks) if isinstance(event, CallClosed)]
    assert closes == [0, 1]


def test_custom_call_ends_where_the_next_call_begins() -> None:
    """Free text has no end that can be seen: the next call closes it, if it has begun."""
    shell = delta(0, "a", "shell", "ls", "custom")
    empty = delta(1, "b", "empty", "", "custom")
    events = events_of([shell], [empty], [delta(2, "c", "f", "{}")])
    closes = [(event.call, event.how) for event in events if isinstance(event, CallClosed)]
    assert closes == [(0, "next_call"), (1, "finish"), (2, "finish")]


def test_number_of_calls_of_a_choice_is_bounded() -> None:
    """A choice opens at most 1 024 calls; later deltas go to the last one."""
    events = events_of(*([delta(0, f"id_{number}", "f", "{}")] for number in range(1100)))
    assert len(opened(events)) == 1024


def test_late_names_past_the_bound_of_letters_are_bounded() -> None:
    """Ids and names that come after their calls count against the same bound as those that come with them."""
    calls, events = ToolCalls(0, pieces=False), list[Event]()
    for number in range(5):
        call = calls.open(None, None, "function", events)
        calls.identify(call, f"{number}" * 300_000, "f", events)
    lengths = [len(call.id or "") for call in calls.calls]
    assert lengths[:3] == [300_000] * 3
    assert max(lengths[3:]) <= 256
