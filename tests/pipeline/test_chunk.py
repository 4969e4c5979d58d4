"""Parsed chunks: the same for every form of a chunk."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel, ConfigDict

import toolspan
from toolspan.pipeline.chunk import FINISH, OTHER, TEXT, TOOL_CALL, kind_of, parse_chunk, parse_event
from toolspan.pipeline.chunk_text import Chunks
from toolspan.pipeline.counting import fingerprint

from ..sdk import wire_messages
from ..table import each_row
from . import shapes

words = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
chunks = st.one_of(
    st.builds(shapes.text, words, st.integers(0, 12)),
    st.builds(shapes.fragment, words, st.integers(0, 70)),
    st.builds(shapes.opening, st.integers(0, 3), words, words.filter(bool), words),
    st.builds(shapes.finish, st.sampled_from(("stop", "length", "tool_calls"))),
    st.builds(shapes.role),
    st.builds(shapes.usage),
    st.builds(lambda piece: shapes.chunk({"refusal": piece}), words),
    st.builds(lambda piece: shapes.chunk({"reasoning_content": piece, "content": None}), words),
    st.builds(lambda piece: shapes.chunk({"content": piece}, "stop"), words),
)


CALLING = {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}


def meaning(item: Any) -> Any:
    """Return the parsed form of one item."""
    (found,) = Chunks().read(item) if isinstance(item, (str, bytes)) else [parse_chunk(item)]
    return found


@pytest.mark.parametrize("form", shapes.FORMS.values(), ids=shapes.FORMS)
@given(body=chunks)
def test_chunk_parses_the_same_in_every_form(form: Any, body: shapes.Json) -> None:
    """An SDK object, a dict, JSON, bytes and server-sent events have one parsed form and fingerprint."""
    found = meaning(form(body))
    assert found == parse_chunk(body)
    assert fingerprint(found, b"key") == fingerprint(parse_chunk(body), b"key")


@given(one=words.filter(bool), other=words.filter(bool), call=st.integers(0, 40))
def test_chunks_with_other_content_have_other_fingerprints(one: str, other: str, call: int) -> None:
    """Another text, call, choice or reason is another parsed chunk."""
    bodies = [
        shapes.text(one),
        shapes.text(one, 1),
        shapes.fragment(one, call),
        shapes.fragment(one, call + 1),
    ]
    bodies += [shapes.finish("stop"), shapes.finish("length"), shapes.opening(call, name=one), shapes.role()]
    bodies += [shapes.chunk({"refusal": one}), shapes.chunk({"reasoning": one})]
    assert len({parse_chunk(body) for body in bodies}) == len(bodies)
    assert (parse_chunk(shapes.text(one)) == parse_chunk(shapes.text(other))) is (one == other)


@each_row(
    ("body", "kind"),
    [
        (shapes.text("a"), TEXT),
        (shapes.opening(), TOOL_CALL),
        (shapes.fragment("{"), TOOL_CALL),
        (shapes.finish(), FINISH),
        (shapes.chunk({"content": "a"}, "stop"), FINISH),
        (shapes.chunk({"content": "a", **CALLING}), TOOL_CALL),
        (shapes.role(), OTHER),
        (shapes.usage(), OTHER),
        ({"token": "a"}, OTHER),
    ],
)  # fmt: skip
def test_chunk_counts_once_by_its_most_important_part(body: shapes.Json, kind: str) -> None:
    """A chunk is counted once, as its most important part."""
    assert kind_of(parse_chunk(body)) == kind


def test_ids_models_and_times_do_not_change_a_chunk() -> None:
    """Ids, models, times and an id repeated in each piece are not part of the parsed chunk."""
    body = shapes.fragment('{"a"')
    other = {**body, "id": "other", "model": "other", "created": 7, "system_fingerprint": "fp"}
    assert parse_chunk(other) == parse_chunk(body)
    repeated = shapes.fragment('{"a"')
    repeated["choices"][0]["delta"]["tool_calls"][0] |= {"id": "call_0", "type": "function"}
    assert parse_chunk(repeated) == parse_chunk(body)


def test_chunk_is_found_inside_a_message_of_any_schema() -> None:
    """A chunk is found in any message, as an object or as JSON text, two levels deep."""
    body = shapes.text("hello")
    for envelope in (
        {"type": "CHUNK", "data": body},
        {"type": "CHUNK", "payload": {"n": 1, "chunk": body}},
        {"type": "CHUNK", "data": json.dumps(body)},
        {"type": "CHUNK", "data": f"data: {json.dumps(body)}\n\n"},
    ):
        assert meaning(json.dumps(envelope)) == parse_chunk(body)
    control = meaning(json.dumps({"type": "START"}))
    assert kind_of(control) == OTHER


@each_row(
    ("event", "kind"),
    [
        ({"type": "response.output_text.delta", "delta": "a", "output_index": 0}, TEXT),
        ({"type": "response.reasoning_summary_text.delta", "delta": "a"}, TEXT),
        ({"type": "response.audio.transcript.delta", "delta": "a"}, TEXT),
        ({"type": "response.refusal.delta", "delta": "a"}, TEXT),
        ({"type": "response.function_call_arguments.delta", "delta": "{", "output_index": 1}, TOOL_CALL),
        (
            {
                "type": "response.output_item.added",
                "output_index": 1,
                "item": {"type": "function_call", "call_id": "c", "name": "f"},
            },
            TOOL_CALL,
        ),
        ({"type": "response.output_item.added", "item": {"type": "message"}}, OTHER),
        ({"type": "response.completed", "response": {"id": "r"}}, FINISH),
        ({"type": "response.failed"}, FINISH),
        ({"type": "response.in_progress"}, OTHER),
        ({"type": "response.output_text.delta", "delta": ""}, OTHER),
    ],
)
def test_events_of_the_responses_api_parse_like_chunks(event: shapes.Json, kind: str) -> None:
    """Events are text, calls and an end, like chunks of chat."""
    assert kind_of(parse_chunk(event)) == kind
    assert meaning(json.dumps(event)) == parse_chunk(event)


events = st.one_of(
    st.builds(
        lambda piece, index: {
            "type": "response.output_text.delta", "sequence_number": 5, "item_id": "msg_1",
            "output_index": index, "content_index": 0, "delta": piece, "logprobs": [],
        },
        words,
        st.integers(0, 3),
    ),
    st.builds(
        lambda piece, index, name: {
            "type": f"response.{name}.delta", "sequence_number": 5, "item_id": "fc_1",
            "output_index": index, "delta": piece,
        },
        words,
        st.integers(0, 140),
        st.sampled_from(("function_call_arguments", "custom_tool_call_input", "refusal")),
    ),
)  # fmt: skip


@given(event=events, envelope=st.booleans())
def test_response_event_parses_the_same_in_every_form(event: shapes.Json, envelope: bool) -> None:
    """Events parse alike as dicts, objects, JSON of any spacing and server-sent events."""
    expected = parse_event(event)
    assert parse_chunk(event) == expected
    assert parse_chunk(SimpleNamespace(**event)) == expected
    body = {"n": 1, "event": event} if envelope else event
    for text in (json.dumps(body), shapes.tight(body)):
        assert meaning(text) == expected
        assert meaning(f"event: {event['type']}\ndata: {text}\n\n") == expected
        assert meaning(f"data: {text}\n\n") == expected


def test_an_anthropic_event_parses_the_same_in_every_form() -> None:
    """Texts, calls and the stop reason are parts; other events are none; a whole stream adds up."""
    block = {"type": "thinking", "thinking": "Hm", "signature": ""}
    bodies = [*wire_messages.CALLS, *wire_messages.TEXT, wire_messages.start(block)]
    parts = [part for body in bodies for part in parse_chunk(body)]
    calls = [part[1:] for part in parts if part[0].kind is TOOL_CALL]
    assert calls == [
        ("", "toolu_1", "get_weather"),
        ('{"city":',),
        ('"Bern"}',),
        ("", "toolu_2", "get_time"),
        ('{"at":1}',),
    ]
    texts = [(part[0].sort, part[1]) for part in parts if part[0].kind is TEXT]
    assert texts == [("content", "Hel"), ("content", "lo"), ("reasoning", "Hm")]
    assert [part[1] for part in parts if part[0].kind is FINISH] == ["tool_use", "end_turn"]
    for body in bodies:
        if body["type"] == "ping":
            continue
        assert parse_chunk(SimpleNamespace(**body)) == parse_chunk(body)
        assert meaning(json.dumps({"n": 1, "event": body})) == parse_chunk(body)
        assert meaning(f"event: {body['type']}\ndata: {json.dumps(body)}\n\n") == parse_chunk(body)


class Open(BaseModel):
    """An object that declares none of its fields, as LiteLLM's choices and deltas."""

    model_config = ConfigDict(extra="allow")


