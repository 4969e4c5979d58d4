"""What `toolspan.events` costs beside a loop over the stream alone, on chunks decoded beforehand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

import toolspan

from . import answers
from .clock import Way, best
from .lab import ASK, client, decoded, instrumented


class Row(NamedTuple):
    """One line of the table, in microseconds per chunk; `added` is beside the bare stream."""

    name: str
    sdk: float
    added: float
    instrumented: float
    """The same where the stream is instrumented: beside the instrumented one."""


def _read(run: Callable[[], Any]) -> Callable[[], object]:
    def read() -> None:
        for _ in run():
            pass

    return read


def _told(run: Callable[[], Any], **options: Any) -> Callable[[], object]:
    def told() -> None:
        for _ in toolspan.events(run(), **options):
            pass

    return told


def row(name: str, chunks: list[dict[str, Any]], rounds: tuple[int, int] = (8, 2), tools: Any = None) -> Row:
    """Four ways of reading one stream, in turn; `tools` are offered, and its calls checked against them."""
    ask = ASK if tools is None else {**ASK, "tools": tools}
    run = partial(client(chunks).chat.completions.create, stream=True, **ask)
    sdk = best([Way("sdk", nullcontext, _read(run))], 3)["sdk"]
    with decoded(chunks):
        found = best(
            [
                Way("bare", nullcontext, _read(run)),
                Way("events", nullcontext, _told(run, tools=tools)),
                Way("watched", instrumented, _read(run)),
                Way("both", instrumented, _told(run, tools=tools)),
            ],
            *rounds,
        )
    scale = 1e6 / len(chunks)
    added, both = found["events"] - found["bare"], found["both"] - found["watched"]
    return Row(name, sdk * scale, added * scale, both * scale)


def rows() -> list[Row]:
    """Text, the arguments of one call, and of eight that are held against their tool."""
    return [
        row("text, 1 000 chunks", answers.text(1000)),
        row("one call, 1 000 fragments", answers.calls(1, 1000, 8)),
        row("8 calls, 1 000 fragments, checked", answers.calls(8, 1000, 8), tools=[answers.TOOL]),
    ]
