"""Calls checked against the request's tools: each has its outcome, however it is streamed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from toolspan.wire.chat import ChatReader
from toolspan.wire.events import call_outcome
from toolspan.wire.record import Record
from toolspan.wire.responses import ResponsesReader
from toolspan.wire.tools import Tools, tools

from ..table import each_row
from .bent_calls import CASES, CHAT_TOOL, RESPONSES_TOOL, Bent
from .reading import plain, record_of, sdk, sdk_whole
from .response_shapes import ONE, added, begins, done, ends, event
from .responses_reading import sdk_event
from .shapes import ROLE, chunk, entry
from .shapes import ends as chat_ends
from .shapes import tools as calling

CHAT, RESPONSES = tools([CHAT_TOOL]), tools([RESPONSES_TOOL])
EACH = each_row("bent", CASES, ids=[bent.id for bent in CASES])
WHOLE = [bent for bent in CASES if bent.ended]


def pieces(text: str, size: int) -> list[str]:
    """A text in pieces of this size."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def chat_stream(bent: Bent, size: int) -> list[Any]:
    """A stream with one call."""
    first, *rest = pieces(bent.arguments, size) or [""]
    parts = [
        ROLE,
        calling(entry(0, "call_a", bent.name, first)),
        *(calling(entry(0, arguments=p)) for p in rest),
    ]
    return [chunk()] * 4 + parts + ([chat_ends()] if bent.ended else [])


def chat_whole(bent: Bent) -> dict[str, Any]:
    """An answer with one call."""
    message = {"role": "assistant", "tool_calls": [entry(None, "call_a", bent.name, bent.arguments)]}
    return chunk({"index": 0, "message": message, "finish_reason": "tool_calls"})


def response_stream(bent: Bent, size: int) -> list[Any]:
    """The events of one call, its summaries included."""
    item = {**ONE, "name": bent.name, "arguments": bent.arguments}
    deltas = [
        event("function_call_arguments.delta", "fc_a", 0, delta=each) for each in pieces(bent.arguments, size)
    ]
    parts = [*begins(), added({**item, "arguments": ""}), *deltas]
    return [*parts, done(item), ends(item)] if bent.ended else parts


def read(reader: Any, bodies: Iterable[Any]) -> Record:
    """The record of these bodies and of the end."""
    events = [event for body in bodies for event in reader.read(body)]
    return record_of([*events, *reader.close()], keep=False)


def said(record: Record) -> tuple[str, str | None]:
    """The outcome of the only call, and the place of what is wrong."""
    (call,) = record.calls
    return call.outcome, call.violation.path or None if call.violation else None


def chat(offered: Tools | None = CHAT, **more: Any) -> ChatReader:
    """A reader of chat that keeps no text."""
    return ChatReader(pieces=False, offered=offered, **more)


@pytest.mark.parametrize("build", [plain, sdk], ids=["dict", "sdk"])
@each_row("size", [1, 7, 4096])
@EACH
def test_outcome_does_not_depend_on_how_a_chat_stream_is_cut(bent: Bent, size: int, build: Any) -> None:
    """Each call streamed by Chat Completions has its outcome, however the arguments are cut."""
    assert said(read(chat(), map(build, chat_stream(bent, size)))) == (bent.outcome, bent.path)


@pytest.mark.parametrize("build", [plain, sdk_whole], ids=["dict", "sdk"])
@each_row("bent", WHOLE, ids=[bent.id for bent in WHOLE])
def test_whole_chat_answer_has_the_outcome_of_its_call(bent: Bent, build: Any) -> None:
    """A call in one answer of Chat Completions has the same outcome as a streamed one."""
    assert said(read(chat(), [build(chat_whole(bent))])) == (bent.outcome, bent.path)


@pytest.mark.parametrize("build", [plain, sdk_event], ids=["dict", "sdk"])
@each_row("size", [1, 7, 4096])
@EACH
def test_outcome_does_not_depend_on_how_a_response_stream_is_cut(bent: Bent, size: int, build: Any) -> None:
    """Each call streamed by the Responses API has its outcome, however the arguments are cut."""
    reader = ResponsesReader(pieces=False, offered=RESPONSES)
    assert said(read(reader, map(build, response_stream(bent, size)))) == (bent.outcome, bent.path)


@each_row("bent", WHOLE, ids=[bent.id for bent in WHOLE])
def test_whole_response_has_the_outcome_of_its_call(bent: Bent) -> None:
    """A call in one response has the same outcome as a streamed one."""
    body = response_stream(bent, 1)[-1]["response"]
    reader = ResponsesReader(pieces=False, offered=RESPONSES)
    assert said(read(reader, [body])) == (bent.outcome, bent.path)


def test_deprecated_function_calls_are_checked_against_functions() -> None:
    """Calls by the deprecated `functions` and `function_call` are checked as well."""
    offered = tools([CHAT_TOOL["function"]])
    body = chunk({"index": 0, "delta": {"function_call": {"name": "book", "arguments": "{}"}}})
    assert said(read(chat(offered), [body, chat_ends("function_call")])) == ("missing_argument", "city")


def test_outcome_is_the_same_with_captured_content() -> None:
    """A call has the same outcome where its arguments are captured."""
    bent = CASES[1]
    for keep in (True, False):
        reader = ChatReader(pieces=keep, offered=CHAT)
        assert said(read(reader, chat_stream(bent, 3))) == (bent.outcome, bent.path)


