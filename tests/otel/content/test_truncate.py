"""Values and their JSON become exportable: valid, within the limit, and without errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolspan.otel.content import truncate
from toolspan.otel.content.messages import input_messages
from toolspan.wire.request import chat_request

from ...table import each_row
from ..kept import encode_value, longest, strict

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=200)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=20), inner), max_leaves=20
)
roles = st.sampled_from(["system", "user", "assistant", "tool"]) | st.text(max_size=10)
calls = st.fixed_dictionaries(
    {
        "id": st.text(max_size=10),
        "function": st.fixed_dictionaries({"name": st.text(), "arguments": values.map(json.dumps)}),
    }
)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": roles, "content": st.text(max_size=300) | values},
        optional={"tool_calls": st.lists(calls, max_size=3)},
    ),
    max_size=8,
)


@given(st.text(), st.integers(0, 50))
def test_a_shortened_text_keeps_the_limit_and_is_encodable(text: str, limit: int) -> None:
    """A text is never longer than its limit and can be encoded."""
    short = truncate.shorten(text, limit)
    assert len(short) <= limit
    short.encode()


@each_row(
    ("text", "limit", "expected"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("漢字😀!", 3, "漢字…"), ("", 0, ""), ("\ud83d", 5, "?")],
    ids=["fits", "cut", "wide", "empty", "surrogate"],
)
def test_a_shortened_text_ends_with_an_ellipsis(text: str, limit: int, expected: str) -> None:
    """An ellipsis marks what is missing; a lone surrogate becomes a question mark."""
    assert truncate.shorten(text, limit) == expected


@settings(max_examples=40)
@given(messages, st.integers(50, 5000), st.integers(0, 500))
def test_json_of_random_messages_is_valid_within_the_limit(sent: Any, total: int, limit: int) -> None:
    """For any messages and limits the JSON is valid and within them, or absent."""
    recorded = input_messages(chat_request({"messages": sent}, keep=True), limit)
    text = truncate.messages_json(recorded, total)
    assert text is None or (len(text) <= total and isinstance(strict(text), list))


@settings(max_examples=30)
@given(messages)
def test_json_without_a_limit_is_always_valid(sent: Any) -> None:
    """Without a limit there is always valid JSON that can be encoded."""
    recorded = input_messages(chat_request({"messages": sent}, keep=True), 8192)
    text = truncate.messages_json(recorded, None)
    assert text is not None
    assert strict(text) == recorded
    text.encode()


def chat(*texts: str) -> list[Any]:
    """Return messages with these texts."""
    return [{"role": "user", "parts": [{"type": "text", "content": text}]} for text in texts]


def test_long_texts_are_shortened_before_messages_are_dropped() -> None:
    """Long texts are shortened and each message is kept."""
    found = strict(truncate.messages_json(chat("x" * 9000, "y" * 9000), 1000) or "")
    assert len(found) == 2
    assert found[0]["parts"][0]["type"] == "text"


def test_the_oldest_messages_are_dropped_first() -> None:
    """If shortening does not suffice, the oldest messages are dropped."""
    found = strict(truncate.messages_json(chat(*(f"{at} " + "x" * 50 for at in range(40))), 500) or "")
    assert 0 < len(found) < 40
    assert found[-1]["parts"][0]["content"].startswith("39 ")


def test_a_long_history_is_serialized_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropping thousands of messages does not serialize the history thousands of times."""
    whole = 0

    def counted(value: Any, own: Any = truncate.dump) -> str:
        nonlocal whole
        whole += isinstance(value, list) and len(value) > 100
        return str(own(value))

    monkeypatch.setattr(truncate, "dump", counted)
    assert truncate.messages_json(chat(*("x" * 50 for _ in range(1000))), 1000)
    assert whole < 50


def test_a_message_that_does_not_fit_is_dropped() -> None:
    """A message that cannot be shortened enough is dropped."""
    assert truncate.messages_json([{"role": "r" * 100, "parts": []}], 50) is None
    assert truncate.messages_json(chat("x"), 10) is None
    assert truncate.messages_json([], 1) is None


def test_types_roles_and_ids_are_not_shortened() -> None:
    """Types, roles and ids stay whole, but not what a model wrote under the same keys."""
    identity = "call_" + "0" * 40
    part = {
        "type": "tool_call",
        "id": identity,
        "name": "f",
        "arguments": {"id": "x" * 500, "name": "y" * 500},
    }
    found = strict(truncate.messages_json([{"role": "assistant", "parts": [part]}], 300) or "")
    assert found[0]["parts"][0]["id"] == identity
    assert longest(found[0]["parts"][0]["arguments"]) < 300


@given(values, st.integers(1, 200))
def test_a_sanitised_random_value_can_be_exported(value: Any, limit: int) -> None:
    """OTLP can encode each sanitised value; its texts keep the limit and its JSON is valid."""
    found = truncate.sanitise(value, limit)
    encode_value([found]).SerializeToString()
    assert longest(found) <= max(limit, 4)  # `-inf`
    strict(truncate.dump(found))


@each_row(
    ("value", "expected"),
    [
        (2**63, "9223372036854775808"),
        (-(2**63), -(2**63)),
        (float("nan"), "nan"),
        ({"": 1, 7: (True, None)}, {"_": 1, "7": [True, None]}),
        (b"raw", "b'raw'"),
    ],
    ids=["large", "smallest", "nan", "keys", "bytes"],
)
def test_values_without_an_otlp_type_become_text(value: Any, expected: Any) -> None:
    """Values that no exporter accepts become text; keys are never empty."""
    assert truncate.sanitise(value, 100) == expected


def test_a_circular_value_ends_as_text() -> None:
    """A value that contains itself ends as text."""
    circle: list[Any] = []
    circle.append(circle)
    assert strict(truncate.dump(truncate.sanitise(circle, 100)))
    assert truncate.dump(circle) == ""


def test_texts_are_shortened_until_the_value_fits() -> None:
    """Texts are shortened until the value fits; what never fits is omitted."""
    found = truncate.within({"a": "x" * 500, "b": "y" * 500}, 400, 200)
    assert set(found) == {"a", "b"}
    assert len(truncate.dump(found)) <= 200
    assert truncate.within(list(range(1000)), 400, 200) is None


@pytest.mark.parametrize("text", ["{", "[" * 100_000], ids=["cut", "deep"])
def test_invalid_or_unreadable_json_stays_a_text(text: str) -> None:
    """Arguments that are invalid JSON, or JSON that Python cannot read, are a shortened text."""
    assert truncate.call_arguments(text, 4) == (text if text == "{" else "[[[…")


def test_arguments_are_left_out_if_their_json_is_longer_than_four_times_the_limit() -> None:
    """Numbers cannot be shortened: JSON of four times the limit is kept, JSON that is two longer is not."""
    limit = 64
    fits, longer = ({"a": [1] * count, "b": 12} for count in (121, 122))
    assert [len(truncate.dump(each)) for each in (fits, longer)] == [4 * limit, 4 * limit + 2]
    assert truncate.call_arguments(json.dumps(fits), limit) == fits
    assert truncate.call_arguments(json.dumps(longer), limit) is None
