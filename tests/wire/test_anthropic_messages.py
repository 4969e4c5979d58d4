"""Anthropic's streams, messages and requests, read as events."""

from __future__ import annotations

import json
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sdk.wire_messages import (
    ANSWER,
    CALLS,
    END,
    PING,
    TEXT,
    begin,
    block,
    delta,
    finish,
    message,
    start,
    stop,
    text,
    tool_use,
)
from tests.table import each_row
from toolspan.wire import quirks
from toolspan.wire.anthropic_messages import MessagesReader, messages_request
from toolspan.wire.events import (
    CallArguments,
    CallClosed,
    CallOpened,
    Event,
    Reasoning,
    Text,
    Usage,
)
from toolspan.wire.record import Record
from toolspan.wire.tools import tools

from . import randoms
from .messages_reading import stream, summary, whole
from .reading import FULL

types: Any = pytest.importorskip("anthropic.types")
construct: Any = pytest.importorskip("anthropic._models").construct_type


def plain(body: Any) -> Any:
    """The event as it came."""
    return body


def sdk(body: Any) -> Any:
    """The event as the SDK builds it, without validation."""
    return construct(type_=types.RawMessageStreamEvent, value=body)


def sdk_whole(body: Any) -> Any:
    """The message as the SDK builds it, without validation."""
    return construct(type_=types.Message, value=body)


def events_of(bodies: Iterable[Any], build: Any = plain, **how: Any) -> list[Event]:
    """All events of a stream, its end included."""
    reader = MessagesReader(**how)
    found = [event for body in bodies for event in reader.read(build(body))]
    return found + reader.close()


def read(bodies: Iterable[Any], build: Any = plain, **how: Any) -> Record:
    """The record of a stream, with all content."""
    record = Record(keep=True)
    for event in events_of(bodies, build, **how):
        record.apply(event, 1)
    return record


def seen(record: Record) -> dict[str, Any]:
    """The facts of a record, as `summary` has them."""
    choice = record.choices.get(0)
    usage = record.usage or Usage()
    texts = {name: "".join(getattr(choice, name, ())) for name in ("text", "reasoning", "refusal")}
    calls = [(call.id, call.name, call.arguments, call.outcome) for call in record.calls]
    reason = choice.reason if choice else None
    counts = {"input": usage.input, "output": usage.output}
    return {"model": record.started.model, **texts, "reason": reason, "calls": calls, **counts}


def closings(bodies: Iterable[Any], **how: Any) -> list[tuple[str | None, str, str, int]]:
    """Name, outcome and evidence of each call, and after how many events it was complete."""
    reader, names, found = MessagesReader(**how), {}, []
    for position, body in enumerate([*bodies, None]):
        for event in reader.close() if body is None else reader.read(body):
            if isinstance(event, CallOpened):
                names[event.call] = event.name
            elif isinstance(event, CallClosed):
                found.append((names[event.call], event.outcome, event.how, position))
    return found


def test_streams_read_as_a_second_reader_reads_them() -> None:
    """200 random streams, whole and cut anywhere, give the texts, calls, outcomes and counts in them."""
    rng = Random(17)
    for number in range(100_000 if FULL else 200):
        bodies = stream(rng)
        builds = (plain, sdk) if number % 20 == 0 else (plain,)
        for end in {len(bodies), *rng.choices(range(len(bodies)), k=2)}:
            for build in builds:
                assert seen(read(bodies[:end], build)) == summary(bodies[:end]), bodies[:end]


def test_a_whole_message_reads_as_its_stream() -> None:
    """A message has the calls, texts, counts and reason of the stream that stands for it."""
    rng = Random(18)
    for _ in range(60):
        bodies = stream(rng)
        want = summary(bodies)
        if any(outcome in ("invalid", "unfinished") for *_, outcome in want["calls"]):
            continue
        found = seen(read([whole(bodies)]))
        parsed = [(*call[:2], json.loads(call[2] or "{}")) for call in want["calls"]]
        assert [(*call[:2], json.loads(call[2] or "{}")) for call in found["calls"]] == parsed
        assert {**found, "calls": 0} == {**want, "calls": 0}


