"""The measured variants differ in time and requests, not in their answers."""

from __future__ import annotations

import asyncio

import pytest
from chat_service.measure import NONE, TWO, WAYS
from chat_service.stopwatch import Watched, once

from tests.sdk.telemetry import Telemetry

from .service import PACE, text_of

FOUND = "Here is what I found: 18 °C and light rain in Paris; 14:05 in Paris."


@pytest.mark.parametrize(
    ("question", "words"), [(TWO, FOUND), (NONE, "Travelling")], ids=["tools", "no tools"]
)
def test_every_variant_gives_the_same_answer(question: str, words: str, telemetry: Telemetry) -> None:
    """Each variant gives the same answer; only the probe makes a second request without tools."""

    async def play() -> list[tuple[float, Watched]]:
        taken = await asyncio.gather(*(once(way, question, pace=PACE) for way in WAYS.values()))
        return [(took.requests, watched) for took, watched in taken]

    found = asyncio.run(play())
    assert {text_of(watched.happened) for _, watched in found} == {text_of(found[0][1].happened)}
    assert text_of(found[0][1].happened).startswith(words)
    assert [requests for requests, _ in found] == ([2, 2, 2, 2] if question == TWO else [2, 1, 1, 1])
