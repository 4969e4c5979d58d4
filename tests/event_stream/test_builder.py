"""The events that an application reads: each call is started, fed and completed once, in any order."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from toolspan.event_stream.builder import EventBuilder, Following, broke_off, code_of, words_of
from toolspan.event_stream.events import (
    Done,
    ReasoningDelta,
    RefusalDelta,
    StreamError,
    TextDelta,
    ToolCallArgumentsDelta,
    ToolCallCompleted,
    ToolCallStarted,
    UsageReported,
)
from toolspan.wire.chat import ChatReader
from toolspan.wire.events import CallArguments, CallClosed, CallOpened, Finished, Text, Usage
from toolspan.wire.json_schema import Violation
from toolspan.wire.record import End
from toolspan.wire.tools import tools as offer

from ..table import each_row
from ..wire.bent_calls import CASES, CHAT_TOOL, RESPONSES_TOOL, Bent
from ..wire.response_shapes import added, begins, pieces
from ..wire.shapes import ARGS, choice, chunk, ends, entry, says, tokens, tools


def told(bodies: Iterable[Any], expected: int = 1, offered: Any = None) -> list[Any]:
    """Return all events of these bodies."""
    following = Following(expected, offered and offer(offered))
    found = [event for body in bodies for event in following.read(body)]
    return found + following.end(End.EXHAUSTED)


def test_events_are_start_pieces_completion_usage_and_end() -> None:
    """A call starts with its first chunk, and is completed by the closing brace; then usage, then the end."""
    bodies = [
        says("Hm"),
        tools(entry(0, "call_a", "weather", "")),
        tools(entry(0, arguments=ARGS[:5])),
        tools(entry(0, arguments=ARGS[5:])),
        ends(),
        tokens(),
    ]
    assert told(bodies) == [
        TextDelta(0, "Hm", bodies[0]),
        ToolCallStarted(0, 0, "call_a", "weather", "function", bodies[1]),
        ToolCallArgumentsDelta(0, 0, ARGS[:5], bodies[2]),
        ToolCallArgumentsDelta(0, 0, ARGS[5:], bodies[3]),
        ToolCallCompleted(
            0, 0, "call_a", "weather", "function", ARGS, {"city": "Oslo"}, True, chunk=bodies[3]
        ),
        UsageReported(Usage(9, 4), bodies[5]),
        Done(("tool_calls",), Usage(9, 4), "completed", True),
    ]


def test_call_without_a_name_waits_for_it() -> None:
    """A call without a name is started, fed and completed when the name comes."""
    first, last = tools(entry(0, "call_a", arguments=ARGS)), tools(entry(0, name="weather"))
    assert told([first])[0] == ToolCallStarted(0, 0, "call_a", None, "function")
    following = Following()
    assert following.read(first) == []
    started, delta = following.read(last)
    (completed,) = following.read(ends())
    assert (started.name, delta.delta, completed.name, completed.valid) == ("weather", ARGS, "weather", True)
    assert [event.type for event in following.end(End.EXHAUSTED)] == ["done"]


def test_call_that_never_gets_a_name_completes_with_its_choice() -> None:
    """A call that never gets a name is completed at the end of the stream, and must not be run."""
    other = tools(entry(0, "call_b", arguments=ARGS), index=1)
    found = told([other, tools(entry(0, "call_a", arguments=ARGS)), ends(), ends(index=1)], expected=2)
    completed = [event for event in found if isinstance(event, ToolCallCompleted)]
    assert sorted((event.choice, event.name, event.valid) for event in completed) == [
        (0, None, False),
        (1, None, False),
    ]


def test_text_after_a_complete_call_is_an_error_event() -> None:
    """Text after a complete, valid call is an error event; the call is not completed again."""
    garbage = tools(entry(0, arguments=" Done!"))
    call = [tools(entry(0, "call_a", "weather", ARGS[:5])), tools(entry(0, arguments=ARGS[5:]))]
    found = told([*call, garbage, ends()])
    assert [event.type for event in found] == [
        "tool_call.started",
        "tool_call.arguments.delta",
        "tool_call.arguments.delta",
        "tool_call.completed",
        "tool_call.arguments.delta",
        "tool_call.corrected",
        "error",
        "done",
    ]
    assert found[3].valid
    assert (found[5].previous, found[5].reason, found[5].arguments) == ("valid", "invalid", ARGS + " Done!")
    assert (found[6].kind, found[6].code, found[6].id, found[6].name) == (
        "arguments",
        "invalid",
        "call_a",
        "weather",
    )


def test_white_space_after_a_complete_call_is_no_error() -> None:
    """White space after a call's end is no error."""
    found = told([tools(entry(0, "call_a", "weather", ARGS)), tools(entry(0, arguments="\n")), ends()])
    assert [event.type for event in found if event.type == "error"] == []


