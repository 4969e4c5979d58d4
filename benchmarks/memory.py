"""Measure the memory that an open stream holds in addition to the bare SDK's."""

from __future__ import annotations

import gc
import tracemalloc
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from . import answers
from .lab import ASK, client, decoded, instrumented

READ = (20, 1200, 1900)
"""Chunks read so far; between the last two, arguments outgrow the 64 KiB that are kept for the check."""
_STREAMS = 50


def _held(
    chunks: list[dict[str, Any]], read: int, around: AbstractContextManager[None], ask: dict[str, Any]
) -> float:
    """Return the bytes per stream that `_STREAMS` open streams hold."""
    caller = client(chunks)
    with around, decoded(chunks):
        gc.collect()
        tracemalloc.start()
        streams = [caller.chat.completions.create(stream=True, **ask) for _ in range(_STREAMS)]
        for stream in streams:
            for _ in range(read):
                next(stream)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    return held / _STREAMS


def per_stream(chunks: list[dict[str, Any]], read: int, **more: Any) -> float:
    """Return the added bytes per open stream after `read` chunks; `more` are further request arguments."""
    ask = {**ASK, **more}
    _held(chunks, read, instrumented(), ask)  # the first use imports and creates what stays
    return _held(chunks, read, instrumented(), ask) - _held(chunks, read, nullcontext(), ask)


def rows() -> list[tuple[str, list[float]]]:
    """Return the added bytes after each number of chunks in `READ`, for text and for arguments."""
    text, calls = answers.text(2000), answers.calls(1, 2000, 50)
    return [
        ("text", [per_stream(text, read) for read in READ]),
        ("arguments", [per_stream(calls, read) for read in READ]),
        ("arguments, checked", [per_stream(calls, read, tools=[answers.TOOL]) for read in READ]),
    ]
