"""Each tolerance for the values of a server that departs from the format, costs included."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan.wire import quirks
from toolspan.wire.embeddings import EmbeddingsReader
from toolspan.wire.events import Usage
from toolspan.wire.responses import FetchReader, ResponsesReader

from ..table import each_row
from . import response_shapes as responses
from .reading import read, record_of, sdk, sdk_whole
from .shapes import chunk, counts, ends
from .test_embeddings import answer

INSIDE: dict[str, Any] = {"x": 1}
INSIDE["self"] = INSIDE


@each_row(
    ("index", "expected", "counts"), [(0, 1, False), (1, 1, True), (1, 2, False), (None, 1, False)], ids=repr
)
def test_first_choice_index_that_is_not_zero_counts_tokens(
    index: object, expected: int, counts: bool
) -> None:
    """In an answer of one choice, a first index other than 0 counts tokens."""
    assert quirks.counts_tokens(index, expected) is counts


ENTRIES = {
    "whole": (
        {"index": 1, "id": "a", "function": {"name": "f", "arguments": "{}"}},
        (1, "a", "f", "function", "{}"),
    ),
    "id-inside": ({"function": {"id": "a"}}, (None, "a", None, "function", "")),
    "custom": (
        {"index": 0, "type": "custom", "custom": {"name": "s", "input": "ls"}},
        (0, None, "s", "custom", "ls"),
    ),
    "custom-untyped": ({"index": 0, "custom": {"input": "ls"}}, (0, None, None, "custom", "ls")),
    "custom-beside-function": (
        {"custom": {"input": "ls"}, "function": {"arguments": "{"}},
        (None, None, None, "function", "{"),
    ),
    "custom-no-object": ({"id": "a", "custom": 1}, (None, "a", None, "custom", "")),
    "nothing": ({"index": 0, "id": "", "function": {"name": "", "arguments": None}}, None),
    "signature-only": ({"extra_content": {"google": {}}}, None),
    "empty": ({}, None),
    "no-object": ("x", None),
}


@each_row(("entry", "expected"), ENTRIES.values(), ids=ENTRIES)
def test_entry_of_tool_calls_reads_as_one_delta_or_none(
    entry: object, expected: tuple[object, ...] | None
) -> None:
    """An entry of `tool_calls` is one delta; an entry without any value is none."""
    found = quirks.call_delta(entry)
    assert (found and found[:5]) == expected


def test_each_entry_of_a_whole_answer_is_a_call_of_its_own() -> None:
    """In a whole answer each entry is a separate call, even one without any value."""
    found = quirks.call_deltas([{"id": "a"}, {"function": {}}, {"index": 7, "id": "c"}], True)
    assert [(delta.index, delta.id) for delta in found] == [(0, "a"), (1, None), (2, "c")]


@each_row(
    ("value", "expected"),
    [
        ({"name": "f", "arguments": "{"}, [(0, None, "f", "function", "{")]),
        ({"arguments": {}}, [(0, None, None, "function", "{}")]),
        ({"name": None, "arguments": None}, []),
        ("x", []),
    ],
    ids=["both", "object", "nulls", "text"],
)
def test_deprecated_function_call_reads_as_one_delta(value: object, expected: list[object]) -> None:
    """The deprecated single call."""
    assert [delta[:5] for delta in quirks.function_call_deltas(value)] == expected


@each_row(
    ("value", "expected"),
    [
        ("{", "{"),
        (None, ""),
        ({"a": "é"}, '{"a": "é"}'),
        ([1], "[1]"),
        (3, ""),
        ({"a": {1}}, ""),
        (INSIDE, ""),
    ],
    ids=["text", "null", "object", "list", "number", "no-json", "within-itself"],
)
def test_arguments_of_any_type_are_read_as_text(value: object, expected: str) -> None:
    """Arguments become text, whatever JSON type the server sends."""
    assert quirks.arguments_text(value) == expected


@each_row(
    ("value", "expected"),
    [
        ("a", [(False, "a")]),
        ("", []),
        (None, []),
        ([{"type": "text", "text": "a"}, {"text": ""}, 3], [(False, "a")]),
        ({"text": "a"}, [(False, "a")]),
        ([{"thinking": "a"}, {"thinking": ""}], [(True, "a")]),
        ([{"thinking": [{"text": "a"}, {"text": "b"}]}], [(True, "a"), (True, "b")]),
        ([{"thinking": [{"thinking": "a"}]}], []),
    ],
    ids=["text", "empty", "null", "parts", "one-part", "thinking", "thinking-parts", "thinking-in-thinking"],
)
def test_content_reads_as_pieces_of_text_and_reasoning(
    value: object, expected: list[tuple[bool, str]]
) -> None:
    """Content as pieces of text and of reasoning."""
    assert list(quirks.content_pieces(value)) == expected


@each_row(
    ("error", "code"),
    [
        (None, None),
        ({}, None),
        ({"code": 502}, "502"),
        ({"code": "rate_limit"}, "rate_limit"),
        ({"code": "It is broken."}, "_OTHER"),
        ({"code": "x" * 65}, "_OTHER"),
        ({"code": True}, "_OTHER"),
        ({"message": "secret"}, "_OTHER"),
        ("secret", "_OTHER"),
    ],
    ids=["null", "empty", "number", "word", "sentence", "long", "true", "message", "text"],
)
def test_error_is_reported_by_its_code_never_its_message(error: object, code: str | None) -> None:
    """An error's code if it is one, never its message."""
    assert quirks.failure_of({"error": error}) == code


