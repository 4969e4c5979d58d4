"""Events of the Responses API become events of ours, in the order in which they were sent."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan.wire.events import (
    CallArguments,
    CallClosed,
    CallOpened,
    Finished,
    Reasoning,
    Started,
    Text,
    Usage,
)
from toolspan.wire.responses import ResponsesReader

from ..table import each_row
from .response_shapes import ONE, added, asks, begins, done, ends, event, message, response
from .responses_reading import events_of, sdk_event
from .shapes import ARGS

HELLO = message()
BEGUN = Started("resp_1", "m-1", "auto", None, "in_progress")
ENDED = Started("resp_1", "m-1", "default", None, "completed")


def test_streamed_response_is_identity_call_tokens_and_reason() -> None:
    """The events are an identity, a call with its pieces, the usage, and the finish reason last."""
    assert events_of([*begins(), *asks(ONE, 0, 3), ends(ONE)]) == [
        BEGUN,
        CallOpened(0, 0, "call_a", "weather"),
        CallArguments(0, 0, ARGS[:3]),
        CallArguments(0, 0, ARGS[3:]),
        CallClosed(0, 0, "json", True, 2, len(ARGS)),
        ENDED,
        Usage(9, 4, 0, None, 0),
        Finished(0, "tool_calls"),
    ]


def test_whole_response_has_the_same_events_in_order() -> None:
    """A whole response has the same events; a call that did not stream is closed as `done`."""
    assert events_of([response(HELLO, ONE)]) == [
        ENDED,
        Text(0, "Hello"),
        CallOpened(0, 0, "call_a", "weather"),
        CallArguments(0, 0, ARGS),
        CallClosed(0, 0, "done", True, 1, len(ARGS)),
        Usage(9, 4, 0, None, 0),
        Finished(0, "tool_calls"),
    ]


def test_latest_identity_of_a_response_holds() -> None:
    """The latest identity holds: the tier and the status change at the end."""
    events = events_of([*begins(), *begins("queued"), ends(HELLO)])
    statuses = [each.status for each in events if isinstance(each, Started)]
    assert statuses == ["in_progress", "queued", "completed"]


OUTPUT: dict[str, tuple[dict[str, Any], bool]] = {
    "created": (begins()[0], False),
    "text": (event("output_text.delta", "m", 0, delta="a"), True),
    "thought": (event("reasoning_text.delta", "m", 0, delta="a"), True),
    "refusal": (event("refusal.delta", "m", 0, delta="a"), True),
    "arguments": (event("function_call_arguments.delta", "f", 0, delta="{"), True),
    "command": (event("shell_call_command.delta", index=0, delta="l"), True),
    "call": (added(ONE), True),
    "message": (added(HELLO), False),
    "whole item": (done(HELLO), True),
    "item that says nothing": (done({"type": "message", "content": []}), False),
    "compaction": (done({"type": "compaction"}), False),
    "end": (ends(), False),
    "end with the answer": (ends(HELLO), True),
    "search": (event("web_search_call.searching", "ws_1", 0), False),
    "error": ({"type": "error"}, False),
    "nothing": ({}, False),
}


@pytest.mark.parametrize("build", [dict, sdk_event], ids=["dict", "sdk"])
@each_row(("body", "output"), OUTPUT.values(), ids=OUTPUT)
def test_only_texts_reasoning_and_calls_are_output(body: dict[str, Any], output: bool, build: Any) -> None:
    """Texts, reasoning and calls are output of the model; notices of the service are not."""
    reader = ResponsesReader()
    reader.read(event("output_text.delta", "other", 9, delta="a"))
    assert reader.output is True
    reader.read(build(body))
    assert reader.output is output


def test_text_that_came_in_pieces_is_emitted_once() -> None:
    """A text that came in pieces is output once; the end of its item adds nothing."""
    reader = ResponsesReader()
    assert reader.read(event("output_text.delta", "msg_1", 0, delta="Hello")) == [Text(0, "Hello")]
    assert reader.read(done(HELLO)) == []
    assert reader.output is False


def test_second_end_of_a_response_in_one_stream_is_ignored() -> None:
    """Only the first end of a response counts; the items after it are still read."""
    events = events_of([ends(HELLO), ends(ONE)])
    assert [each for each in events if isinstance(each, Finished)] == [Finished(0, "stop")]
    assert len([each for each in events if isinstance(each, CallOpened)]) == 1


def test_only_the_first_piece_of_reasoning_is_emitted_without_pieces() -> None:
    """Without pieces only the first piece of reasoning is an event."""
    bodies = [event("reasoning_text.delta", "rs_1", 0, delta=text) for text in "abc"]
    assert events_of(bodies, pieces=False) == [Reasoning(0, "a")]
