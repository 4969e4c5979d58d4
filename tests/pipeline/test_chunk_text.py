"""Chunks cut from text and bytes."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolspan.pipeline.chunk import parse_chunk
from toolspan.pipeline.chunk_text import PLAIN, Chunks

from ..table import each_row
from . import shapes

MEANT = [parse_chunk(body) for body in shapes.answer()]


def read(items: list[Any]) -> list[Any]:
    """Return the chunks of all items, in order."""
    cut = Chunks()
    found = [meaning for item in items for meaning in cut.read(item)]
    return [*found, *cut.close()]


def one_line(body: Any) -> str:
    """Return the event of a chunk."""
    return f"data: {json.dumps(body)}\n\n"


def many_lines(body: Any) -> str:
    """Return an event of many `data` lines."""
    return "".join(f"data: {line}\n" for line in json.dumps(body, indent=1).splitlines()) + "\n"


def unseparated(body: Any) -> str:
    """Return an event that no blank line ends."""
    return f"data:{json.dumps(body)}\n"


@pytest.mark.parametrize("line", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("as_bytes", [True, False], ids=["bytes", "text"])
@pytest.mark.parametrize("event", [one_line, many_lines, unseparated])
@given(
    cuts=st.lists(st.integers(0, 3000), max_size=12), start=st.sampled_from(["", "\ufeff", "\n", "\ufeff\n"])
)
def test_server_sent_events_parse_the_same_wherever_cut(
    cuts: list[int], start: str, event: Any, as_bytes: bool, line: str
) -> None:
    """Server-sent events parse alike wherever they are cut; comments and `[DONE]` are no chunks."""
    events = "".join(map(event, shapes.answer()))
    whole = f"{start}: ping\n\n{events}data: [DONE]\n\n".replace("\n", line)
    at = [0, *sorted({min(cut, len(whole)) for cut in cuts}), len(whole)]
    parts = [whole[begun:ended] for begun, ended in pairwise(at) if begun < ended]
    assert read([part.encode() if as_bytes else part for part in parts]) == MEANT


@each_row("size", range(1, 12))
@pytest.mark.parametrize("event", [one_line, many_lines, unseparated])
def test_server_sent_events_parse_the_same_in_pieces_of_any_size(event: Any, size: int) -> None:
    """A first piece may be shorter than the name of a field, or than a byte order mark."""
    for start in ("", "\ufeff", "\r\n"):
        data = (start + "".join(map(event, [shapes.text("Tromsø "), *shapes.answer()]))).encode()
        parts = [data[at : at + size] for at in range(0, len(data), size)]
        assert read(parts) == [parse_chunk(shapes.text("Tromsø ")), *MEANT]


@each_row("head", ["", "event: x", ": ping"])
def test_lines_without_their_ends_are_server_sent_events(head: str) -> None:
    """The lines that `iter_lines` of a response yields are events."""
    items = [item for body in shapes.answer() for item in (head, f"data: {json.dumps(body)}", "")]
    assert read([*items, "data: [DONE]", ""]) == MEANT
    assert read([item.encode() for item in items]) == MEANT


@each_row(
    "items",
    [
        ["\n", "\n", "a"],
        ["d", "ata", " is"],
        ["i", "d"],
        ["Note", ":", " x", "data:", "\n\n"],
        [" " * 100, ":", "a"],
    ],
)
def test_plain_text_that_begins_like_an_event_stays_text(items: list[str]) -> None:
    """Text that begins with blanks or like a field, or goes on with a colon, is text, in the same pieces."""
    for pieces in (items, [item.encode() for item in items]):
        assert read(pieces) == [parse_chunk(shapes.text(item)) for item in items]


@given(
    bodies=st.lists(
        st.one_of(
            st.builds(shapes.text, st.sampled_from(["a", "b", '"', "é", ""])),
            st.builds(shapes.fragment, st.sampled_from(["a", '{"']), st.integers(0, 2)),
            st.builds(
                lambda piece: shapes.chunk({"reasoning": piece, "content": "a"}), st.sampled_from("ab")
            ),
            st.builds(lambda piece: shapes.chunk({"refusal": piece, "content": None}), st.sampled_from("ab")),
            st.builds(lambda piece: shapes.chunk({"content": piece}, "a"), st.sampled_from(["a", ""])),
            st.just(shapes.opening(0, piece="a")),
        ),
        max_size=12,
    ),
    tight=st.booleans(),
    extra=st.booleans(),
)
def test_chunks_in_a_row_parse_like_each_alone(bodies: list[Any], tight: bool, extra: bool) -> None:
    """What a reader keeps of one chunk changes nothing of the next, in any order of chunks."""
    make = shapes.tight if tight else json.dumps
    texts = [make({**body, "obfuscation": "x" * at} if extra else body) for at, body in enumerate(bodies)]
    assert read(texts) == [parse_chunk(body) for body in bodies]
    assert read([f"data: {text}\n\n" for text in texts]) == [parse_chunk(body) for body in bodies]


@given(
    events=st.lists(
        st.builds(
            lambda name, piece, index, more: {
                "type": f"response.{name}.delta", "item_id": "a", "output_index": index, "delta": piece,
                **more,
            },
            st.sampled_from(["output_text", "refusal", "function_call_arguments", "new"]),
            st.sampled_from(["a", "b", '"', ""]),
            st.integers(0, 2),
            st.sampled_from([{}, {"obfuscation": "x"}, {"obfuscation": "yy", "logprobs": []}]),
        ),
        max_size=12,
    ),
    form=st.sampled_from(["{}", "data: {}\n\n", "event: x\ndata: {}\n\n", '{{"type": "CHUNK", "data": {}}}']),
)  # fmt: skip
def test_response_events_in_a_row_parse_like_each_alone(events: list[Any], form: str) -> None:
    """What a reader keeps of one event changes nothing of the next, in any order of events."""
    numbered = [{"type": event["type"], "sequence_number": at, **event} for at, event in enumerate(events)]
    found = read([form.format(json.dumps(event)) for event in numbered])
    assert [each for each in found if each] == [found for event in events if (found := parse_chunk(event))]


@each_row("more", ['"delta": "b"', '"delta": 7'])
def test_repeated_key_wins_as_in_json(more: str) -> None:
    """Of a repeated key the last value counts, also where the text before it is known."""
    event = '{"type": "response.output_text.delta", "output_index": 0, "delta": "a"}'
    cut = Chunks()
    assert list(cut.read(event)) == [parse_chunk(json.loads(event))]
    repeated = f"{event[:-1]}, {more}}}"
    assert list(cut.read(repeated)) == [parse_chunk(json.loads(repeated))]


def test_whole_events_are_read_without_a_buffer() -> None:
    """Whole events are read without a reader that keeps anything."""
    cut = Chunks()
    for body in shapes.answer():
        assert list(cut.read(f"data: {json.dumps(body)}\n\n")) == [parse_chunk(body)]
        assert cut.clean
    assert list(cut.read("data: [DONE]\n\n")) == []
    assert cut.clean
    assert list(cut.read("data: {")) == []
    assert not cut.clean


def test_each_line_of_json_is_a_chunk() -> None:
    """Several objects in lines are several chunks."""
    assert read(["\n".join(json.dumps(body) for body in shapes.answer()) + "\n"]) == MEANT


def test_plain_text_is_a_chunk_with_that_content() -> None:
    """Text that is not JSON is a piece of text, equal to a chunk with that content."""
    cut = Chunks()
    assert list(cut.read("hello")) == [parse_chunk(shapes.text("hello"))]
    assert cut.mode is PLAIN
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