@each_row(
    ("value", "expected"),
    [("stop", "stop"), ("", None), (1, None), ("x" * 99, "x" * 64)],
    ids=["word", "empty", "number", "long"],
)
def test_finish_reason_is_a_word_of_bounded_length(value: object, expected: str | None) -> None:
    """A finish reason is a word of sane length."""
    assert quirks.finish_reason(value) == expected


COUNTS = {
    "chat": ({"prompt_tokens": 9, "completion_tokens": 4}, Usage(9, 4)),
    "responses": ({"input_tokens": 9, "output_tokens": 4}, Usage(9, 4)),
    "float": ({"prompt_tokens": 9.0, "completion_tokens": 4.5}, Usage(9)),
    "deepseek-cache": ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 3}, Usage(9, cache_read=3)),
    "cache": (
        {"prompt_tokens_details": {"cached_tokens": 0}, "prompt_cache_hit_tokens": 3},
        Usage(cache_read=0),
    ),
    "cache-write": ({"input_tokens_details": {"cache_write_tokens": 2}}, Usage(cache_write=2)),
    "cache-creation": ({"prompt_tokens_details": {"cache_creation_tokens": 2}}, Usage(cache_write=2)),
    "reasoning": ({"completion_tokens_details": {"reasoning_tokens": 5}}, Usage(reasoning=5)),
    "modalities-in": (
        {"prompt_tokens_details": {"text_tokens": 1, "image_tokens": 2, "audio_tokens": 3}},
        Usage(text_input=1, image_input=2, audio_input=3),
    ),
    "modalities-out": (
        {"output_tokens_details": {"text_tokens": 1, "image_tokens": 2, "audio_tokens": 3}},
        Usage(text_output=1, image_output=2, audio_output=3),
    ),
    "zero": ({"prompt_tokens": 0}, Usage(0)),
    "negative": ({"prompt_tokens": -1}, None),
    "true": ({"prompt_tokens": True}, None),
    "huge": ({"prompt_tokens": 2**63}, None),
    "infinite": ({"prompt_tokens": float("inf"), "completion_tokens": float("nan")}, None),
    "text": ({"prompt_tokens": "9"}, None),
    "nothing-known": ({"total_tokens": 9}, None),
    "empty": ({}, None),
    "no-object": (9, None),
}


@each_row(("value", "expected"), COUNTS.values(), ids=COUNTS)
def test_token_counts_of_every_spelling_are_read(value: object, expected: Usage | None) -> None:
    """Token counts are read in every spelling, also from SDK objects; a usage without counts is none."""
    assert quirks.usage(value) == expected
    assert quirks.usage(sdk({"usage": value}).usage) == expected
    assert quirks.usage(sdk_whole({"usage": value}).usage) == expected
    assert quirks.groq_usage({"x_groq": {"usage": value}}) == expected


REPORTED: dict[str, tuple[dict[str, Any], float | None]] = {
    "credits": ({"cost": 0.5}, 0.5),
    "whole-dollars": ({"cost": 2}, 2.0),
    "free": ({"cost": 0}, 0.0),
    "own-key": ({"cost": 0, "cost_details": {"upstream_inference_cost": 0.25}}, 0.25),
    "own-key-and-fee": (
        {"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.25}},
        0.26,
    ),
    "fee-contains-upstream": ({"cost": 0.25, "cost_details": {"upstream_inference_cost": 0.25}}, 0.25),
    "upstream-unknown": (
        {"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": None}},
        0.0,
    ),
    "upstream-odd": ({"cost": 0.5, "is_byok": True, "cost_details": [1]}, 0.5),
    "upstream-alone": ({"cost": None, "cost_details": {"upstream_inference_cost": 0.25}}, None),
    "ticks": ({"cost_in_usd_ticks": 10**10}, 1.0),
    "ticks-beside-nothing": ({"cost": None, "cost_in_usd_ticks": 5}, 5e-10),
    "object": ({"cost": {"total_cost": 0.5}}, 0.5),
    "object-without-total": ({"cost": {"request_cost": 0.5}}, None),
    "estimated": ({"estimated_cost": 0.5}, 0.5),
    "none": ({}, None),
}