@given(body=chunks)
def test_gateway_object_is_read_by_its_extra_fields(body: shapes.Json) -> None:
    """A gateway's own object without declared fields is read by the fields that were sent."""

    def opened(value: Any) -> Any:
        if isinstance(value, list):
            return [opened(each) for each in value]
        return (
            Open(**{name: opened(each) for name, each in value.items()}) if isinstance(value, dict) else value
        )

    chunk = SimpleNamespace(**{**body, "choices": opened(body["choices"])})
    assert parse_chunk(chunk) == parse_chunk(body)


@each_row(
    "odd",
    [
        None,
        7,
        [],
        {},
        {"choices": None},
        {"choices": [None]},
        {"choices": [{"delta": None}]},
        {"choices": [{"index": "x", "delta": {"content": 7}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0}]}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {"arguments": {"a": 1}}}]}}]},
        {"choices": [{"message": {"content": "whole", "function_call": {"name": "f", "arguments": "{}"}}}]},
        {"choices": [{"text": "legacy", "index": 0}]},
        {"error": {"message": "no"}},
        object(),
    ],
)  # fmt: skip
def test_value_that_is_not_a_chunk_parses_without_an_error(odd: Any) -> None:
    """A value that is not a chunk has a parsed form, too, and raises nothing."""
    assert isinstance(parse_chunk(odd), tuple)
    assert fingerprint(parse_chunk(odd), b"") == fingerprint(parse_chunk(odd), b"")


