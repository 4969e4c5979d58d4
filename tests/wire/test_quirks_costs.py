"""What a cost is and what is none, wherever it stands: in chunks, whole answers, events and headers."""

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
def test_reported(fields: dict[str, Any], expected: float | None) -> None:
    """The cost, beside the counts or without them, in plain objects and in the SDK's."""
    assert quirks.reported(fields) == pytest.approx(expected)
    given = {**counts(9, 4), **fields}
    for value in (given, sdk({"usage": given}).usage, sdk_whole({"usage": given}).usage):
        found = quirks.usage(value)
        assert found is not None
        assert (found.input, found.output) == (9, 4)
        assert found.cost == pytest.approx(expected)


@each_row("place", ["cost", "cost_in_usd_ticks", "estimated_cost"])
@each_row("value", ODD, ids=repr)
def test_odd(place: str, value: object) -> None:
    """What is negative, no number, or beyond all sense is no cost; ticks may be many."""
    expected = 1e-3 if (place, value) == ("cost_in_usd_ticks", 1e7) else None
    assert quirks.usage({**counts(9, 4), place: value}) == Usage(9, 4, cost=expected)


def test_beside_details() -> None:
    """A cost is also taken where the counts are broken down, and where there are no counts at all."""
    details = {"prompt_tokens_details": {"cached_tokens": 3}, "cost": 0.5}
    assert quirks.usage({**counts(9, 4), **details}) == Usage(9, 4, 3, cost=0.5)
    assert quirks.usage({"cost": 0.5}) == Usage(cost=0.5)


def test_last_usage_holds() -> None:
    """Each usage of a stream takes the place of the one before, its cost included."""
    chunks = [chunk(usage={**counts(9, 1), "cost": 0.1}), chunk(usage={**counts(9, 4), "cost": 0.2}), ends()]
    assert read(chunks).usage == Usage(9, 4, cost=0.2)
    assert read([*chunks, chunk(usage=counts(9, 5))]).usage == Usage(9, 5)


def test_moonshot_and_groq() -> None:
    """It is read wherever the counts are, in a choice and under `x_groq` too."""
    usage = {**counts(9, 4), "cost": 0.5}
    choice = {"index": 0, "delta": {}, "finish_reason": "stop", "usage": usage}
    assert (
        read([chunk(choice)]).usage == read([chunk(x_groq={"usage": usage})]).usage == Usage(9, 4, cost=0.5)
    )


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_responses(streamed: bool) -> None:
    """The Responses API's usage has it too; a response that is fetched has cost before."""
    usage = {**responses.counts(), "cost_in_usd_ticks": 318319000}
    body = responses.ends(usage=usage) if streamed else responses.response(usage=usage)
    for reader, expected in ((ResponsesReader(), 0.0318319), (FetchReader(), None)):
        found = record_of(reader.read(body) + reader.close()).usage
        assert (found and found.cost) == expected


def test_embeddings() -> None:
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
def test_header(value: bytes | None, expected: float | None) -> None:
    """LiteLLM's header holds a number as text, or `None`."""
    assert quirks.litellm_cost(value) == expected


def test_cached_by_modality() -> None:
    """Realtime says of what modality the cached tokens are."""
    inward = {
        "cached_tokens": 6,
        "cached_tokens_details": {"text_tokens": 1, "image_tokens": 2, "audio_tokens": 3},
    }
    found = quirks.usage({"input_tokens": 9, "output_tokens": 4, "input_token_details": inward})
    assert found == Usage(9, 4, 6, text_cache_read=1, image_cache_read=2, audio_cache_read=3)
