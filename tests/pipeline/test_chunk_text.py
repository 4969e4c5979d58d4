"""Chunks cut from text and bytes."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolspan.pipeline.chunk import parse_chunk
from toolspan.pipeline.chunk_text import Chunks

from ..table import each_row
from . import shapes

MEANT = [parse_chunk(body) for body in shapes.answer()]


def read(items: list[Any]) -> list[Any]:
    """What all items say, in order."""
    cut = Chunks()
    return [meaning for item in items for meaning in cut.read(item)]


@pytest.mark.parametrize("line", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("as_bytes", [True, False], ids=["bytes", "text"])
@given(cuts=st.lists(st.integers(0, 3000), max_size=12))
def test_server_sent_events_parse_the_same_wherever_cut(cuts: list[int], as_bytes: bool, line: str) -> None:
    """Server-sent events parse alike wherever they are cut; comments and `[DONE]` are no chunks."""
    events = [f"data: {json.dumps(body)}{line}{line}" for body in shapes.answer()]
    whole = "".join([f": ping{line}{line}", *events, f"data: [DONE]{line}{line}"])
    at = [0, *sorted({min(cut, len(whole)) for cut in cuts}), len(whole)]
    parts = [whole[begun:ended] for begun, ended in pairwise(at) if begun < ended]
    assert read([part.encode() if as_bytes else part for part in parts]) == MEANT


def test_whole_events_are_read_without_a_buffer() -> None:
    """Whole events are read without a reader that keeps anything."""
    cut = Chunks()
    for body in shapes.answer():
        assert cut.read(f"data: {json.dumps(body)}\n\n") == (parse_chunk(body),)
        assert cut.alone
    assert cut.read("data: [DONE]\n\n") == ()
    assert list(cut.read("data: {")) == []
    assert not cut.alone


def test_each_line_of_json_is_a_chunk() -> None:
    """Several objects in lines are several chunks."""
    assert read(["\n".join(json.dumps(body) for body in shapes.answer()) + "\n"]) == MEANT


def test_plain_text_is_a_chunk_with_that_content() -> None:
    """Text that is not JSON is a piece of text, equal to a chunk with that content."""
    cut = Chunks()
    assert cut.read("hello") == (parse_chunk(shapes.text("hello")),)
    assert cut.plain
    assert read([b"hello", "{not json", "", bytearray(b"x"), memoryview(b"y")]) == [
        parse_chunk(shapes.text(piece)) for piece in ("hello", "{not json", "", "x", "y")
    ]


@each_row(
    "odd",
    [
        " " + json.dumps(shapes.text("a")),
        '{"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": null}]',
        '{"choices": 7}',
        '{"choices":',
        '{"choices": [{"index": 0, "delta": {"content": "a}, "finish_reason": null}]}',
        '{"a": "\\"choices\\": ["}',
        json.dumps({"one": shapes.text("a"), "other": shapes.text("b")}),
        json.dumps({"one": shapes.finish(), "other": shapes.text("b")}),
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"type": "x", "data": "{\\"choices\\": no json"}',
    ],
)
def test_text_that_only_resembles_a_chunk_raises_nothing(odd: str) -> None:
    """A text that only resembles a chunk is read as text, and raises nothing."""
    found = read([odd])
    assert len(found) == 1
    try:
        whole = json.loads(odd)
    except (ValueError, RecursionError):
        return
    if "choices" in whole or "one" in whole:
        assert found == [parse_chunk(whole)]
