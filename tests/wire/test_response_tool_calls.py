"""The tool calls of one response: how each begins, grows and ends."""

from __future__ import annotations

import pytest

from toolspan.wire.events import (
    CallClosed,
    CallOpened,
)
from toolspan.wire.responses import ResponsesReader

from .response_shapes import ONE, added, asks, done, event, function
from .responses_reading import check_law, events_of, read


def test_call_closes_with_its_document() -> None:
    """A call is closed at the brace that ends its arguments, not only when the server says so."""
    reader = ResponsesReader()
    first, *rest = asks(ONE, 0, 3)
    assert len(reader.read(first)) == 1
    assert [len(reader.read(body)) for body in rest] == [1, 2, 0, 0]


def test_close_twice() -> None:
    """What the end closed stays closed."""
    reader = ResponsesReader()
    reader.read(added(ONE, arguments=""))
    assert reader.close() == [CallClosed(0, 0, "end", False, 0, 0)]
    assert reader.close() == []


def test_thought_of_a_command() -> None:
    """A shell's command streams as text that is no JSON; its arguments come with the item's end."""
    assert events_of([event("shell_call_command.delta", index=0, delta="ls")]) == []


def test_calls_without_number() -> None:
    """Calls beyond a thousand are taken for the last one; each of those is opened and closed once."""
    bodies = []
    for number in range(1_100):
        item = {"type": "function_call", "id": f"fc_{number}", "name": "f", "arguments": "{}"}
        bodies += [added(item, number), done(item, number)]
    bodies.append(event("function_call_arguments.delta", "fc_x", 5_000, delta="{"))
    events = events_of(bodies)
    check_law(events)
    assert len(read(bodies).calls) == 1_024


@pytest.mark.parametrize("name", ["", "weather"], ids=["late", "at once"])
def test_name(name: str) -> None:
    """A name that comes late completes the call; the moment it began stays."""
    bodies = [added(function(name=name), arguments=""), done(ONE)]
    opened = [each for each in events_of(bodies) if isinstance(each, CallOpened)]
    assert opened[0] == CallOpened(0, 0, "call_a", name or None)
    assert opened[-1] == CallOpened(0, 0, "call_a", "weather")
    assert len(opened) == (1 if name else 2)