def test_an_sdk_object_reads_as_its_json() -> None:
    """Events and messages of the SDK's classes give the same events as plain JSON."""
    for bodies in (TEXT, CALLS):
        assert events_of(bodies, sdk) == events_of(bodies)
    assert events_of([ANSWER], sdk_whole) == events_of([ANSWER])


_OPEN = tool_use("look")
_ROWS: dict[str, tuple[list[Any], list[Any]]] = {
    # A document in pieces is complete at its brace, one piece at the end of the block.
    "pieces": (
        [start(_OPEN), delta(partial_json='{"a":'), delta(partial_json="1}"), stop()],
        [("valid", "json", 2)],
    ),
    "one-piece": ([start(_OPEN), delta(partial_json='{"a":1}'), stop()], [("valid", "done", 2)]),
    "next-block": ([start(_OPEN), stop(), start(text(""), 1)], [("valid", "done", 2)]),
    "no-stop": (
        [start(_OPEN), delta(partial_json="{}"), start(tool_use("b", identity="2"), 1), END],
        [("valid", "next_call", 2), ("valid", "finish", 3)],
    ),
    "none": ([start(_OPEN), stop(), finish("tool_use")], [("valid", "done", 2)]),
    "none-and-cut": ([start(_OPEN), stop(), finish("max_tokens")], [("not_given", "end", 2)]),
    "none-and-gone": ([start(_OPEN), stop()], [("not_given", "end", 2)]),
    "broken": ([start(_OPEN), delta(partial_json='{"a'), stop()], [("invalid", "done", 2)]),
    "gone": ([start(_OPEN), delta(partial_json='{"a')], [("unfinished", "end", 2)]),
    "cut-without-stop": (
        [start(_OPEN), delta(partial_json='{"a'), finish("refusal"), END],
        [("unfinished", "end", 4)],
    ),
    # LiteLLM sends all arguments at the start (litellm#25561), or an empty piece first.
    "given": ([start(tool_use("look", {"a": 1})), stop()], [("valid", "done", 1)]),
    "given-and-sent": (
        [start(tool_use("look", {"a": 1})), delta(partial_json='{"b":'), delta(partial_json="2}"), stop()],
        [("valid", "json", 2)],
    ),
    # llama.cpp starts a block with each token (llama.cpp#18551).
    "again": (
        [start(_OPEN), delta(partial_json='{"a":'), start(_OPEN), delta(partial_json="1}")],
        [("valid", "json", 3)],
    ),
    "without-index": (
        [{**event, "index": None} for event in block(_OPEN, '{"a":', "1}")],
        [("valid", "json", 2)],
    ),
    "odd-pieces": (
        [
            start(_OPEN),
            delta(type="input_json_delta", partial_json=None),
            delta(type="input_json_delta"),
            delta(partial_json={"a": 1}),
            stop(),
            stop(),
            END,
        ],
        [("valid", "done", 4)],
    ),
}


@each_row(("bodies", "want"), _ROWS.values(), ids=_ROWS)
def test_a_call_is_complete_at_the_first_evidence(bodies: list[Any], want: list[Any]) -> None:
    """Each call closes once, at the event and by the evidence of its row."""
    assert [row[1:] for row in closings(bodies)] == want


def test_kinds_of_calls() -> None:
    """A tool of the application is a function; a server's tool has its name, unless that is another kind."""
    blocks = [
        tool_use("look"),
        {**tool_use("web_search"), "type": "server_tool_use"},
        {**tool_use("function"), "type": "server_tool_use"},
        {**tool_use(""), "type": "server_tool_use"},
        {**tool_use("list"), "type": "mcp_tool_use", "server_name": "files"},
    ]
    kinds = [event.kind for event in events_of([message(*blocks)]) if isinstance(event, CallOpened)]
    assert kinds == ["function", "web_search", "server_tool_use", "server_tool_use", "mcp"]


