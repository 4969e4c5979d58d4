"""Texts, reasoning and refusals of a response: each is read once, in whichever way it comes."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from toolspan.wire.events import Reasoning, Refusal, Text

from ..table import each_row
from . import randoms
from .reading import FULL, plain
from .response_shapes import Event, added, begins, done, ends, event, message, pieces, says, without
from .responses_reading import events_of, read, sdk_event

_ROUNDS = 20_000 if FULL else 300
_KINDS = {"output_text": Text, "reasoning_text": Reasoning, "refusal": Refusal}


def thought(text: str = "Hm.", identity: str = "rs_1", place: str = "content") -> dict[str, Any]:
    """A reasoning item."""
    kind = "reasoning_text" if place == "content" else "summary_text"
    return {"type": "reasoning", "id": identity, "summary": [], place: [{"type": kind, "text": text}]}


def texts_of(events: list[Event], build: Callable[[Any], Any] = plain) -> dict[str, str]:
    """Return the joined texts of a stream by their kind."""
    found: dict[str, str] = {}
    for each in events_of([build(body) for body in events]):
        if isinstance(each, (Text, Reasoning, Refusal)):
            name = type(each).__name__
            found[name] = found.get(name, "") + each.text
    return found


REPEATED = message("Hello", "msg_9")
CHANGED = [
    added(thought(), 0),
    *pieces("reasoning_summary_text", ["h", "m"], "r2", 0),
    done(thought("hm", "r3", "summary"), 0),
    added(message(), 1, content=[]),
    event("output_text.delta", "m2", 1, delta="Hel"),
    event("output_text.delta", "m3", 1, delta="lo"),
    done(message("Hello", "m4"), 1),
]
SEEN = {"Reasoning": "hm", "Text": "Hello"}
CASES: dict[str, tuple[list[Event], dict[str, str]]] = {
    # An end that repeats the stream under other ids and places (litellm#30072, openai-agents-python#5041).
    "places-move": ([*CHANGED, ends(REPEATED)], SEEN),
    "places-swap": ([*CHANGED, ends(REPEATED, thought("hm", "r9", "summary"))], SEEN),
    "the-end-twice": ([*CHANGED, ends(REPEATED), ends(REPEATED)], SEEN),
    "ids-only-at-the-end": ([*without(CHANGED, "item_id"), ends(REPEATED)], SEEN),
    "no-places": ([*without(CHANGED, "output_index"), ends(REPEATED)], SEEN),
    "two-equal": (
        [
            *says(message(), 0, "Hello"),
            *says(message("Hello", "m2"), 1, "Hello"),
            ends(message("Hello", "x"), message("Hello", "y")),
        ],
        {"Text": "HelloHello"},
    ),
    "one-more-at-the-end": (
        [*says(message(), 0, "Hello"), ends(message(), message("Hello", "m2"))],
        {"Text": "HelloHello"},
    ),
    "another-at-the-end": (
        [*says(message(), 0, "Hello"), ends(message(), message("Bye", "m2"))],
        {"Text": "HelloBye"},
    ),
    "shared-id": (
        [
            *says(message("One", "x"), 0, "One"),
            *says(message("Two", "x"), 1, "T", "wo"),
            ends(message("One", "x"), message("Two", "x")),
        ],
        {"Text": "OneTwo"},
    ),
    "shared-place": (
        [
            *says(message("One", "x"), 0, "One"),
            *says(message("Two", "y"), 0, "T", "wo"),
            ends(message("One", "x"), message("Two", "y")),
        ],
        {"Text": "OneTwo"},
    ),
    # A text that no delta brought, or not all of it.
    "text-done-alone": (
        [event("output_text.done", "m", 0, text="Hello", content_index=0)],
        {"Text": "Hello"},
    ),
    "part-done-alone": (
        [event("content_part.done", "m", 0, part=message()["content"][0], content_index=0)],
        {"Text": "Hello"},
    ),
    "item-done-alone": ([done(message())], {"Text": "Hello"}),
    "all-ends": ([*says(message(), 0), ends(message())], {"Text": "Hello"}),
    "refusal-done-alone": ([event("refusal.done", "m", 0, refusal="No.")], {"Refusal": "No."}),
    "thought-done-alone": ([event("reasoning_text.done", "r", 0, text="Hm.")], {"Reasoning": "Hm."}),
    "summary-done-alone": (
        [
            event("reasoning_summary_text.done", "r", 0, text="Hm.", summary_index=0),
            event("reasoning_summary_part.done", "r", 0, part={"text": "Hm."}, summary_index=0),
        ],
        {"Reasoning": "Hm."},
    ),
    "transcript-done-alone": (
        [event("output_audio_transcript.done", "m", 0, transcript="Hello")],
        {"Text": "Hello"},
    ),
    "last-delta-lost": (
        [*pieces("output_text", ["Hel"], "m"), event("output_text.done", "m", 0, text="Hello")],
        {"Text": "Hello"},
    ),
    "last-delta-lost-item": ([*pieces("output_text", ["Hel"], "msg_1"), done(message())], {"Text": "Hello"}),
    "last-delta-lost-response": (
        [*pieces("output_text", ["Hel"], "x", 3), ends(message())],
        {"Text": "Hello"},
    ),
    "contradicted": (
        [*pieces("output_text", ["Hllo"], "msg_1"), done(message()), ends(message("Hello", "x"))],
        {"Text": "Hllo"},
    ),
    "middle-lost": (
        [*pieces("output_text", ["Hel", "world"], "x"), ends(message("Hello world", "y"))],
        {"Text": "Helworld"},
    ),
    # Parts of an item.
    "second-part-done-alone": (
        [
            event("output_text.delta", "m", 0, delta="Hel", content_index=0),
            event("output_text.done", "m", 0, text="Hello", content_index=0),
            event("output_text.done", "m", 0, text=" you", content_index=1),
            event("output_text.done", "m", 0, text="Hello", content_index=0),
        ],
        {"Text": "Hello you"},
    ),
    "second-part": (
        [
            event("output_text.delta", "m", 0, delta="Hello", content_index=0),
            event("output_text.delta", "m", 0, delta="Hello", content_index=1),
            event("output_text.done", "m", 0, text="Hello!", content_index=1),
        ],
        {"Text": "HelloHello!"},
    ),
    # All words so far with each piece.
    "snapshots": (
        [
            *pieces("output_text", ["Hel", "Hello", "Hello", "Hello you"], "m"),
            event("output_text.done", "m", 0, text="Hello you"),
        ],
        {"Text": "Hello you"},
    ),
    "thought-snapshots": (
        pieces("reasoning_text", ["The user ", "The user asks"], "r"),
        {"Reasoning": "The user asks"},
    ),
    "summary-snapshots": (
        pieces("reasoning_summary_text", ["The", "The user", "The user asks"], "r"),
        {"Reasoning": "The user asks"},
    ),
    "refrain": (pieces("output_text", ["la ", "la ", "la la"], "m"), {"Text": "la la la la"}),
    "laughter": (pieces("output_text", ["ha", "haha"], "m"), {"Text": "hahaha"}),
    "a-piece-that-waits-for-its-part": (
        [
            event("output_text.delta", "m", 0, delta="ha", content_index=0),
            event("output_text.delta", "m", 0, delta="haha", content_index=0),
            event("output_text.done", "m", 0, text="!", content_index=1),
        ],
        {"Text": "hahaha!"},
    ),
    # Texts as objects.
    "too-deep": (
        [event("output_text.delta", "m", 0, delta={"text": {"text": {"text": {"text": {"text": "a"}}}}})],
        {},
    ),
    "object": (
        [
            event("output_text.delta", "m", 0, delta={"text": "Hel"}),
            event("output_text.delta", "m", 0, delta=[{"type": "output_text", "text": "lo"}]),
        ],
        {"Text": "Hello"},
    ),
    "nested-object": (
        [event("output_text.delta", "m", 0, delta={"text": {"value": "Hello"}})],
        {"Text": "Hello"},
    ),
    "object-in-an-item": (
        [done(message(content=[{"type": "output_text", "text": {"value": "Hello"}}]))],
        {"Text": "Hello"},
    ),
    "content-is-text": ([ends(message(content="Hello"))], {"Text": "Hello"}),
    # Spellings of reasoning.
    "former-reasoning": (
        [
            event("reasoning.delta", "r", 0, delta={"text": "H"}),
            event("reasoning.delta", "r", 0, delta="m."),
            event("reasoning.done", "r", 0, text="Hm."),
        ],
        {"Reasoning": "Hm."},
    ),
    "former-summary": (
        [
            event("reasoning_summary.delta", "r", 0, delta="Hm."),
            event("reasoning_summary.done", "r", 0, text="Hm."),
        ],
        {"Reasoning": "Hm."},
    ),
    "reasoning-and-summary": (
        [
            *pieces("reasoning_text", ["Hm", "m."], "rs_1"),
            *pieces("reasoning_summary_text", ["Short."], "rs_1"),
            event("reasoning_summary_text.done", "rs_1", 0, text="Short."),
            done({**thought("Hmm."), "summary": [{"text": "Short."}]}),
        ],
        {"Reasoning": "Hmm."},
    ),
    "summary-streamed-of-both": (
        [
            *pieces("reasoning_summary_text", ["Sho"], "rs_1"),
            done({**thought("Hmm."), "summary": [{"text": "Short."}]}),
        ],
        {"Reasoning": "Short."},
    ),
    "reasoning-in-a-message": (
        [
            done(
                message(
                    content=[
                        {"type": "thinking", "thinking": [{"text": "Hm."}]},
                        {"type": "text", "text": "Hello"},
                    ]
                )
            )
        ],
        {"Reasoning": "Hm.", "Text": "Hello"},
    ),
    "reasoning-text": ([done({"type": "reasoning", "id": "r", "text": "Hm."})], {"Reasoning": "Hm."}),
    # Pieces without a place whose ids change.
    "an-id-for-each-piece": (
        [
            *pieces("output_text", ["Hel"], "a", None),
            *pieces("output_text", ["lo"], "b", None),
            done(message("Hello", "c"), None),
            *pieces("output_text", ["Bye"], "d", None),
            ends(message("Hello", "e"), message("Bye", "f")),
        ],
        {"Text": "HelloBye"},
    ),
}


@pytest.mark.parametrize("build", [plain, sdk_event], ids=["dict", "sdk"])
@each_row(("events", "expected"), CASES.values(), ids=CASES)
def test_each_text_is_read_once(events: list[Event], expected: dict[str, str], build: Any) -> None:
    """Pieces, parts, items and responses complete one another and repeat nothing."""
    assert texts_of([*begins(), *events], build) == expected


def as_snapshots(rng: Random, queue: list[Event]) -> list[Event]:
    """All words so far with each piece."""
    found, before = [], ""
    for each in queue:
        is_piece = each["type"].endswith("text.delta")
        if is_piece:
            before += each["delta"]
        if not is_piece or each["delta"]:
            found.append({**each, "delta": before} if is_piece else each)
    return found


def with_changing_ids(rng: Random, queue: list[Event]) -> list[Event]:
    """Another id in each event (litellm#36375)."""
    return [{**each, "item_id": f"x{rng.random()}"} for each in queue if "item" not in each]


def without_ends(rng: Random, queue: list[Event]) -> list[Event]:
    """No event that repeats the text."""
    return [each for each in queue if not each["type"].endswith(".done")]


def without_pieces(rng: Random, queue: list[Event]) -> list[Event]:
    """No piece, only the ends."""
    return [each for each in queue if not each["type"].endswith("delta")]


def without_some_pieces(rng: Random, queue: list[Event]) -> list[Event]:
    """The last pieces are lost."""
    deltas = [each for each in queue if each["type"].endswith("delta")]
    lost = deltas[rng.randrange(len(deltas)) :] if deltas else []
    return [each for each in queue if not any(each is one for one in lost)]


def unchanged(rng: Random, queue: list[Event]) -> list[Event]:
    """As OpenAI does it."""
    return queue


WAYS = [as_snapshots, with_changing_ids, without_ends, without_pieces, without_some_pieces, unchanged]


def test_texts_do_not_depend_on_the_way_they_come() -> None:
    """However a text is cut and labelled, and whatever repeats it, it is read once."""
    rng = Random(8)
    for _ in range(_ROUNDS):
        written = [
            f"{number}{rng.choice('abc') * 3} {randoms.document(rng)}"
            for number in range(rng.randrange(1, 4))
        ]
        events: list[Event] = []
        for place, text in enumerate(written):
            cut = [text[:4], *randoms.cut(rng, text[4:])]
            events += rng.choice(WAYS)(rng, says(message(text, f"msg_{place}"), place, *cut))
        final = [
            message(text, rng.choice((f"msg_{place}", f"x{place}"))) for place, text in enumerate(written)
        ]
        if rng.random() < 0.5:
            final.insert(0, thought())
        found = texts_of([*begins(), *events, ends(*final)])
        assert found["Text"] == "".join(written), events


@each_row("kind", _KINDS)
def test_without_pieces_only_the_beginning_of_a_text_is_an_event(kind: str) -> None:
    """Without pieces, a text is one event, however it comes."""
    bodies = [*pieces(kind, ["Hel", "lo"], "m"), event(f"{kind}.done", "m", 0, text="Hello", refusal="Hello")]
    assert events_of(bodies, pieces=False) == [_KINDS[kind](0, "Hel")]
    assert events_of(bodies[-1:], pieces=False) == [_KINDS[kind](0, "Hello")]


def test_number_of_texts_that_are_told_apart_is_bounded() -> None:
    """Beyond the bound a text is still read, but not recognised where it is repeated."""
    many = [message(f"{number},", f"msg_{number}") for number in range(300)]
    events = [
        each for place, item in enumerate(many) for each in says(item, place, item["content"][0]["text"])
    ]
    found = read([*begins(), *events]).choices[0].text
    assert "".join(found).startswith("".join(f"{number}," for number in range(300))[:400])
    assert read([ends(*many)]).choices[0].text == [f"{number}," for number in range(300)]
