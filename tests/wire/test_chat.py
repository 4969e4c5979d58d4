"""Chunks and whole answers become events, in the order in which they were sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from toolspan.wire.chat import ChatReader
from toolspan.wire.events import (
    CallArguments,
    CallClosed,
    CallOpened,
    Finished,
    Reasoning,
    Refusal,
    Started,
    Text,
    Usage,
)

from .reading import events_of, facts, plain, read, sdk, sdk_whole, seen
from .shapes import ARGS, OTHER, Call, choice, chunk, counts, ends, entry, says, tools

STARTED = Started("chatcmpl-1", "m-1")
WHOLE_BUILDERS = pytest.mark.parametrize("build", [plain, sdk_whole], ids=["dict", "sdk"])


def whole(*messages: dict[str, Any], reason: str = "tool_calls", **fields: Any) -> dict[str, Any]:
    """An answer that was not streamed, one choice for each message."""
    choices = [
        {"index": index, "message": message, "finish_reason": reason}
        for index, message in enumerate(messages)
    ]
    return {**chunk(), "object": "chat.completion", "choices": choices, **fields}


def test_one_delta_may_hold_text_reasoning_calls_and_refusal() -> None:
    """Reasoning, text, calls and a refusal in one delta are all read."""
    delta = {"reasoning": "R", "content": "T", "tool_calls": [entry(0, "a", "f", "{}")], "refusal": "N"}
    assert events_of([chunk(choice(delta, "stop"), usage=counts(9, 4))]) == [
        STARTED,
        Reasoning(0, "R"),
        Text(0, "T"),
        CallOpened(0, 0, "a", "f"),
        Refusal(0, "N"),
        CallArguments(0, 0, "{}"),
        CallClosed(0, 0, "finish", True, 1, 2),
        Finished(0, "stop"),
        Usage(9, 4),
    ]


def test_identity_is_emitted_again_only_when_it_grows() -> None:
    """The answer's id and model are emitted again when a later chunk adds to them, and only then."""
    bodies = [{"id": "x", "model": ""}, {"id": "y", "model": "m"}, {"model": "other"}]
    assert events_of(bodies) == [Started("x", None), Started("x", "m")]


def test_late_identity_is_read_only_beside_the_usage() -> None:
    """After the first chunks the identity is read only from a chunk with usage."""
    bodies = [{"id": "x"}] * 4 + [{"model": "m"}, {"model": "m", "usage": counts(1, 2)}]
    assert events_of(bodies) == [Started("x", None), Started("x", "m"), Usage(1, 2)]


def test_complete_identity_is_not_read_again() -> None:
    """A complete identity is read once."""
    body = {"id": "x", "model": "m", "service_tier": "flex", "system_fingerprint": "fp"}
    assert events_of([body, {**body, "model": "other"}]) == [Started("x", "m", "flex", "fp")]


def test_finish_reason_sent_twice_is_one_event() -> None:
    """A finish reason that is sent twice is one event; the calls stay closed."""
    events = events_of([tools(entry(0, "a", "f", "")), ends(), ends()])
    assert [event for event in events if isinstance(event, Finished)] == [Finished(0, "tool_calls")]
    assert len([event for event in events if isinstance(event, CallClosed)]) == 1


def test_call_after_the_finish_reason_ends_with_the_stream() -> None:
    """A call that begins after the finish reason is recorded and ends with the stream."""
    found = seen(read([ends(), tools(entry(0, "a", "f", "{"))]))
    assert found.calls == [Call("a", "f", "{", False, "end")]


def test_open_calls_end_with_the_stream() -> None:
    """The end of the stream closes the open calls of each choice."""
    reader = ChatReader(2)
    for index in (0, 1):
        reader.read(tools(entry(0, "a", "f", "{"), index=index))
    assert reader.close() == [CallClosed(0, 0, "end", False, 1, 1), CallClosed(1, 0, "end", False, 1, 1)]
    assert reader.close() == []


@WHOLE_BUILDERS
def test_calls_of_a_whole_answer_are_numbered_by_position(build: Callable[[Any], Any]) -> None:
    """A whole answer is read as a stream of one chunk; the position of a call is its index."""
    calls = [{**entry(None, "call_a", "weather", ARGS)}, entry(None, "call_b", "weather", OTHER)]
    message = {"role": "assistant", "content": "Hi", "refusal": None, "tool_calls": calls}
    found = seen(read([build(whole(message, usage=counts(9, 4)))]))
    assert found.calls == [
        Call("call_a", "weather", ARGS, closed_by="next_call"),
        Call("call_b", "weather", OTHER, closed_by="finish"),
    ]
    assert (found.texts, found.reasons, found.usage) == ({0: "Hi"}, {0: "tool_calls"}, Usage(9, 4))


