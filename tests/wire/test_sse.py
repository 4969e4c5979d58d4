"""Server-sent events cut from raw bytes, wherever the network cut them."""

from __future__ import annotations

import json
import time
from random import Random

import pytest

from toolspan.wire.sse import SseReader

from ..table import each_row

BODIES = [{"a": 1}, {"text": "Tromsø 😀"}, [], {"b": None}]
STREAM = b"".join(b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n" for body in BODIES)


@each_row(
    ("data", "expected"),
    [
        (b'data: {"a": 1}\n\n', [{"a": 1}]),
        (b'data:{"a": 1}\n', [{"a": 1}]),
        (b'data: {"a": 1}\r\n\r\n', [{"a": 1}]),
        (b'data: {"a": 1}\r\rdata: 2\r\r', [{"a": 1}, 2]),
        (b"data: [DONE]\n\n", []),
        (b"data: {\n\n", []),
        (b"data: \xff\n\n", []),
        (b"data:\n\n", []),
        (b': ping\nevent: x\nid: 1\nretry: 3\ndata: {"a": 1}\n\n', [{"a": 1}]),
        (b'data: {"a": 1}', []),
        (b"data: " + b"[" * 100_000 + b"\n", []),
        (b"", []),
    ],
    ids=[
        "lf",
        "no-space",
        "crlf",
        "cr",
        "done",
        "cut-json",
        "no-utf-8",
        "empty",
        "other-fields",
        "cut",
        "deep",
        "nothing",
    ],
)
def test_each_data_field_that_is_json_is_a_document(data: bytes, expected: list[object]) -> None:
    """The JSON of each data field is a document; other data is dropped."""
    assert SseReader().feed(data) == expected


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
def test_documents_do_not_depend_on_the_cuts(line_end: bytes) -> None:
    """The same documents, whatever the cuts."""
    data, rng = STREAM.replace(b"\n", line_end), Random(1)
    for _ in range(50):
        reader, found, rest = SseReader(), [], data
        while rest:
            size = rng.randrange(1, 12)
            found += reader.feed(rest[:size])
            rest = rest[size:]
        assert found == BODIES


def test_bad_event_does_not_affect_the_next() -> None:
    """A bad event does not spoil the next."""
    assert SseReader().feed(b"data: {]\n\n" + STREAM) == BODIES


def test_line_without_an_end_is_kept_to_a_bound() -> None:
    """A line that never ends is not kept without bound."""
    reader = SseReader()
    for _ in range(3):
        reader.feed(b"data: " + b"x" * 6 * 2**20)
    assert sum(map(len, reader._parts)) <= 16 * 2**20
    assert reader.feed(b"\n" + STREAM) == BODIES


def test_late_piece_of_a_long_line_takes_no_longer() -> None:
    """A piece of a long line takes the same time, however much of the line came before."""

    def seconds_each(count: int) -> float:
        reader, began = SseReader(), time.process_time()
        for _ in range(count):
            reader.feed(b"x" * 4096)
        return (time.process_time() - began) / count

    few = min(seconds_each(40) for _ in range(5))
    assert min(seconds_each(400) for _ in range(3)) / few < 4