@each_row("case", CASES, ids=[case.id for case in CASES])
@each_row("tool", [CHAT_TOOL, RESPONSES_TOOL], ids=["chat", "responses"])
def test_outcome_of_a_call_is_that_of_telemetry(case: Bent, tool: dict[str, Any]) -> None:
    """With the request's tools, an event has the outcome of telemetry, and the path to the violation."""
    bodies = [tools(entry(0, "call_a", case.name, case.arguments)), *([ends()] if case.ended else [])]
    found = told(bodies, offered=[tool])
    (completed,) = [event for event in found if isinstance(event, ToolCallCompleted)]
    errors = [event for event in found if isinstance(event, StreamError) and event.kind == "arguments"]
    assert (completed.reason or "valid", completed.path) == (case.outcome, case.path)
    assert completed.valid is (case.outcome == "valid")
    assert [error.code for error in errors] == ([] if completed.valid else [case.outcome])
    assert all(not case.path or case.path in error.message for error in errors)


@each_row(
    ("arguments", "parsed", "valid"),
    [
        ("", {}, True),
        (" ", {}, True),
        ("null", None, True),
        ("[1]", [1], True),
        ("{'a': 1}", None, False),
    ],
)
def test_arguments_are_parsed_and_empty_ones_an_empty_object(
    arguments: str, parsed: Any, valid: bool
) -> None:
    """Arguments as JSON; none are an empty object."""
    found = told([tools(entry(0, "call_a", "weather", arguments)), ends()])
    (completed,) = [event for event in found if isinstance(event, ToolCallCompleted)]
    assert (completed.arguments, completed.parsed, completed.valid) == (arguments, parsed, valid)
    assert completed.reason == (None if valid else "invalid")


def test_arguments_that_this_python_cannot_parse_are_not_valid() -> None:
    """Arguments that parse elsewhere, but not in this process, are not valid."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        found = told([tools(entry(0, "call_a", "weather", "9" * 1000)), ends()])
    finally:
        sys.set_int_max_str_digits(before)
    (completed,) = [event for event in found if isinstance(event, ToolCallCompleted)]
    assert (completed.valid, completed.reason, completed.parsed) == (False, "invalid", None)


def test_reasoning_refusals_and_texts_are_separate_events() -> None:
    """Reasoning, refusals and legacy texts are separate events, each with its choice."""
    thought = tools(reasoning_content="Hm", index=1)
    found = told([thought, thought, chunk(choice({"refusal": "no"}, index=2))], expected=3)
    assert found[1:3] == [
        ReasoningDelta(1, "Hm", thought),
        RefusalDelta(2, "no", chunk(choice({"refusal": "no"}, index=2))),
    ]
    assert found[-1].finish_reasons == (None, None, None)
    legacy = {"object": "text_completion", "choices": [{"index": 0, "text": "Hm", "finish_reason": "stop"}]}
    assert [event.type for event in told([legacy])] == ["text.delta", "done"]


def test_end_of_one_choice_completes_no_call_of_another() -> None:
    """The end of one choice completes nothing of another."""
    teller = EventBuilder(2)
    nameless = CallOpened(1, 0, "call_b", None)
    assert teller.build([nameless, Finished(0, "stop")], None) == []
    closed = CallClosed(1, 0, "finish", True, 1, 2, Violation("unnamed"))
    assert [event.type for event in teller.build([closed, Finished(1, "stop")], None)] == [
        "tool_call.started",
        "tool_call.completed",
        "error",
    ]


def test_input_of_a_custom_tool_is_valid_as_it_is() -> None:
    """The input of a custom tool is no JSON; it is valid as it is."""
    custom = {"index": 0, "id": "call_a", "type": "custom", "custom": {"name": "shell", "input": "ls"}}
    found = told([tools(custom), ends()])
    (completed,) = [event for event in found if isinstance(event, ToolCallCompleted)]
    assert (completed.arguments, completed.parsed, completed.valid) == ("ls", None, True)
    assert (completed.kind, completed.hosted) == ("custom", False)


def test_hosted_call_is_marked_from_its_beginning() -> None:
    """An event names who executes a call: a web search is the server's."""
    search = {"type": "web_search_call", "id": "ws_1", "status": "in_progress"}
    found = told([*begins(), added(search, 0)])
    assert [(event.name, event.hosted) for event in found if hasattr(event, "hosted")] == [
        ("web_search", True)
    ] * 2


def test_pieces_before_their_item_wait_for_it() -> None:
    """Pieces of a call without a beginning wait until its item comes, or the end."""
    found = told([*begins(), *pieces("function_call_arguments", [ARGS], "fc_1", 0)])
    assert [event.type for event in found] == [
        "tool_call.started",
        "tool_call.completed",
        "error",
        "error",
        "done",
    ]


def test_failure_sent_twice_is_one_error_event() -> None:
    """A failure that the server sends twice is one error, with its message."""
    failed = {"code": "server_error", "message": "The server is down."}
    found = told(
        [
            {"type": "error", **failed},
            {"type": "response.failed", "response": {"status": "failed", "error": failed}},
        ]
    )
    error, done = found
    assert (error.kind, error.code, error.message) == ("provider", "server_error", failed["message"])
    assert (done.outcome, done.whole, done.finish_reasons) == ("failed", False, (None,))