@WHOLE_BUILDERS
def test_equal_calls_of_a_whole_answer_stay_apart(build: Callable[[Any], Any]) -> None:
    """Calls without an id, or all with one index, are separate calls in a whole answer."""
    calls = [entry(0, None, "weather", ARGS), entry(0, None, "weather", ARGS), {"function": {}}]
    found = seen(read([build(whole({"content": None, "tool_calls": calls}))]))
    assert [(call.id, call.name, call.arguments) for call in found.calls] == [
        (None, "weather", ARGS),
        (None, "weather", ARGS),
        (None, None, ""),
    ]


@WHOLE_BUILDERS
def test_each_choice_of_a_whole_answer_has_its_parts(build: Callable[[Any], Any]) -> None:
    """Each choice has its text, its reasoning and its deprecated call."""
    first = {"content": "A", "reasoning_content": "R"}
    second = {"content": None, "function_call": {"name": "f", "arguments": "{}"}}
    found = seen(read([build(whole(first, second, reason="stop"))], 2))
    assert (found.texts, found.reasoning, found.reasons) == ({0: "A"}, {0: "R"}, {0: "stop", 1: "stop"})
    assert found.calls == [Call(None, "f", "{}", closed_by="finish", choice=1)]


@WHOLE_BUILDERS
def test_custom_tool_input_of_a_whole_answer_is_valid(build: Callable[[Any], Any]) -> None:
    """The input of a custom tool is its arguments, and any text is valid."""
    call = {"id": "a", "type": "custom", "custom": {"name": "shell", "input": "ls {"}}
    found = seen(read([build(whole({"content": None, "tool_calls": [call]}))]))
    assert found.calls == [Call("a", "shell", "ls {", True, "finish", kind="custom")]


@pytest.mark.parametrize("build", [plain, sdk], ids=["dict", "sdk"])
def test_stream_without_pieces_has_only_beginnings_and_ends(build: Callable[[Any], Any]) -> None:
    """Without pieces a stream has events only where the text of a choice or a call begins or ends."""
    chunks = [chunk()] * 4 + [says("a"), says("b"), says("c"), tools(entry(0, "a", "f", "{"))]
    chunks += [
        tools(entry(0, arguments='"a": ')),
        tools(entry(0, arguments="")),
        tools(entry(0, arguments="1}")),
        ends(),
    ]
    events = events_of(map(build, chunks), pieces=False)
    kinds = [type(event).__name__ for event in events if not isinstance(event, (Text, CallArguments))]
    assert kinds == ["Started", "CallOpened", "CallClosed", "Finished"]
    assert facts(read(map(build, chunks), keep=False)) == facts(read(chunks))


def test_many_fragments_are_read_together_and_counted_each() -> None:
    """Fragments without an end are read in batches; each one is counted."""
    pieces = [tools(entry(0, arguments="x" * 3)) for _ in range(100)]
    chunks = [chunk()] * 4 + [
        tools(entry(0, "a", "f", '{"a": "')),
        *pieces,
        tools(entry(0, arguments='"}')),
        ends(),
    ]
    call = read(map(sdk, chunks)).calls[0]
    assert (call.fragments, call.size, call.valid, call.closed_by) == (102, 309, True, "json")
    assert call.arguments == '{"a": "' + "x" * 300 + '"}'


class Declared:
    """A chunk of an SDK that declares what OpenAI's SDK keeps as extras, as Groq's does."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)
        self.__pydantic_extra__ = None


def test_fields_that_another_sdk_declares_are_read_like_extras() -> None:
    """Groq's own SDK declares `x_groq`, with the tokens of a stream, and `reasoning`."""
    delta = Declared(content=None, reasoning="Hm", tool_calls=None, function_call=None, refusal=None)
    body = Declared(
        choices=[Declared(index=0, delta=delta, finish_reason=None)],
        usage=None,
        x_groq={"usage": {"prompt_tokens": 11, "completion_tokens": 7}},
    )
    found = ChatReader().read(body)
    assert Reasoning(0, "Hm") in found
    assert Usage(11, 7) in found
