"""The tool calls of one response: how each begins, grows and ends."""

from __future__ import annotations

import pytest

from toolspan.wire.events import (
    CallClosed,
    CallCorrected,
    CallOpened,
)
from toolspan.wire.responses import ResponsesReader

from ..table import each_row
from .response_shapes import ONE, added, asks, done, ends, event, function
from .responses_reading import check_law, events_of, read


def test_call_closes_at_the_brace_that_ends_its_arguments() -> None:
    """A call is closed at the brace that ends its arguments, before the server's `done`."""
    reader = ResponsesReader()
    first, *rest = asks(ONE, 0, 3)
    assert len(reader.read(first)) == 1
    assert [len(reader.read(body)) for body in rest] == [1, 2, 0, 0]


def test_call_closed_at_the_end_stays_closed() -> None:
    """A second close of the reader adds no event."""
    reader = ResponsesReader()
    reader.read(added(ONE, arguments=""))
    assert reader.close() == [CallClosed(0, 0, "end", False, 0, 0)]
    assert reader.close() == []


def test_streamed_shell_command_is_not_arguments() -> None:
    """A shell's command streams as plain text; its arguments come with the end of the item."""
    assert events_of([event("shell_call_command.delta", index=0, delta="ls")]) == []


def test_number_of_calls_of_a_response_is_bounded() -> None:
    """Calls beyond 1 024 are merged into the last one; each call is opened and closed once."""
    bodies = []
    for number in range(1_100):
        item = {"type": "function_call", "id": f"fc_{number}", "name": "f", "arguments": "{}"}
        bodies += [added(item, number), done(item, number)]
    bodies.append(event("function_call_arguments.delta", "fc_x", 5_000, delta="{"))
    events = events_of(bodies)
    check_law(events)
    assert len(read(bodies).calls) == 1_024


@pytest.mark.parametrize("name", ["", "weather"], ids=["late", "at once"])
def test_late_name_completes_the_call_it_belongs_to(name: str) -> None:
    """A name that comes late completes its call; the time of its beginning stays."""
    bodies = [added(function(name=name), arguments=""), done(ONE)]
    opened = [each for each in events_of(bodies) if isinstance(each, CallOpened)]
    assert opened[0] == CallOpened(0, 0, "call_a", name or None)
    assert opened[-1] == CallOpened(0, 0, "call_a", "weather")
    assert len(opened) == (1 if name else 2)


@each_row(
    ("kind", "found"),
    [
        ("custom_tool_call_input", "custom"),
        ("mcp_call_arguments", "mcp"),
        ("code_interpreter_call_code", "code_interpreter"),
        ("function_call_arguments", "function"),
    ],
)
def test_piece_without_a_beginning_opens_a_call_of_its_kind(kind: str, found: str) -> None:
    """A piece opens a call without id and name; the arguments wait for the item, which has all of them."""
    reader = ResponsesReader()
    assert reader.read(event(f"{kind}.delta", "x_1", 0, delta="{")) == [CallOpened(0, 0, None, None, found)]
    assert reader.read(event(f"{kind}.delta", "x_1", 0, delta="}")) == []
    assert reader.close() == [CallClosed(0, 0, "end", False, 0, 0)]


def test_arguments_after_a_closed_call_correct_its_close() -> None:
    """Text after the brace that closed a call makes it invalid when the stream ends."""
    bodies = [*asks(ONE, 0, 3)[:-2], event("function_call_arguments.delta", "fc_a", 0, delta="}"), ends()]
    closed, corrected = [each for each in events_of(bodies) if isinstance(each, (CallClosed, CallCorrected))]
    assert (closed.how, closed.valid, closed.fragments) == ("json", True, 2)
    assert (corrected.previous, corrected.now.outcome, corrected.now.fragments) == ("valid", "invalid", 3)
