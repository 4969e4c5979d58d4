"""Calls held against the tools that were offered: each bent call has its outcome, however it comes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from toolspan.wire.chat import ChatReader
from toolspan.wire.record import Record, ToolCall
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
def test_chat_stream(bent: Bent, size: int, build: Any) -> None:
    """Streamed by Chat Completions, however it is cut."""
    assert said(read(chat(), map(build, chat_stream(bent, size)))) == (bent.outcome, bent.path)


@pytest.mark.parametrize("build", [plain, sdk_whole], ids=["dict", "sdk"])
@each_row("bent", WHOLE, ids=[bent.id for bent in WHOLE])
def test_chat_whole(bent: Bent, build: Any) -> None:
    """In one answer of Chat Completions."""
    assert said(read(chat(), [build(chat_whole(bent))])) == (bent.outcome, bent.path)


@pytest.mark.parametrize("build", [plain, sdk_event], ids=["dict", "sdk"])
@each_row("size", [1, 7, 4096])
@EACH
def test_response_stream(bent: Bent, size: int, build: Any) -> None:
    """Streamed by the Responses API, however it is cut."""
    reader = ResponsesReader(pieces=False, offered=RESPONSES)
    assert said(read(reader, map(build, response_stream(bent, size)))) == (bent.outcome, bent.path)


@each_row("bent", WHOLE, ids=[bent.id for bent in WHOLE])
def test_response_whole(bent: Bent) -> None:
    """In one response."""
    body = response_stream(bent, 1)[-1]["response"]
    reader = ResponsesReader(pieces=False, offered=RESPONSES)
    assert said(read(reader, [body])) == (bent.outcome, bent.path)


def test_legacy_functions() -> None:
    """The deprecated `functions` and `function_call` are checked too."""
    offered = tools([CHAT_TOOL["function"]])
    body = chunk({"index": 0, "delta": {"function_call": {"name": "book", "arguments": "{}"}}})
    assert said(read(chat(offered), [body, chat_ends("function_call")])) == ("missing_argument", "city")


def test_with_content() -> None:
    """Where content is kept, the outcome is the same."""
    bent = CASES[1]
    for keep in (True, False):
        reader = ChatReader(pieces=keep, offered=CHAT)
        assert said(read(reader, chat_stream(bent, 3))) == (bent.outcome, bent.path)


def test_nothing_is_checked_without_an_offer() -> None:
    """Where no tools are offered, or nothing is to be checked, whatever parses is valid."""
    for bent in CASES:
        (call,) = read(chat(None), chat_stream(bent, 5)).calls
        assert call.violation is None
        assert call.outcome in ("valid", "invalid", "unfinished")


def test_free_text() -> None:
    """The input of a custom tool is no JSON: its name alone is checked."""
    offered = tools(
        [{"type": "custom", "custom": {"name": "sql", "parameters": {"required": ["a"]}}}, CHAT_TOOL]
    )
    for name, outcome in (("sql", "valid"), ("book", "valid"), ("invented", "unknown_tool")):
        call = {"index": 0, "id": "c", "type": "custom", "custom": {"name": name, "input": "[}"}}
        assert said(read(chat(offered), [calling(call), chat_ends()]))[0] == outcome


def test_hosted_call_is_not_unknown() -> None:
    """What the server runs itself is not held against the offer."""
    call = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "x"}}
    reader = ResponsesReader(pieces=False, offered=RESPONSES)
    assert said(read(reader, [*begins(), done(call), ends(call)])) == ("valid", None)


def test_late_pieces_are_checked_again() -> None:
    """A call that was closed empty is right once its arguments have come after all."""
    late = [calling(entry(0, arguments=each)) for each in ('{"city":', '"Bern"}')]
    first = [calling(entry(0, "call_a", "book", "")), chat_ends()]
    assert said(read(chat(), first)) == ("missing_argument", "city")
    assert said(read(chat(), [*first, *late])) == ("valid", None)


def test_white_space_changes_no_verdict() -> None:
    """What was found holds when white space follows, and gives way to `invalid` when more than that does."""
    first = calling(entry(0, "call_a", "book", '{"guests": 2}'))
    for more, expected in ((" \n", ("missing_argument", "city")), ("x", ("invalid", None))):
        record = read(chat(), [first, calling(entry(0, arguments=more)), chat_ends()])
        assert said(record) == expected


def test_long_arguments_are_not_checked() -> None:
    """What is longer than 64 KiB is valid if it parses; one byte less is checked."""
    for size, outcome in ((64 * 1024, "missing_argument"), (64 * 1024 + 1, "valid")):
        text = '{"price": "' + "x" * (size - 13) + '"}'
        assert len(text) == size
        (call,) = read(chat(), chat_stream(Bent("", text, ""), 50)).calls
        assert call.outcome == outcome


@each_row(
    ("valid", "closed_by", "outcome"),
    [
        (False, "end", "unfinished"),
        (False, "json", "invalid"),
        (False, None, "invalid"),
        (True, "end", "valid"),
    ],
)
def test_outcome_of_a_call(valid: bool, closed_by: str | None, outcome: str) -> None:
    """What does not parse has an outcome of its own if its stream broke off."""
    call = ToolCall(0, 0, "a", "f", "function", 0, 1, closed_by, valid)
    assert call.outcome == outcome
