"""A fragment costs the same, however many came before it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from toolspan.wire.arguments import Arguments
from toolspan.wire.chat import ChatReader

from .reading import FULL, plain, read, sdk
from .shapes import Chunk, entry, says, tools

_MANY = 20_000 if FULL else 2_000


def text(count: int) -> list[Chunk]:
    """A long text."""
    return [says("word ")] * count


def long_string(count: int) -> list[Chunk]:
    """One call, one long string in it."""
    return [tools(entry(0, "a", "f", '{"text": "')), *[tools(entry(0, arguments="word "))] * count]


def many_values(count: int) -> list[Chunk]:
    """One call, many small values in it."""
    return [
        tools(entry(0, "a", "f", '{"list": [1')),
        *[tools(entry(0, arguments=', {"a": "\\u00e9"}'))] * count,
    ]


def after_the_end(count: int) -> list[Chunk]:
    """One call, complete, then white space without end."""
    return [tools(entry(0, "a", "f", '{"list": 1}')), *[tools(entry(0, "a", "f", "\n"))] * count]


def many_calls(count: int) -> list[Chunk]:
    """Calls without end, all at index 0."""
    return [tools(entry(0, f"call_{number % 1500}", "f", "{}")) for number in range(count)]


def seconds_each(chunks: list[Any]) -> float:
    """The processor time for one chunk, the best of three."""
    found = []
    for _ in range(3):
        began = time.process_time()
        read(chunks)
        found.append(time.process_time() - began)
    return min(found) / len(chunks)


@pytest.mark.parametrize("build", [plain, sdk], ids=["dict", "sdk"])
@pytest.mark.parametrize("shape", [text, long_string, many_values, after_the_end, many_calls])
def test_late_fragment_takes_no_longer_than_an_early_one(
    shape: Callable[[int], list[Chunk]], build: Callable[[Any], Any]
) -> None:
    """A fragment among 20 000 takes no longer than one among 2 000."""
    built: dict[int, Any] = {}
    bodies = shape(_MANY)
    many = [built.get(id(body)) or built.setdefault(id(body), build(body)) for body in bodies]
    few = many[: _MANY // 10]
    assert seconds_each(many) / seconds_each(few) < 3


def test_number_of_choices_kept_is_bounded() -> None:
    """At most 128 choices are kept, however many indices a server sends."""
    reader = ChatReader(5)
    for number in range(5_000):
        reader.read({"choices": [{"index": number, "delta": {"tool_calls": [entry(0, "a", "f", "{")]}}]})
    assert len(reader.close()) <= 128


@pytest.mark.parametrize("free_text", [False, True], ids=["json", "text"])
def test_memory_for_arguments_does_not_grow_with_them(free_text: bool) -> None:
    """What is kept of arguments does not grow with them."""
    assert _size(64, free_text) == _size(6400, free_text)


def _size(count: int, free_text: bool) -> int:
    arguments = Arguments(free_text=free_text)
    for piece in ('{"text": "', *["word"] * count):
        arguments.feed(piece)
    holders = [arguments, getattr(arguments, "_scanner", None)]
    parts = [getattr(holder, name) for holder in holders if holder for name in type(holder).__slots__]
    return sum(len(part) for part in parts if isinstance(part, (str, bytes, list)))