def test_reasoning_that_an_sdk_declares_is_read() -> None:
    """Reasoning is read where the SDK of a provider declares it, as Groq's does, and beside no content."""
    body = shapes.text("a")
    body["choices"][0]["delta"]["reasoning"] = "b"
    chunk = ChatCompletionChunk.model_validate(body)
    delta = chunk.choices[0].delta
    delta.__dict__["reasoning"] = (delta.__pydantic_extra__ or {}).pop("reasoning")
    assert parse_chunk(chunk) == parse_chunk(body)
    assert len(parse_chunk(body)) == 2


def test_fingerprint_cannot_be_looked_up_without_the_key() -> None:
    """Without the key a fingerprint cannot be looked up in a table."""
    found = parse_chunk(shapes.text("yes"))
    assert fingerprint(found, b"one") != fingerprint(found, b"other")


def test_events_of_toolspan_parse_like_their_chunks() -> None:
    """The events of `toolspan.events` parse like their chunks, also as JSON; nothing counts twice."""
    said = [parse_chunk(body) for body in shapes.answer()]
    made = list(toolspan.events(ChatCompletionChunk.model_validate(body) for body in shapes.answer()))
    found = [parse_chunk(event) for event in made]
    assert [each for each in found if each] == [each for each in said if kind_of(each) != OTHER]
    assert [meaning(json.dumps(event.to_dict())) for event in made if parse_chunk(event)] == [
        each for each in found if each
    ]


@each_row(
    "other",
    [
        {"type": "text.delta", "choice": 0},
        {"type": "text.delta", "choice": [], "text": "a"},
        {"type": "text.delta", "choice": "0", "text": "a"},
        {"type": "text.delta", "choice": 0, "text": 7},
        {"type": "text.delta", "choice": 0, "text": None},
        {"type": "reasoning.delta", "choice": 0, "text": ["a"]},
        {"type": "tool_call.arguments.delta", "choice": 0, "index": 0, "delta": {"a": 1}},
        {"type": "tool_call.arguments.delta", "choice": 0, "index": "0", "delta": "{"},
        {"type": "tool_call.started", "choice": 0, "index": 0, "id": 7, "name": "f"},
        {"type": [], "choice": 0},
        {"choice": 0},
        {"type": "done", "finish_reasons": 7},
        {"type": "done", "finish_reasons": "stop"},
        {"type": "done", "finish_reasons": [None, 7]},
        ("text.delta", 0),
    ],
)
def test_object_that_only_resembles_an_event_is_not_one(other: Any) -> None:
    """An object that only resembles an event belongs to the application."""
    assert kind_of(parse_chunk(other)) == OTHER