def test_calls_are_not_checked_without_tools_in_the_request() -> None:
    """A call that parses is valid where the request has no tools, or nothing is to be checked."""
    for bent in CASES:
        (call,) = read(chat(None), chat_stream(bent, 5)).calls
        assert call.violation is None
        assert call.outcome in ("valid", "invalid", "unfinished", "not_given")


def test_free_text_of_a_custom_tool_is_checked_by_name_only() -> None:
    """The input of a custom tool is not JSON, so only its name is checked."""
    offered = tools(
        [{"type": "custom", "custom": {"name": "sql", "parameters": {"required": ["a"]}}}, CHAT_TOOL]
    )
    for name, outcome in (("sql", "valid"), ("book", "valid"), ("invented", "unknown_tool")):
        call = {"index": 0, "id": "c", "type": "custom", "custom": {"name": name, "input": "[}"}}
        assert said(read(chat(offered), [calling(call), chat_ends()]))[0] == outcome


def test_hosted_call_is_never_to_an_unknown_tool() -> None:
    """A call that the server executes is not checked against the request's tools."""
    call = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "x"}}
    reader = ResponsesReader(pieces=False, offered=RESPONSES)
    assert said(read(reader, [*begins(), done(call), ends(call)])) == ("valid", None)


def test_arguments_after_an_empty_close_are_checked_again() -> None:
    """A call that was closed without arguments is valid once its arguments have come."""
    late = [calling(entry(0, arguments=each)) for each in ('{"city":', '"Bern"}')]
    first = [calling(entry(0, "call_a", "book", "")), chat_ends()]
    assert said(read(chat(), first)) == ("missing_argument", "city")
    assert said(read(chat(), [*first, *late])) == ("valid", None)


def test_white_space_after_the_arguments_keeps_the_outcome() -> None:
    """White space after the arguments keeps the outcome; any other text makes it `invalid`."""
    first = calling(entry(0, "call_a", "book", '{"guests": 2}'))
    for more, expected in ((" \n", ("missing_argument", "city")), ("x", ("invalid", None))):
        record = read(chat(), [first, calling(entry(0, arguments=more)), chat_ends()])
        assert said(record) == expected


def test_arguments_over_64_kib_are_not_checked_by_schema() -> None:
    """Arguments over 64 KiB are unchecked if they parse; one byte less is checked."""
    for size, outcome in ((64 * 1024, "missing_argument"), (64 * 1024 + 1, "unchecked")):
        text = '{"price": "' + "x" * (size - 13) + '"}'
        assert len(text) == size
        (call,) = read(chat(), chat_stream(Bent("", text, ""), 50)).calls
        assert call.outcome == outcome


@each_row(
    ("valid", "closed_by", "outcome"),
    [
        (False, "end", "not_given"),
        (False, "end", "unfinished"),
        (False, "json", "invalid"),
        (False, None, "invalid"),
        (True, "end", "valid"),
    ],
)
def test_broken_off_arguments_have_an_outcome_of_their_own(
    valid: bool, closed_by: str | None, outcome: str
) -> None:
    """Arguments that do not parse are `unfinished` if the stream broke off, else `invalid`."""
    assert call_outcome(closed_by, valid, int(outcome != "not_given"), None) == outcome


HEAVY = '{"stops":[' + '{"a":[]},' * 60_000


@each_row(
    ("name", "offered", "outcome"),
    [
        ("plan", CHAT, "unchecked"),
        ("plan", None, "unchecked"),
        ("other", CHAT, "unknown_tool"),
    ],
    ids=["offered", "no-tools", "unknown"],
)
def test_arguments_that_take_too_long_to_read_are_unchecked(
    name: str, offered: Tools | None, outcome: str
) -> None:
    """Nobody knows whether half a megabyte of brackets is JSON; an unknown tool is known all the same."""
    name = CASES[0].name if name == "plan" else name
    half = len(HEAVY) // 2
    for parts in ([HEAVY + "{}]}"], [HEAVY[:half], HEAVY[half:] + "{}]}"]):
        first, *rest = parts
        stream = [ROLE, calling(entry(0, "call_a", name, first))]
        stream += [calling(entry(0, arguments=part)) for part in rest]
        (call,) = read(ChatReader(offered=offered), [*stream, chat_ends()]).calls
        assert (call.outcome, call.valid, call.size) == (outcome, True, len(HEAVY) + 4)
        (call,) = read(ChatReader(offered=offered), stream).calls
        assert call.outcome == "unfinished"


def test_arguments_in_heavy_pieces_are_checked_where_their_text_is_kept() -> None:
    """Arguments up to 64 KiB that the scanner skips are parsed at their end."""
    heavy = '{"undeclared":[' + '{"a":[]},' * 6_000
    for end, valid in (("{}]}", True), ("{}]", False)):
        stream = [ROLE, calling(entry(0, "call_a", CASES[0].name, heavy)), calling(entry(0, arguments=end))]
        (call,) = read(ChatReader(offered=CHAT), [*stream, chat_ends()]).calls
        assert call.valid is valid
        assert call.outcome not in ("valid", "unchecked")