def test_no_more_calls_than_the_bound() -> None:
    """Calls beyond 1,024 count as the last one; none raises."""
    bodies = [
        event
        for index in range(1100)
        for event in block(tool_use(f"t{index}", identity=f"{index}"), index=index)
    ]
    assert len(read(bodies).calls) == 1024
    assert len(read([*bodies, *block(tool_use("x", {"a": 1}, "x"), index=1)]).calls) == 1024


def test_a_call_is_checked_against_the_tools() -> None:
    """Anthropic's definitions have their schema under another name; server tools have only types."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    offered = tools(
        [
            {"type": "custom", "name": "look", "input_schema": schema},
            {"type": "web_search_20260209", "name": "web_search"},
        ]
    )
    assert offered is not None
    assert (offered.kinds, offered.names) == (("function", "web_search_20260209"), ("look", "web_search"))
    bodies = [
        message(
            tool_use("look", {"city": "Oslo"}),
            tool_use("look", identity="2"),
            tool_use("other", identity="3"),
        )
    ]
    outcomes = [row[1] for row in closings(bodies, offered=offered)]
    assert outcomes == ["valid", "missing_argument", "unknown_tool"]


_USAGES: dict[str, tuple[list[Any], Usage | None]] = {
    "classic": ([begin(), finish()], Usage(11, 7, 4, 2)),
    "cut": ([begin()], Usage(11, None, 4, 2)),
    "repeated": (
        [
            begin(),
            finish(
                usage={
                    "input_tokens": 5,
                    "cache_read_input_tokens": 4,
                    "cache_creation_input_tokens": 2,
                    "output_tokens": 9,
                }
            ),
        ],
        Usage(11, 9, 4, 2),
    ),
    "cumulative": (
        [begin(), finish(None, {"output_tokens": 3}), finish(usage={"output_tokens": 8})],
        Usage(11, 8, 4, 2),
    ),
    # A null keeps a count, and a zero replaces none (bifrost#6378).
    "nulls": (
        [begin(), finish(usage={"input_tokens": None, "cache_read_input_tokens": 0, "output_tokens": 8})],
        Usage(11, 8, 4, 2),
    ),
    # GLM sends zeros first (GLM-5#139).
    "zeros": (
        [
            begin(usage={"input_tokens": 0, "output_tokens": 0}),
            finish(usage={"input_tokens": 5, "cache_read_input_tokens": 4, "output_tokens": 7}),
        ],
        Usage(9, 7, 4),
    ),
    "cache-late": (
        [begin(usage={"input_tokens": 5}), finish(usage={"cache_read_input_tokens": 2, "output_tokens": 7})],
        Usage(7, 7, 2),
    ),
    # vLLM has it on the event.
    "on-the-event": ([{**begin(usage=None), "usage": {"input_tokens": 3}}, finish()], Usage(3, 7)),
    "thinking": (
        [begin(), finish(usage={"output_tokens": 7, "output_tokens_details": {"thinking_tokens": 3}})],
        Usage(11, 7, 4, 2, 3),
    ),
    "kept": (
        [
            begin(
                usage={
                    "input_tokens": 1,
                    "cache_creation_input_tokens": 6,
                    "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 2},
                }
            ),
            finish(),
        ],
        Usage(7, 7, None, 6, long_cache_write=2),
    ),
    "bedrock": (
        [
            finish(usage={}),
            {
                **END,
                "amazon-bedrock-invocationMetrics": {
                    "inputTokenCount": 5,
                    "outputTokenCount": 7,
                    "cacheReadInputTokenCount": 4,
                    "invocationLatency": 1,
                },
            },
        ],
        Usage(9, 7, 4),
    ),
    "none": ([begin(usage=None), finish(usage=[])], None),
}


@each_row(("bodies", "want"), _USAGES.values(), ids=_USAGES)
def test_usage_has_the_meaning_of_the_conventions(bodies: list[Any], want: Usage | None) -> None:
    """Input tokens include those read from caches and written to them; counts are never added up."""
    assert read(bodies).usage == want
    assert read(bodies, sdk).usage == want


_ENDS: dict[str, tuple[list[Any], tuple[str | None, str | None]]] = {
    "pause": ([finish("pause_turn"), END], ("pause_turn", None)),
    "twice": ([finish("max_tokens"), finish("end_turn"), END], ("length", None)),
    "after-the-end": (
        [finish("end_turn"), END, begin(model="other"), *block(text(""), "x"), finish("refusal")],
        ("stop", None),
    ),
    # Ollama may send an empty reason.
    "empty": ([finish(""), END], ("stop", None)),
    "empty-with-a-call": ([*block(tool_use("look")), finish(""), END], ("tool_calls", None)),
    # LiteLLM (litellm#34692).
    "calls-and-end-turn": ([*block(tool_use("look")), finish("end_turn"), END], ("stop", None)),
    "none": ([begin()], (None, None)),
    "error": (
        [begin(), {"type": "error", "error": {"type": "overloaded_error", "message": "m"}}],
        (None, "overloaded_error"),
    ),
    "odd-error": (
        [{"type": "error", "error": {"type": "you said: hello", "message": "m"}}],
        (None, "_OTHER"),
    ),
    "gateway": ([{"error": {"type": "api_error"}}], (None, "api_error")),
    "no-type": ([{"type": "error"}], (None, "_OTHER")),
}


@each_row(("bodies", "want"), _ENDS.values(), ids=_ENDS)
def test_reasons_and_failures(bodies: list[Any], want: tuple[str | None, str | None]) -> None:
    """The reason comes once, in chat's words; an error is known by its type only."""
    record = read(bodies)
    choice = record.choices.get(0)
    assert (choice.reason if choice else None, record.failure) == want


