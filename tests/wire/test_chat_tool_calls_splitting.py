"""However a server cuts and mixes its calls, the record is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from ..table import each_row
from . import randoms
from .reading import FULL, canonical, events_of, facts, read, record_of, sdk, seen
from .shapes import Call, Chunk, choice, chunk, ends, entry, says, tools

_ROUNDS = 20_000 if FULL else 100  # for each of six ways
_NAMES = ["weather", "now", "search", "weather_now"]
Piece = tuple[int, dict[str, Any]]


def indexed(number: int, call: Call, piece: str, first: bool) -> dict[str, Any]:
    """OpenAI: id and name come first, then only the index."""
    return entry(number, call.id, call.name, piece) if first else entry(number, arguments=piece)


def by_id(_: int, call: Call, piece: str, first: bool) -> dict[str, Any]:
    """No index; the id in every delta."""
    return entry(None, call.id, call.name if first else None, piece)


def by_id_once(_: int, call: Call, piece: str, first: bool) -> dict[str, Any]:
    """No index; the id in the first delta only."""
    return entry(None, call.id, call.name, piece) if first else entry(arguments=piece)


def all_at_zero(_: int, call: Call, piece: str, first: bool) -> dict[str, Any]:
    """Index 0 for every call; they differ by their ids."""
    return entry(0, call.id, call.name, piece) if first else entry(0, arguments=piece)


def fireworks(_: int, call: Call, piece: str, __: bool) -> dict[str, Any]:
    """Index 0 for every call; id and name in every delta."""
    return entry(0, call.id, call.name, piece)


WAYS: dict[str, tuple[Callable[..., dict[str, Any]], bool]] = {
    "indexed": (indexed, False),
    "interleaved": (indexed, True),
    "ids-without-index": (by_id, True),
    "ids-without-index-once": (by_id_once, False),
    "all-at-zero": (all_at_zero, False),
    "all-at-zero-repeated": (fireworks, False),
}


def calls_of(rng: Random) -> list[Call]:
    """One to four calls with random arguments."""
    count = rng.randrange(1, 5)
    texts = [randoms.written(rng, randoms.document(rng)) for _ in range(count)]
    return [Call(f"call_{number}", rng.choice(_NAMES), text) for number, text in enumerate(texts)]


def shuffled(rng: Random, queues: list[list[Piece]]) -> Iterator[Piece]:
    """The pieces of all calls, mixed, each call's own in order."""
    turns = [number for number, queue in enumerate(queues) for _ in queue]
    rng.shuffle(turns)
    places = [iter(queue) for queue in queues]
    return (next(places[number]) for number in turns)


def stream(rng: Random, calls: list[Call], way: str) -> Iterator[Chunk]:
    """The calls as chunks of one to three deltas each."""
    shape, mixed = WAYS[way]
    queues = [
        [
            (number, shape(number, call, piece, not place))
            for place, piece in enumerate(randoms.cut(rng, call.arguments))
        ]
        for number, call in enumerate(calls)
    ]
    pieces = list(shuffled(rng, queues)) if mixed else [piece for queue in queues for piece in queue]
    while pieces:
        size = rng.choice((1, 1, 1, 2, 3))
        yield tools(*(piece for _, piece in pieces[:size]))
        del pieces[:size]
    yield ends()


@each_row("way", WAYS)
def test_chat_calls_do_not_depend_on_the_cuts(way: str) -> None:
    """Ids, names, arguments and verdicts do not depend on the cuts."""
    rng = Random(way)
    for _ in range(_ROUNDS):
        calls = calls_of(rng)
        chunks = list(stream(rng, calls, way))
        assert canonical(sorted(seen(read(chunks)).calls), how=False) == canonical(calls, how=False), chunks


@each_row("way", WAYS)
def test_chat_calls_from_sdk_chunks_do_not_depend_on_the_cuts(way: str) -> None:
    """SDK objects late in a stream give the same calls, with texts and without."""
    rng = Random(way)
    for _ in range(_ROUNDS // 30):
        calls = calls_of(rng)
        chunks = [*[chunk()] * 4, *stream(rng, calls, way)]
        built = [sdk(body) for body in chunks]
        assert canonical(sorted(seen(read(built)).calls), how=False) == canonical(calls, how=False), chunks
        assert facts(read(built, keep=False)) == facts(read(chunks)), chunks


def test_damaged_arguments_and_their_verdict_do_not_depend_on_the_cuts() -> None:
    """Arguments that are not JSON are kept letter by letter, and so is the verdict on them.

    Only a piece that can be nothing but the arguments once more, such as `{}` after `{`, counts as such.
    """
    rng = Random(3)
    for _ in range(_ROUNDS):
        text = randoms.damaged(rng, randoms.written(rng, randoms.document(rng))) or "{"
        whole = seen(read([tools(entry(0, "a", "f", text)), ends()]))
        call = Call("a", "f", text)
        cut = seen(read([*stream(rng, [call], "all-at-zero-repeated")]))
        (found,) = cut.calls
        assert found.arguments.strip() in text
        assert found.arguments != text or found.valid is whole.calls[0].valid


def test_texts_of_two_choices_do_not_depend_on_the_cuts() -> None:
    """Texts of two choices that are cut and interleaved are kept whole."""
    rng = Random(5)
    for _ in range(_ROUNDS // 5):
        texts = [randoms.written(rng, randoms.document(rng)) for _ in range(2)]
        queues = [
            [(index, says(piece, index)) for piece in randoms.cut(rng, text)]
            for index, text in enumerate(texts)
        ]
        chunks = [piece for _, piece in shuffled(rng, queues)]
        assert seen(read(chunks, 2)).texts == dict(enumerate(texts))


def test_choices_read_the_same_in_one_chunk_or_in_several() -> None:
    """Choices give the same events in one chunk and in several."""
    first = choice({"tool_calls": [entry(0, "a", "f", "{}")]}, "tool_calls")
    second = choice({"content": "Hi"}, "stop", 1)
    assert events_of([chunk(first, second)], 2)[1:] == events_of([chunk(first), chunk(second)], 2)[1:]


def test_record_depends_on_events_alone() -> None:
    """The record depends on the events, not on the chunks and times in which they came."""
    rng = Random(7)
    for way in WAYS:
        events = events_of(stream(rng, calls_of(rng), way))
        again = record_of([])
        for event in events:
            again.apply(event, 0)
        assert seen(again) == seen(record_of(events))
