"""Measure the time saved by running a tool while the answer still streams.

`python -m tests.e2e.early` prints the table of `docs/events.md`. aimock streams two calls at a model's pace:
the tool of the first takes half a second, the arguments of the second are long.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from openai import AsyncOpenAI

import toolspan

from . import aimock
from .parts import CACHE, alone, obtain
from .processes import HOST, FatalError

TOOL_SECONDS = 0.5
LEAST_SAVED = 0.4
ROUNDS = 2
PLAN = " ".join(f"Day {day}: museum, lunch by the river, a walk, an early night." for day in range(1, 11))
CALLS: list[tuple[str, dict[str, str]]] = [("find_hotels", {"city": "Paris"}), ("write_plan", {"text": PLAN})]
ANSWER = aimock.paced(
    {"userMessage": "Plan"},
    {"blocks": [{"type": "toolCall", "name": name, "arguments": given} for name, given in CALLS]},
)


class Took(NamedTuple):
    """Seconds since the request: the slow tool began, the stream ended, all results were there."""

    began: float
    ended: float
    over: float


class Clock:
    """Runs the tools, and knows when."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self.began = 0.0

    @property
    def now(self) -> float:
        """Seconds since it was made."""
        return time.perf_counter() - self._start

    async def run(self, name: str, arguments: str) -> str:
        """One tool; only the first one is slow."""
        if name == CALLS[0][0]:
            self.began = self.now
            await asyncio.sleep(TOOL_SECONDS)
        return f"{name}: {len(arguments)}"


async def afterwards(stream: Any) -> Took:
    """Read to the end, then run all tools at once."""
    clock = Clock()
    events = [event async for event in toolspan.events(await stream)]
    ended = clock.now
    calls = [event for event in events if isinstance(event, toolspan.ToolCallCompleted)]
    await asyncio.gather(*(clock.run(str(call.name), call.arguments) for call in calls))
    return Took(clock.began, ended, clock.now)


async def meanwhile(stream: Any) -> Took:
    """Start each tool as soon as its call is complete."""
    clock = Clock()
    tasks = [
        asyncio.create_task(clock.run(str(event.name), event.arguments))
        async for event in toolspan.events(await stream)
        if isinstance(event, toolspan.ToolCallCompleted)
    ]
    ended = clock.now
    await asyncio.gather(*tasks)
    return Took(clock.began, ended, clock.now)


def _asked(client: AsyncOpenAI, api: str) -> Awaitable[Any]:
    if api == "Responses":
        return client.responses.create(model="scripted", input="Plan two days.", stream=True)
    ask: Any = [{"role": "user", "content": "Plan two days."}]
    return client.chat.completions.create(model="scripted", messages=ask, stream=True)


async def measure(port: int, api: str) -> tuple[Took, Took]:
    """Both ways in turn, the shortest time of each."""
    async with AsyncOpenAI(api_key="none", base_url=f"http://{HOST}:{port}/v1", max_retries=0) as client:
        ways: list[Callable[[Any], Awaitable[Took]]] = [afterwards, meanwhile]
        took = [[await way(_asked(client, api)) for way in ways] for _ in range(ROUNDS)]
    first, second = (min(each, key=lambda one: one.over) for each in zip(*took, strict=True))
    return first, second


def problems(api: str, late: Took, early: Took) -> Iterator[str]:
    """What does not hold of a measurement."""
    if not early.began < early.ended - TOOL_SECONDS:
        yield f"{api}: the tool began after {early.began:.3f} s, the stream ended after {early.ended:.3f} s"
    if late.over - early.over < LEAST_SAVED:
        yield f"{api}: saved {late.over - early.over:.3f} s, expected at least {LEAST_SAVED} s"


def table(folder: Path) -> tuple[list[str], list[str]]:
    """Measure over both APIs; gives the table's lines, and what does not hold."""
    folder.mkdir(parents=True, exist_ok=True)
    lines, wrong = [], list[str]()
    with aimock.serve(folder, [ANSWER]) as port:
        for api in ("Chat Completions", "Responses"):
            late, early = asyncio.run(asyncio.wait_for(measure(port, api), 120))
            wrong += problems(api, late, early)
            cells = (early.began, early.ended, late.over, early.over, late.over - early.over)
            lines.append(f"| {api} | {' | '.join(f'{seconds:.2f}' for seconds in cells)} |")
    return lines, wrong


def check() -> int:
    """Measure, print, and give the number of things that failed."""
    try:
        lines, wrong = table(CACHE / "last-run" / "early")
    except (FatalError, asyncio.TimeoutError) as error:
        lines, wrong = [], [repr(error)]
    print("| API | tool began, s | stream ended, s | run afterwards, s | run meanwhile, s | saved, s |")
    print("| --- | --: | --: | --: | --: | --: |", *lines, sep="\n")
    title = "running a tool while the answer streams saves its time"
    print(f"{'FAIL' if wrong else 'ok  '}  aimock: {title}", *wrong, sep="\n      ", flush=True)
    return bool(wrong)


if __name__ == "__main__":
    with alone():
        obtain(aimock.PART)
        sys.exit(check())