def test_texts_of_any_block() -> None:
    """A delta is read by its own type; other blocks, deltas and derived events add nothing."""
    bodies = [
        *block(text("So"), " it", delta(thinking=" hm"), delta(partial_json=""), delta(partial_json="{")),
        *block(
            {"type": "thinking", "thinking": "Well"},
            ", then",
            delta(type="signature_delta", signature="s"),
            index=1,
        ),
        *block(tool_use("look"), '{"a":', delta(2, text=" is"), "1}", index=2),
        start({"type": "redacted_thinking", "data": "d"}, 3),
        {"type": "text", "text": "derived", "snapshot": "derived"},
        {"type": "input_json", "partial_json": "x"},
        {"type": "content_block_start", "content_block": None},
        {"type": ["odd"]},
        {},
        None,
    ]
    bodies[2]["index"] = 0
    found = seen(read(bodies))
    assert (found["text"], found["reasoning"]) == ("So it is", " hmWell, then")
    assert [call[2:] for call in found["calls"]] == [('{"a":1}', "valid")]


def test_output_of_the_model_and_notices() -> None:
    """Only pieces and starts with content are output: a notice ends no time to the first chunk."""
    reader = MessagesReader()
    found = []
    for body in (
        *CALLS[:5],
        start(text("")),
        start(text("a")),
        delta(type="citations_delta", citation={}),
        *CALLS[-2:],
        PING,
    ):
        reader.read(body)
        found.append(reader.output)
    assert found == [False, False, True, False, True, False, True, True, False, False, False]


def test_without_pieces_only_the_beginning_of_a_text_is_an_event() -> None:
    """Nobody reads pieces: then texts begin once, and arguments are only counted."""
    bodies = [
        *TEXT[:4],
        start(text("more"), 1),
        *block({"type": "thinking", "thinking": ""}, "a", "b", index=2),
        *CALLS[2:],
    ]
    found = events_of(bodies, pieces=False)
    assert [event for event in found if isinstance(event, (Text, Reasoning))] == [
        Text(0, "Hel"),
        Reasoning(0, "a"),
    ]
    assert not [event for event in found if isinstance(event, CallArguments)]
    assert len([event for event in found if isinstance(event, CallClosed)]) == 2


