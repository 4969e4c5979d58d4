"""Server-sent events cut from raw bytes, wherever the network cut them."""

from __future__ import annotations

import json
import time
from random import Random

import pytest

from toolspan.wire import sse
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
        (b'data: {\ndata: "a":\ndata:  1}\n\n', [{"a": 1}]),
        (b'data: {\r\ndata: "a": 1\r\ndata: }\r\n\r\n', [{"a": 1}]),
        (b'data: {\n: ping\nid: 1\ndata: "a": 1}\n\n', [{"a": 1}]),
        (b'data\ndata: {\ndata\ndata:\ndata: "a": 1}\n\n', [{"a": 1}]),
        (b'data: {"a": 1}\ndata: {"a": 2}\n', [{"a": 1}, {"a": 2}]),
        (b'data: {\ndata: "a": 1}\ndata: {\ndata: "a": 2}\n', [{"a": 1}, {"a": 2}]),
        (b'data: {"a":\ndata: "x}\\"]"}\ndata: [1,\ndata: 2]\n', [{"a": 'x}"]'}, [1, 2]]),
        (b'data: [DONE]\ndata: {"a": 1}\n', [{"a": 1}]),
        (b'data: {"a": [{"b\ndata: {"a": 1}\ndata: 7\n\ndata: 2\n\n', [{"a": 1}, 2]),
        (b'data: {"a": 1\n\ndata: {"a": 2}\n\n', [{"a": 2}]),
        (b'\xef\xbb\xbfdata: {"a": 1}\n\n', [{"a": 1}]),
        (b'\n\n\r\ndata: {"a": 1}\n\n', [{"a": 1}]),
        (b'data: {"a": "\xff"}\n\n', [{"a": "\ufffd"}]),
        (b'data: {"a": "\xe2\x80\xa8"}\n\n', [{"a": "\u2028"}]),
        (b'database: {"a": 1}\n data: 2\n\n', []),
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
        "several-lines",
        "several-lines-crlf",
        "other-fields-between",
        "data-without-colon",
        "no-blank-line",
        "several-lines-no-blank-line",
        "brackets-in-text",
        "after-done",
        "after-a-cut-event",
        "cut-event-alone",
        "byte-order-mark",
        "blank-lines-first",
        "byte-of-no-character",
        "line-separator-of-unicode",
        "similar-names",
    ],
)
def test_each_data_field_that_is_json_is_a_document(data: bytes, expected: list[object]) -> None:
    """The JSON of each data field is a document; other data is dropped."""
    assert SseReader().feed(data) == expected


INDENTED = b"\xef\xbb\xbf: ping\n\n" + b"".join(
    b"".join(b"data: " + line + b"\n" for line in json.dumps(body, indent=1).encode().split(b"\n")) + b"\n"
    for body in BODIES
)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("stream", [STREAM, INDENTED], ids=["one-line", "several-lines"])
def test_documents_do_not_depend_on_the_cuts(stream: bytes, line_end: bytes) -> None:
    """The same documents, whatever the cuts and the line ends."""
    data, rng = stream.replace(b"\n", line_end), Random(1)
    for longest in (1, *[12] * 50):
        reader, found, rest = SseReader(), [], data
        while rest:
            size = rng.randint(1, longest)
            found += reader.feed(rest[:size])
            rest = rest[size:]
        assert found == BODIES
        assert reader.feed(b"") == []


def test_bad_event_does_not_affect_the_next() -> None:
    """A bad event does not spoil the next."""
    assert SseReader().feed(b"data: {]\n\n" + STREAM) == BODIES


@each_row(
    "piece",
    [b"data: " + b"x" * 10_000, b"data: [" + b"1," * 5000 + b"\n", b'data: {"' + b'\\"' * 5000 + b"\n"],
    ids=["line", "event", "text"],
)
def test_event_without_an_end_is_kept_to_a_bound(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line, an event and a text that never end are not kept without bound; the next event is read."""
    monkeypatch.setattr(sse, "_LONGEST", 50_000)
    reader = SseReader()
    for _ in range(10):
        assert reader.feed(piece) == []
    assert sum(map(len, (*reader._parts, *reader._data))) <= 50_000
    assert reader.feed(b"\n\n" + STREAM) == BODIES


def test_late_piece_of_a_long_event_takes_no_longer() -> None:
    """A piece of a long line and a line of a long event take the same time, however much came before."""

    def seconds_each(count: int, piece: bytes) -> float:
        reader, began = SseReader(), time.process_time()
        reader.feed(b"data: [\n")
        for _ in range(count):
            reader.feed(piece)
        return (time.process_time() - began) / count

    for piece in (b"x" * 4096, b"data: [1], " + b"[" * 500 + b"]" * 500 + b",\n"):
        few = min(seconds_each(100, piece) for _ in range(5))
        assert min(seconds_each(1000, piece) for _ in range(3)) / few < 4
