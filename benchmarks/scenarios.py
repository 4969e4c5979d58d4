"""The scenarios: what runs, how often, and the unit of its time."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

from . import answers
from .clock import Way, best
from .lab import ASK, async_client, client, decoded, floor, instrumented

UNTIMED = partial(instrumented, chunk_timing=False)


class Row(NamedTuple):
    """One line of the table, in microseconds per `unit`."""

    name: str
    unit: str
    bare: float
    floor: float
    untimed: float
    timed: float
    sdk: float
    """The SDK's own time per unit, decoding included."""


def _drain(run: Callable[[], Any]) -> Callable[[], object]:
    def drained() -> object:
        for _ in run():
            pass
        return None

    return drained


def _row(
    name: str, unit: str, run: Callable[[], Any], finish: Any, by: float, rounds: tuple[int, int], sdk: float
) -> Row:
    """Time one run in four ways."""
    found = best(
        [
            Way("bare", nullcontext, finish(run)),
            Way("floor", nullcontext, finish(floor()(run))),
            Way("untimed", UNTIMED, finish(run)),
            Way("timed", instrumented, finish(run)),
        ],
        *rounds,
    )
    scaled = {way: seconds * 1e6 / by for way, seconds in found.items()}
    return Row(name, unit, **scaled, sdk=sdk or scaled["bare"])


def stream(
    name: str, unit: str, chunks: list[dict[str, Any]], rounds: tuple[int, int] = (8, 2), **more: Any
) -> Row:
    """Measure a stream: the added time per chunk on chunks decoded beforehand, and the SDK's own time.

    `more` are further request arguments.
    """
    caller = client(chunks)
    run = partial(caller.chat.completions.create, stream=True, **ASK, **more)
    sdk = best([Way("sdk", nullcontext, _drain(run))], 3)["sdk"] * 1e6 / len(chunks)
    with decoded(chunks):
        return _row(name, unit, run, _drain, len(chunks), rounds, sdk)


def whole(rounds: tuple[int, int] = (12, 60)) -> Row:
    """Measure a request without streaming."""
    run = partial(client(answers.text(1)).chat.completions.create, **ASK)
    return _row("unstreamed call", "request", run, lambda each: each, 1, rounds, 0)


def first_chunk(rounds: tuple[int, int] = (12, 60)) -> Row:
    """Measure the time from the request to the first chunk."""
    chunks = answers.text(2)
    run = partial(client(chunks).chat.completions.create, stream=True, **ASK)

    def first(each: Callable[[], Any]) -> Callable[[], object]:
        def read() -> object:
            stream = each()
            next(stream)
            return stream

        return read

    return _row("until the first chunk", "request", run, first, 1, rounds, 0)


def concurrent(streams: int = 200, size: int = 50, rounds: tuple[int, int] = (4, 2)) -> Row:
    """Measure many async streams at the same time, with the SDK's decoding."""
    chunks = answers.text(size)
    loop = asyncio.new_event_loop()
    caller = async_client(chunks)

    async def read() -> None:
        async for _ in await caller.chat.completions.create(stream=True, **ASK):
            pass

    async def together() -> None:
        await asyncio.gather(*(read() for _ in range(streams)))

    def run() -> object:
        return loop.run_until_complete(together())

    try:
        name = f"{streams} concurrent streams, {len(chunks)} chunks each"
        return _row(name, "chunk", run, lambda each: each, streams * len(chunks), rounds, 0)
    finally:
        gc.collect()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(caller.close())
        loop.close()


def all_rows() -> list[Row]:
    """Return every line of the table, in order."""
    return [
        stream("text, 200 chunks", "chunk", answers.text(200), (12, 8)),
        stream("text, 2 000 chunks", "chunk", answers.text(2000)),
        stream("text, 20 000 chunks", "chunk", answers.text(20000), (4, 1)),
        stream("4 parallel calls, 2 000 fragments", "fragment", answers.calls(4, 2000, 8)),
        stream("the same, checked", "fragment", answers.calls(4, 2000, 8), tools=[answers.TOOL]),
        stream("1 MiB of arguments, 20 000 fragments", "fragment", answers.calls(1, 20000, 52), (4, 1)),
        whole(),
        first_chunk(),
        concurrent(),
    ]