@each_row(
    ("end", "outcome", "errors"),
    [
        (End.EXHAUSTED, "truncated", 1),
        (End.CLOSED, "closed", 0),
        (End.DROPPED, "abandoned", 0),
        (KeyboardInterrupt(), "cancelled", 1),
        (OSError("gone"), "failed", 1),
        (ValueError("no"), "failed", 1),
    ],
)
def test_each_way_to_end_has_its_outcome(end: Any, outcome: str, errors: int) -> None:
    """Each way to end has its outcome; an end by an error has an error event."""
    teller = EventBuilder(2)
    teller.build([Text(0, "Hm"), Finished(0, "stop")], None)
    *found, done = teller.end(end)
    kind = "provider" if isinstance(end, ValueError) else "interruption"
    raised = end if isinstance(end, BaseException) else None
    assert [(error.kind, error.error) for error in found] == [(kind, raised)] * errors
    assert (done.outcome, done.finish_reasons, done.whole) == (outcome, ("stop", None), False)


def test_whole_answer_needs_no_finish_reason() -> None:
    """An answer that was not streamed needs no finish reason to be whole."""
    assert EventBuilder().end(End.EXHAUSTED, streamed=False) == [Done((None,), None, "completed", True)]


def test_call_never_closed_by_its_reader_completes_at_the_end() -> None:
    """A call that its reader never closed is completed at the end, and is not valid."""
    teller = EventBuilder()
    teller.build([CallOpened(0, 0, "call_a", "weather"), CallArguments(0, 0, "{")], None)
    completed, broken, *_ = teller.end(End.CLOSED)
    assert (completed.valid, completed.arguments, broken.kind) == (False, "{", "arguments")


def test_second_close_without_a_change_is_no_event() -> None:
    """A second close that changes nothing adds no event."""
    teller = EventBuilder()
    opened = CallOpened(0, 0, "call_a", "weather")
    closed = CallClosed(0, 0, "json", False, 1, 1)
    assert [event.type for event in teller.build([opened, closed, closed], None)].count("error") == 1


def test_chunks_that_show_no_api_are_skipped_until_one_does() -> None:
    """Chunks that show no API are skipped until one does; then the reader is chosen."""
    ping = {"type": "ping"}
    assert [event.type for event in told([ping, None, 3, says("Hm"), ping])] == [
        "text.delta",
        "error",
        "done",
    ]
    assert [event.type for event in told([ping])] == ["error", "done"]
    assert told([{"error": {"code": "busy", "message": "Busy"}}])[0].message == "Busy"


def test_events_of_the_sdk_helper_are_read_by_their_chunks() -> None:
    """The chunks that the SDK's helper wraps are read; its own events are not."""
    inner = says("Hm")
    wrapped = SimpleNamespace(type="chunk", chunk=inner, snapshot=None)
    own = SimpleNamespace(type="content.delta", delta="Hm", snapshot="Hm")
    found = told([wrapped, own])
    assert [(event.type, event.chunk is inner) for event in found[:-2]] == [("text.delta", True)]


class APIConnectionError(Exception):
    """Named like the SDK's."""


class WordlessError(Exception):
    """Cannot be printed."""

    def __str__(self) -> str:
        raise RuntimeError


def test_lost_connection_and_time_out_are_interruptions() -> None:
    """A lost connection and a time-out are interruptions; a server's error is not."""
    assert [broke_off(error) for error in (APIConnectionError(), TimeoutError(), OSError())] == [True] * 3
    assert broke_off(KeyboardInterrupt())
    assert not broke_off(ValueError())
    coded = ValueError("no")
    coded.code = "no_model"  # type: ignore[attr-defined]  # as the SDK's have it
    assert [code_of(error) for error in (coded, ValueError())] == ["no_model", "ValueError"]


def test_messages_of_exceptions_and_servers_are_found() -> None:
    """Messages are read from exceptions and from the places where servers put them, and nowhere else."""
    assert [words_of(error) for error in (ValueError("no"), ValueError(), WordlessError())] == [
        "no",
        "ValueError",
        "WordlessError",
    ]
    said = {"error": {"message": "no"}}
    for body in (said, {"response": said}, {"response": {"status_details": said}}, {"message": "no"}):
        assert words_of(body) == "no"
    assert [words_of(body) for body in ({}, None, {"error": "no"})] == [""] * 3


def test_fast_path_keeps_every_piece_of_text() -> None:
    """The fast path through the reader keeps every piece of a text that is wanted."""
    reader = ChatReader()
    bodies = [chunk(choice({"content": piece})) for piece in ("a", "", "b", "c", "d", "e")]
    assert [event for body in bodies for event in reader.read(body) if isinstance(event, Text)] == [
        Text(0, piece) for piece in "abcde"
    ]
