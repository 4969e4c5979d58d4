"""Memory that an open stream holds beyond the bare SDK's, by the number of chunks read so far."""

from __future__ import annotations

import gc
import tracemalloc
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from . import answers
from .lab import ASK, client, decoded, instrumented

_STREAMS = 50


def _held(chunks: list[dict[str, Any]], read: int, around: AbstractContextManager[None]) -> float:
    """Bytes per stream that are held while `_STREAMS` of them stand open."""
    speaker = client(chunks)
    with around, decoded(chunks):
        gc.collect()
        tracemalloc.start()
        streams = [speaker.chat.completions.create(stream=True, **ASK) for _ in range(_STREAMS)]
        for stream in streams:
            for _ in range(read):
                next(stream)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    return held / _STREAMS


def per_stream(chunks: list[dict[str, Any]], read: int) -> float:
    """Added bytes per open stream after `read` chunks."""
    _held(chunks, read, instrumented())  # the first use imports and creates what stays
    return _held(chunks, read, instrumented()) - _held(chunks, read, nullcontext())


def rows() -> list[tuple[str, float, float]]:
    """Added bytes after few and after many chunks, for text and for arguments."""
    text, calls = answers.text(2000), answers.calls(1, 2000, 50)
    return [
        ("text", per_stream(text, 20), per_stream(text, 1900)),
        ("arguments", per_stream(calls, 20), per_stream(calls, 1900)),
    ]