def test_a_quirk_of_arguments_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments go through the quirks of arguments, piece by piece."""
    monkeypatch.setattr(quirks, "ARGUMENTS", (lambda piece: piece.replace("&quot;", '"'),))
    record = read(block(tool_use("look"), "{&quot;a&quot;:", "1}"))
    assert record.calls[0].arguments == '{"a":1}'


def test_the_identity_of_a_message() -> None:
    """Id, model and tier are those of the first start; another start of the message adds nothing."""
    bodies = [begin(usage={"input_tokens": 1, "service_tier": "batch"}), begin(), TEXT[2]]
    started = read(bodies).started
    assert (started.id, started.model, started.service_tier) == ("msg_1", "gpt-test-2026", "batch")
    assert len([event for event in events_of(bodies) if type(event).__name__ == "Started"]) == 1


@settings(max_examples=1000 if FULL else 25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_any_stream_is_read_without_an_error(rng: Any) -> None:
    """Whatever a server sends in place of any value, reading raises nothing."""
    bodies = randoms.altered(rng, stream(rng), 0.05)
    for build in (plain, sdk):
        if isinstance(bodies, list):
            events_of(bodies, build, pieces=rng.random() < 0.5)
    events_of([randoms.altered(rng, message("a", tool_use("b", {"c": 1})), 0.1), randoms.value(rng)])


_BODY: dict[str, Any] = {
    "model": "claude",
    "max_tokens": 9,
    "temperature": 0.5,
    "top_k": 3,
    "top_p": 0.25,
    "stop_sequences": ["a"],
    "service_tier": "auto",
    "output_config": {"effort": "low"},
    "tool_choice": {"type": "any"},
    "tools": [{"name": "look", "input_schema": {"type": "object"}}],
    "system": [{"type": "text", "text": "Be kind."}],
    "messages": [
        {"role": "user", "content": "a"},
        {
            "role": "assistant",
            "content": [
                text("So"),
                tool_use("a", identity="1"),
                tool_use("b", identity="2"),
                {**tool_use("c", identity="3"), "type": "server_tool_use"},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "1", "content": "x"},
                {"type": "tool_result", "tool_use_id": "2", "is_error": True},
                text("go on"),
            ],
        },
        {"role": "assistant", "content": [tool_use("d", identity="4")]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "4", "content": []}]},
    ],
}


def test_every_fact_of_a_request_is_read() -> None:
    """The facts have the names that other APIs give them; results are those of the current loop."""
    found = messages_request(_BODY, keep=True)
    facts = {
        name: value
        for name, value in vars(found).items()
        if name not in ("messages", "last", "tools", "returns")
    }
    assert facts == {
        "model": "claude", "max_tokens": 9, "temperature": 0.5, "top_k": 3, "top_p": 0.25, "stop": ["a"],
        "service_tier": "auto", "reasoning_level": "low", "tool_choice": "required", "message_count": 5,
        "instructions": _BODY["system"], "expected": 1,
    }  # fmt: skip
    assert found.messages is _BODY["messages"]
    assert found.returns[:4] == (("4",), ("1", "2"), ("1", "2", "4"), 2)
    thread = {"thread": {"type": "continue", "previous_message_id": "msg_1"}}
    newest = messages_request({**thread, "messages": _BODY["messages"][2:3]}, keep=False)
    assert (newest.previous_response, newest.returns.results) == ("msg_1", ("1", "2"))
    again = messages_request({"messages": [*_BODY["messages"][:2], _BODY["messages"][2]]}, keep=False)
    assert len(again.returns.digests) == 2
    assert again.returns.digests == newest.returns.digests
    bare = messages_request({**_BODY, "tool_choice": {"type": "tool", "name": "look"}}, keep=False)
    assert (bare.messages, bare.instructions, bare.tool_choice) == (None, None, "look")
    assert messages_request({"messages": "odd", "tools": "odd"}, keep=True).tools is None
