"""Measure what each technique saves, against the demo server: `python -m chat_service.measure`.

It prints the tables of the README.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from openai import AsyncOpenAI

import toolspan

from .answering import INSTRUCTION, Answering
from .by_hand import ByHand
from .conversations import Conversation
from .demo import Memory, realistic_server
from .settings import Settings
from .spending import KEY
from .stopwatch import TIMEOUT, Way, median, once
from .tools import TOOLS, Toolbox

ROUNDS = 5
TWO = "What are the weather and the time in Paris?"
NONE = "Say something nice."
HANGING = "Find hotels in Oslo. What is the weather there?"
SETTINGS = Settings(patience=TIMEOUT, budget=0)
PATIENT = Toolbox(*(replace(tool, limit=60) for tool in TOOLS))


def service(settings: Settings = SETTINGS, tools: Toolbox = TOOLS) -> Way:
    """Return the service as a way to answer."""

    async def ask(client: AsyncOpenAI, conversation: Conversation, question: str) -> None:
        await Answering(client, "demo", settings, tools).answer(conversation, question)

    return ask


def by_hand(how: Callable[[ByHand, list[Any]], Awaitable[None]]) -> Way:
    """Return a hand-written way to answer, which has no conversation but one question."""

    async def ask(client: AsyncOpenAI, conversation: Conversation, question: str) -> None:
        messages = [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": question}]
        await how(ByHand(client, "demo", TOOLS, lambda text: conversation.tell("text", text=text)), messages)

    return ask


WAYS: dict[str, Way] = {
    "probe for calls, run them one by one, ask again": by_hand(ByHand.probe),
    "one streaming call; its calls one by one, after it": by_hand(ByHand.one_by_one),
    "one streaming call; its calls in parallel, after it": by_hand(ByHand.in_parallel),
    "the service: each call as soon as it is complete": service(),
}


def head(*cells: str) -> None:
    """Print the head of a table."""
    print()
    row(*cells)
    row(*("---" for _ in cells))


def row(*cells: object) -> None:
    """Print a row of a table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


async def ways() -> None:
    """Compare the ways to answer a question, with tools and without."""
    for question in (TWO, NONE):
        head(f"“{question}”", "first word", "whole answer", "requests", "tokens in")
        for title, way in WAYS.items():
            took = await median(way, question, ROUNDS)
            row(title, f"{took.first:.2f} s", f"{took.whole:.2f} s", f"{took.requests:g}", f"{took.tokens:g}")


async def limits() -> None:
    """Compare a hanging tool with and without its time limit."""
    head("one of two tools hangs for 6 s", "whole answer")
    for title, tools in (("no limit", PATIENT), ("its limit is 1.2 s", TOOLS)):
        row(title, f"{(await median(service(tools=tools), HANGING, ROUNDS)).whole:.2f} s")


async def retries() -> None:
    """Compare no retries, the service's, and the service's together with the SDK's."""
    cases = (("none", 1, 0), ("the service's", 4, 0), ("the service's and the SDK's", 4, 2))
    head("retries", "refused twice", "broken off once", "hung once", "refused for good")
    for title, attempts, inner in cases:
        cells = []
        for fault in ("Rate limit", "Break off", "Hang", "Limited for good"):
            took, seen = await once(service(replace(SETTINGS, attempts=attempts)), f"{fault}: {TWO}", inner)
            how = "answered" if "answered" in seen.at else "no answer"
            cells.append(f"{how}, {took.whole:.1f} s, {took.requests} requests")
        row(title, *cells)


async def broken() -> None:
    """Count the tool runs that a second attempt takes over from the first."""
    _, seen = await once(service(), f"Break off: {TWO}")
    states = [each["status"] for each in seen.happened if each["kind"] == "tool"]
    taken_over = states.count("taken over")
    print(f"\nAn answer breaks off: {states.count('running')} runs of two tools, {taken_over} taken over.")


class Anew(Toolbox):
    """Tools whose definitions are made for each request, the first with the time of day."""

    @property
    def offered(self) -> list[Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Return new definitions."""
        found: list[Any] = [tool.describe() for tool in self]
        found[0]["function"]["description"] += f" It is {time.time():.6f}."
        return found


async def schemas() -> None:
    """Compare definitions that are made once with those made for each request."""
    began = time.perf_counter()
    for _ in range(100):
        Toolbox(*TOOLS).offered  # noqa: B018 - only its time counts
    print(f"\nTo describe {len(list(TOOLS))} tools takes {(time.perf_counter() - began) * 10:.1f} ms.")
    head("definitions", "tokens of the prompt that were cached", "first word")
    for title, tools in (("made anew, one with the time of day in it", Anew(*TOOLS)), ("made once", TOOLS)):
        took = await median(service(tools=tools), TWO, ROUNDS)
        _, seen = await once(service(tools=tools), TWO)
        cached = toolspan.usage.total({KEY: seen.id}).cache_read
        row(title, f"{cached} of {took.tokens:g}", f"{took.first:.2f} s")


async def summaries() -> None:
    """Compare a long conversation with its whole history and with summaries."""
    head("thirty questions", "tokens in, all", "of the last question", "requests")
    for title, above in (("with all their history", 10**9), ("summed up above 1500 tokens", 1500)):
        memory, conversation, last = Memory(), Conversation(title), 0
        with realistic_server(memory, pace=0.02) as base_url:
            async with AsyncOpenAI(base_url=base_url, api_key="demo", max_retries=0) as client:
                answering = Answering(client, "demo", replace(SETTINGS, summarise_above=above))
                for number in range(30):
                    last = memory.tokens
                    await answering.answer(conversation, f"Question {number}: what is the time in Paris?")
        row(title, memory.tokens, memory.tokens - last, memory.requests)


async def main() -> None:
    """Print all tables; this takes five minutes."""
    toolspan.OpenAIInstrumentor().instrument(usage_keys=[KEY])
    print(f"Times are medians of {ROUNDS} rounds, those of retries of one.")
    for part in (ways, limits, retries, broken, schemas, summaries):
        await part()


if __name__ == "__main__":
    asyncio.run(main())
