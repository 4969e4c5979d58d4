"""Usage in every spelling, merged from several reports, with one meaning; costs that servers report."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolspan.wire import usage as usages
from toolspan.wire.embeddings import EmbeddingsReader
from toolspan.wire.events import Usage
from toolspan.wire.responses import FetchReader, ResponsesReader
from toolspan.wire.usage import UsageReports, usage_of

from ..table import each_row
from . import response_shapes as responses
from .reading import plain, read, record_of, sdk, sdk_whole
from .shapes import chunk, counts, ends
from .test_embeddings import answer

PLACES = {"prompt_tokens": "input", "completion_tokens": "output", "input_audio_tokens": "audio_input"}
PARTS = dict.fromkeys(PLACES, st.integers(0, 9))
COUNTS = {
    "chat": ({"prompt_tokens": 9, "completion_tokens": 4}, Usage(9, 4)),
    "responses": ({"input_tokens": 9, "output_tokens": 4}, Usage(9, 4)),
    "float": ({"prompt_tokens": 9.0, "completion_tokens": 4.5}, Usage(9)),
    "deepseek-cache": ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 3}, Usage(9, cache_read=3)),
    "cache": (
        {"prompt_tokens_details": {"cached_tokens": 0}, "prompt_cache_hit_tokens": 3},
        Usage(cache_read=3),
    ),
    "cache-unused": ({"prompt_tokens_details": {"cached_tokens": 0}}, Usage(cache_read=0)),
    "cache-at-the-top": ({"prompt_tokens": 9, "cached_tokens": 3}, Usage(9, cache_read=3)),
    "cache-mistral": ({"prompt_tokens": 9, "num_cached_tokens": 3}, Usage(9, cache_read=3)),
    "cache-perplexity": (
        {"prompt_tokens": 9, "prompt_token_details": {"cached_tokens": 3}},
        Usage(9, None, 3),
    ),
    "cache-anthropic": (
        {"prompt_tokens": 9, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2},
        Usage(9, None, 3, 2),
    ),
    "cache-qwen": (
        {
            "prompt_tokens": 9,
            "prompt_tokens_details": {
                "cached_tokens": 0,
                "cache_creation": {"ephemeral_5m_input_tokens": 4},
                "cache_creation_input_tokens": 4,
                "cache_type": "ephemeral",
            },
        },
        Usage(9, None, 0, 4),
    ),
    "cache-by-time": (
        {
            "prompt_tokens": 9,
            "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 2},
        },
        Usage(9, cache_write=6, long_cache_write=2),
    ),
    "cache-twice": (
        {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 3}, "cache_read_input_tokens": 3},
        Usage(9, cache_read=3),
    ),
    "reasoning-at-the-top": ({"completion_tokens": 7, "reasoning_tokens": 5}, Usage(None, 7, reasoning=5)),
    "thinking": (
        {"completion_tokens": 7, "completion_tokens_details": {"thinking_tokens": 5}},
        Usage(None, 7, reasoning=5),
    ),
    "audio-at-the-top": (
        {"input_audio_tokens": 3, "output_audio_tokens": 2},
        Usage(audio_input=3, audio_output=2),
    ),
    "details-null": ({"prompt_tokens": 9, "prompt_tokens_details": None}, Usage(9)),
    "details-no-object": ({"prompt_tokens": 9, "prompt_tokens_details": [1]}, Usage(9)),
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
    "total-alone": ({"total_tokens": 9}, None),
    "empty": ({}, None),
    "no-object": (9, None),
}


@each_row(("value", "expected"), COUNTS.values(), ids=COUNTS)
def test_token_counts_of_every_spelling_are_read(value: object, expected: Usage | None) -> None:
    """Token counts are read in every spelling, also from SDK objects; a usage without counts is none."""
    assert usage_of(value) == expected
    assert usage_of(sdk({"usage": value}).usage) == expected
    assert usage_of(sdk_whole({"usage": value}).usage) == expected
    assert read([chunk(x_groq={"usage": value})]).usage == expected


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
    assert usages.reported(fields) == pytest.approx(expected)
    given = {**counts(9, 4), **fields}
    for value in (given, sdk({"usage": given}).usage, sdk_whole({"usage": given}).usage):
        found = usage_of(value)
        assert found is not None
        assert (found.input, found.output) == (9, 4)
        assert found.cost == pytest.approx(expected)


@each_row("place", ["cost", "cost_in_usd_ticks", "estimated_cost"])
@each_row("value", ODD, ids=repr)
def test_cost_that_is_negative_or_not_a_number_is_ignored(place: str, value: object) -> None:
    """A cost that is negative, not a number or absurdly large is ignored; ticks may be many."""
    expected = 1e-3 if (place, value) == ("cost_in_usd_ticks", 1e7) else None
    assert usage_of({**counts(9, 4), place: value}) == Usage(9, 4, cost=expected)


def test_cost_is_read_with_details_and_without_counts() -> None:
    """A cost is read beside detailed counts, and where there are no counts."""
    details = {"prompt_tokens_details": {"cached_tokens": 3}, "cost": 0.5}
    assert usage_of({**counts(9, 4), **details}) == Usage(9, 4, 3, cost=0.5)
    assert usage_of({"cost": 0.5}) == Usage(cost=0.5)


def test_later_cost_of_a_stream_replaces_the_cost_before() -> None:
    """A later usage replaces the one before, its cost included, if it has one."""
    chunks = [chunk(usage={**counts(9, 1), "cost": 0.1}), chunk(usage={**counts(9, 4), "cost": 0.2}), ends()]
    assert read(chunks).usage == Usage(9, 4, cost=0.2)
    assert read([*chunks, chunk(usage=counts(9, 5))]).usage == Usage(9, 5, cost=0.2)


DETAILED = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
MERGED = Usage(10, 5, 4, reasoning=3)
LATER: dict[str, tuple[list[Any], Usage]] = {
    "zeros": ([DETAILED, {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}], MERGED),
    "zeros-first": ([{"prompt_tokens": 0, "completion_tokens": 0}, DETAILED], MERGED),
    "nulls": ([DETAILED, {"prompt_tokens": 10, "completion_tokens": None}], MERGED),
    "null": ([DETAILED, None], MERGED),
    "empty": ([DETAILED, {}], MERGED),
    "without-details": ([DETAILED, {**counts(10, 5), "total_tokens": 15}], MERGED),
    "details-null": ([DETAILED, {**DETAILED, "prompt_tokens_details": None}], MERGED),
    "details-of-zeros": ([DETAILED, {**DETAILED, "prompt_tokens_details": {"cached_tokens": 0}}], MERGED),
    "details-later": (
        [counts(10, 5), {"completion_tokens_details": {"reasoning_tokens": 3}}],
        Usage(10, 5, reasoning=3),
    ),
    "in-parts": ([{"prompt_tokens": 10}, {"completion_tokens": 5}], Usage(10, 5)),
    "parts-and-zeros": ([counts(10, 0), counts(0, 5)], Usage(10, 5)),
    "cumulative": ([counts(10, 1), counts(10, 2), counts(10, 5)], Usage(10, 5)),
    "corrected": ([counts(12, 5), counts(10, 5)], Usage(10, 5)),
    "repeated": ([DETAILED, DETAILED, DETAILED], MERGED),
    "other-names": ([counts(10, 5), {"input_tokens": 10, "output_tokens": 6}], Usage(10, 6)),
}


@each_row(("reports", "expected"), LATER.values(), ids=LATER)
def test_no_count_is_lost_by_a_later_report_that_lacks_it(reports: list[Any], expected: Usage) -> None:
    """Reports of one answer are merged count by count, wherever in the stream they are."""
    for build in (plain, sdk):
        chunks = [build(chunk(usage=report)) for report in reports]
        assert read(chunks).usage == expected
        assert read([*chunks[:1], ends(), *chunks[1:]]).usage == expected
    assert read([chunk(x_groq={"usage": report}) for report in reports]).usage == expected
    ended = [responses.ends(usage=report) for report in reports]
    reader = ResponsesReader()
    assert record_of([event for body in ended for event in reader.read(body)]).usage == expected


def test_equal_reports_are_one_event() -> None:
    """A report that changes nothing is no event."""
    reports = UsageReports()
    assert [reports.read(DETAILED), reports.read(DETAILED), reports.read(counts(0, 0))] == [
        MERGED,
        None,
        None,
    ]


@given(st.lists(st.fixed_dictionaries({}, optional=PARTS), max_size=6))
def test_counts_of_a_cumulative_stream_never_become_smaller(reports: list[dict[str, int]]) -> None:
    """In whichever parts the reports of growing counts come, the last word on each count holds."""
    most: dict[str, int] = {}
    merged = UsageReports()
    for report in reports:
        merged.read(report)
        most |= {name: value for name, value in report.items() if value or name not in most}
    expected = {PLACES[name]: value for name, value in most.items()}
    assert merged.read({"cost": 1}) == Usage(**expected, cost=1.0)


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
    assert usages.litellm_cost(value) == expected


def test_cached_tokens_of_realtime_are_read_by_modality() -> None:
    """The Realtime API reports cached tokens by modality."""
    inward = {
        "cached_tokens": 6,
        "cached_tokens_details": {"text_tokens": 1, "image_tokens": 2, "audio_tokens": 3},
    }
    found = usage_of({"input_tokens": 9, "output_tokens": 4, "input_token_details": inward})
    assert found == Usage(9, 4, 6, text_cache_read=1, image_cache_read=2, audio_cache_read=3)


@each_row(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7}, Usage(7)),
        ({"total_tokens": 7}, Usage(7)),
        ({"prompt_tokens": None, "total_tokens": 7}, Usage(7)),
        ({"input_tokens": 7, "output_tokens": 3}, Usage(7)),
        ({"completion_tokens": 3}, None),
        ({}, None),
    ],
)
def test_embeddings_have_input_tokens_only(usage: dict[str, Any], expected: Usage | None) -> None:
    """The input of embeddings is counted, by the total if there is nothing else."""
    found = [event for event in EmbeddingsReader().read(answer(usage=usage)) if isinstance(event, Usage)]
    assert found == ([] if expected is None else [expected])