ODD: list[object] = [-1, -0.5, float("nan"), float("inf"), -float("inf"), True, False, "0.5", "", None, [0.5]]


ODD += [1e7, 10**400, {}, {"total_cost": "0.5"}, {"total_cost": True}]


@each_row(("fields", "expected"), REPORTED.values(), ids=REPORTED)
def test_cost_beside_the_counts_is_read_in_every_form(fields: dict[str, Any], expected: float | None) -> None:
    """The cost is read in each provider's form, from plain objects and from the SDK's."""
    assert quirks.reported(fields) == pytest.approx(expected)
    given = {**counts(9, 4), **fields}
    for value in (given, sdk({"usage": given}).usage, sdk_whole({"usage": given}).usage):
        found = quirks.usage(value)
        assert found is not None
        assert (found.input, found.output) == (9, 4)
        assert found.cost == pytest.approx(expected)


@each_row("place", ["cost", "cost_in_usd_ticks", "estimated_cost"])
@each_row("value", ODD, ids=repr)
def test_cost_that_is_negative_or_not_a_number_is_ignored(place: str, value: object) -> None:
    """A cost that is negative, not a number or absurdly large is ignored; ticks may be many."""
    expected = 1e-3 if (place, value) == ("cost_in_usd_ticks", 1e7) else None
    assert quirks.usage({**counts(9, 4), place: value}) == Usage(9, 4, cost=expected)


def test_cost_is_read_with_details_and_without_counts() -> None:
    """A cost is read beside detailed counts, and where there are no counts."""
    details = {"prompt_tokens_details": {"cached_tokens": 3}, "cost": 0.5}
    assert quirks.usage({**counts(9, 4), **details}) == Usage(9, 4, 3, cost=0.5)
    assert quirks.usage({"cost": 0.5}) == Usage(cost=0.5)


def test_last_usage_of_a_stream_replaces_the_cost_before() -> None:
    """Each usage of a stream replaces the one before, its cost included."""
    chunks = [chunk(usage={**counts(9, 1), "cost": 0.1}), chunk(usage={**counts(9, 4), "cost": 0.2}), ends()]
    assert read(chunks).usage == Usage(9, 4, cost=0.2)
    assert read([*chunks, chunk(usage=counts(9, 5))]).usage == Usage(9, 5)


def test_cost_is_read_inside_a_choice_and_under_x_groq() -> None:
    """The cost is read wherever the counts are, also in a choice and under `x_groq`."""
    usage = {**counts(9, 4), "cost": 0.5}
    choice = {"index": 0, "delta": {}, "finish_reason": "stop", "usage": usage}
    assert (
        read([chunk(choice)]).usage == read([chunk(x_groq={"usage": usage})]).usage == Usage(9, 4, cost=0.5)
    )


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_cost_of_a_response_is_read_but_not_of_a_fetched_one(streamed: bool) -> None:
    """The usage of a response has its cost; a fetched response was paid for before."""
    usage = {**responses.counts(), "cost_in_usd_ticks": 318319000}
    body = responses.ends(usage=usage) if streamed else responses.response(usage=usage)
    for reader, expected in ((ResponsesReader(), 0.0318319), (FetchReader(), None)):
        found = record_of(reader.read(body) + reader.close()).usage
        assert (found and found.cost) == expected


def test_cost_of_embeddings_is_read_from_their_usage() -> None:
    """So have embeddings."""
    found = EmbeddingsReader().read(answer(usage={"prompt_tokens": 7, "total_tokens": 7, "cost": 1e-6}))
    assert Usage(7, cost=1e-6) in found


@each_row(
    ("value", "expected"),
    [
        (b"0.0009884999999999998", 0.0009884999999999998),
        (b"5.85e-06", 5.85e-06),
        (b"0.0", 0.0),
        (b"None", None),
        (b"nan", None),
        (b"inf", None),
        (b"-1", None),
        (b"", None),
        (None, None),
    ],
)
def test_litellm_cost_header_holds_a_number_or_none(value: bytes | None, expected: float | None) -> None:
    """LiteLLM's header holds a number as text, or `None`."""
    assert quirks.litellm_cost(value) == expected


def test_cached_tokens_of_realtime_are_read_by_modality() -> None:
    """The Realtime API reports cached tokens by modality."""
    inward = {
        "cached_tokens": 6,
        "cached_tokens_details": {"text_tokens": 1, "image_tokens": 2, "audio_tokens": 3},
    }
    found = quirks.usage({"input_tokens": 9, "output_tokens": 4, "input_token_details": inward})
    assert found == Usage(9, 4, 6, text_cache_read=1, image_cache_read=2, audio_cache_read=3)
