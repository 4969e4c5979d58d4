"""Legacy Completions: texts of several choices and prompts, streamed and whole, read in two ways."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from openai._models import construct_type
from openai.types import Completion

from toolspan.wire.chat import ChatReader
from toolspan.wire.events import Event, Finished, Started, Text, Usage
from toolspan.wire.record import Record

from ..table import each_row
from . import randoms
from .reading import FULL, facts, plain, record_of, said, seen
from .shapes import Chunk, counts
from .test_chat_malformed import paths, replaced


def sdk_completion(body: Any) -> Any:
    """The chunk, or the whole answer, as the SDK builds it, without validation."""
    return construct_type(type_=Completion, value=body)


def events_of(chunks: Iterable[Any], expected: int = 1, *, pieces: bool = True) -> list[Event]:
    """All events of an answer, its end included."""
    reader = ChatReader(expected, pieces=pieces)
    return [event for body in chunks for event in reader.read(body)] + reader.close()


def read(chunks: Iterable[Any], expected: int = 1, *, keep: bool = True) -> Record:
    """The record of an answer, with its texts or without."""
    return record_of(events_of(chunks, expected, pieces=keep), keep=keep)


def chunk(*choices: Any, **fields: Any) -> Chunk:
    """A chunk, or a whole answer: they have one form."""
    known = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m-1"}
    return {**known, "choices": list(choices), **fields}


def text(piece: Any, index: Any = 0, reason: str | None = None, **fields: Any) -> dict[str, Any]:
    """One choice."""
    return {"text": piece, "index": index, "logprobs": None, "finish_reason": reason, **fields}


BUILDERS = pytest.mark.parametrize("build", [plain, sdk_completion], ids=["dict", "sdk"])
LEAD = [chunk()] * 4  # after these the reader no longer looks for the answer's identity
STREAM = [
    *(chunk(text(piece)) for piece in ("Hel", "", "lo")),
    chunk(text("", reason="stop"), usage=counts(9, 4)),
]
TWO = [
    chunk(text("a")),
    chunk(text("b", 1)),
    chunk(text("c")),
    chunk(text("", 0, "stop"), text("", 1, "length")),
]


@BUILDERS
def test_legacy_stream_has_texts_tokens_and_a_reason(build: Any) -> None:
    """A stream of legacy Completions is pieces of text, the usage and the finish reason."""
    assert events_of(map(build, STREAM)) == [
        Started("cmpl-1", "m-1"),
        Text(0, "Hel"),
        Text(0, "lo"),
        Finished(0, "stop"),
        Usage(9, 4),
    ]


@BUILDERS
def test_whole_legacy_answer_reads_as_one_chunk(build: Any) -> None:
    """A whole answer is a stream of one chunk."""
    whole = chunk(text("Hello", reason="stop"), usage=counts(9, 4), system_fingerprint="fp")
    found = seen(read([build(whole)]))
    assert (found.texts, found.reasons, found.usage) == ({0: "Hello"}, {0: "stop"}, Usage(9, 4))
    assert read([build(whole)]).started == Started("cmpl-1", "m-1", None, "fp")


@BUILDERS
def test_each_legacy_choice_has_its_text_and_reason(build: Any) -> None:
    """Each choice of each prompt has its text and its reason."""
    found = seen(read(map(build, TWO), 2))
    assert (found.texts, found.reasons) == ({0: "ac", 1: "b"}, {0: "stop", 1: "length"})
    whole = chunk(text("ac", 0, "stop"), text("b", 1, "length"))
    assert seen(read([build(whole)], 2)).texts == found.texts


@BUILDERS
def test_index_that_counts_tokens_is_not_a_choice(build: Any) -> None:
    """Old TGI counted tokens in the index of a choice (text-generation-inference#1648)."""
    chunks = [chunk(text(piece, index)) for index, piece in enumerate(("a", "b", "c"), 1)]
    assert seen(read(map(build, chunks))).texts == {0: "abc"}
    assert facts(read(map(build, chunks), keep=False)) == facts(read(chunks))


@BUILDERS
def test_error_in_place_of_choices_is_a_failure(build: Any) -> None:
    """An error in place of choices is a failure."""
    assert read([build({"choices": None, "error": {"code": 502}})]).failure == "502"


BESIDE: dict[str, Chunk] = {
    "text": chunk(text("b")),
    "usage": chunk(text("b"), usage=counts(9, 4)),
    "usage-in-choice": chunk(text("b", usage=counts(9, 4))),
    "usage-under-x-groq": chunk(text("b"), x_groq={"usage": counts(9, 4)}),
    "error": chunk(text("b"), error={"code": "bad"}),
    "finish": chunk(text("b", reason="stop")),
    "other-choice": chunk(text("b", 1)),
    "two-choices": chunk(text("b"), text("c", 1)),
    "no-choice": chunk(),
    "no-text": chunk(text(None)),
    "text-that-is-none": chunk(text(["b"])),
    "index-false": chunk(text("b", False)),
    "index-float": chunk(text("b", 0.0)),
    "index-null": chunk(text("b", None)),
    "unknown-fields": chunk(text("b", timings=1), timings={"prompt_n": 1}),
    "fingerprint-late": chunk(text("b"), system_fingerprint="fp"),
}


@each_row("expected", [1, 2])
@pytest.mark.parametrize("keep", [True, False], ids=["keep", "drop"])
@each_row("body", BESIDE.values(), ids=BESIDE)
def test_fields_beside_a_late_legacy_piece_are_read(body: Chunk, keep: bool, expected: int) -> None:
    """Fields beside a piece of text are read late in a stream, from an SDK object as from a dict."""
    chunks = [*LEAD, chunk(text("a")), body, chunk(text("d"))]
    long_way, short_way = (
        read(chunks, expected, keep=keep),
        read(map(sdk_completion, chunks), expected, keep=keep),
    )
    assert seen(short_way) == seen(long_way)
    assert facts(short_way) == facts(long_way) == facts(read(chunks, expected))


def test_only_the_first_piece_of_a_choice_is_an_event_without_pieces() -> None:
    """Without pieces only the first piece of each choice is an event."""
    chunks = [*LEAD, *TWO[:3], *TWO[:3]]
    events = events_of(map(sdk_completion, chunks), 2, pieces=False)
    assert events == [Started("cmpl-1", "m-1"), Text(0, "a"), Text(1, "b")]


def test_legacy_chunk_with_a_part_of_another_type_is_read() -> None:
    """Any part of a chunk may be of another type; the SDK object and the dict give the same events."""
    full = chunk(text("a", 0, "stop"), usage=counts(1, 2), error={"code": "bad"})
    for path in paths(full):
        for new in (None, [], {}, "", -1, True, "x", ["x"]):
            bent = replaced(full, path, new)
            built = [*LEAD, sdk_completion(full), sdk_completion(bent), sdk_completion(bent)]
            events = events_of(map(said, built), 2, pieces=False)
            assert events[0] == Started("cmpl-1", "m-1")
            assert repr(events_of(built, 2, pieces=False)) == repr(events), bent
            assert events_of([*LEAD, full, bent, bent], 2, pieces=False)[0] == events[0]


def test_damaged_legacy_chunks_read_the_same_from_dict_and_sdk() -> None:
    """Damaged chunks give the same events as SDK objects and as dicts, with texts and without."""
    rng = Random(2)
    for _ in range(8_000 if FULL else 100):
        bodies = [*LEAD, *(randoms.altered(rng, body, 0.08) for body in (*STREAM, *TWO))]
        built = [sdk_completion(body) for body in bodies]
        whole = read(map(said, built), 2)
        assert repr(seen(read(built, 2))) == repr(seen(whole)), built
        assert repr(facts(read(built, 2, keep=False))) == repr(facts(whole)), built
        events_of([randoms.value(rng, 5) for _ in range(4)])
