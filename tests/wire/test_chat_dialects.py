"""Snapshots, objects, repetitions, drifting indexes, shared ids: each call once, with one verdict."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

import pytest

import toolspan
from toolspan.wire.chat import ChatReader
from toolspan.wire.record import Record
from toolspan.wire.tools import tools as offer

from ..table import each_row
from . import randoms
from .reading import FULL, check_told, events_of, plain, read, record_of, sdk
from .shapes import Chunk, choice, chunk, ends, entry, says, tools

TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {
        "type": "object", "properties": {key: {"type": "integer"}}, "required": [key]}}}
    for name, key in (("f", "x"), ("g", "y"))
]  # fmt: skip
BUILDERS = pytest.mark.parametrize("build", [plain, sdk], ids=["dict", "sdk"])
LATE = pytest.mark.parametrize("lead", [0, 5], ids=["early", "late"])
X1, X2, Y2 = '{"x": 1}', '{"x": 2}', '{"y": 2}'


class Case(NamedTuple):
    """What a server sends, and what is right: name, arguments and outcome of each call."""

    chunks: list[Chunk]
    calls: list[tuple[str | None, str, str]]
    corrections: int = 0


def piece(index: int | None, text: Any = None, id: str | None = None, name: str | None = None) -> Chunk:
    """A chunk with one entry."""
    return tools(entry(index, id, name, text))


def custom(text: str, id: str | None = None, name: str | None = None) -> Chunk:
    """A chunk with a piece of a custom tool's input."""
    return tools({**entry(0, id), "type": "custom", "custom": {"name": name, "input": text}})


def whole(reason: str | None = "tool_calls", **message: Any) -> Chunk:
    """A chunk with a whole message."""
    return chunk({"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason})


ONE = [("f", X1, "valid")]
HEAD = piece(0, "", "a", "f")
CASES = {
    # all arguments so far in each chunk (hermes-agent#35592)
    "snapshots": Case([piece(0, '{"x', "a", "f"), piece(0, '{"x": '), piece(0, X1), ends()], ONE),
    "snapshots-after-a-brace": Case([HEAD, piece(0, "{"), piece(0, '{"x"'), piece(0, X1), ends()], ONE),
    "snapshots-with-id-and-name": Case([piece(0, X1[:n], "a", "f") for n in (1, 4, 7, 8)] + [ends()], ONE),
    "snapshots-without-index": Case([piece(None, X1[:n], "a", "f") for n in (2, 5, 8)] + [ends()], ONE),
    "snapshot-twice": Case([piece(0, X1[:n], "a", "f") for n in (3, 3, 8, 8)] + [ends()], ONE),
    "snapshots-of-nested-twins": Case(
        [HEAD, *(piece(0, '{"x":{"x":{"x":1}}}'[:n]) for n in (5, 10, 12, 19)), ends()],
        [("f", '{"x":{"x":{"x":1}}}', "wrong_type")],
    ),
    "nested-twins-in-pieces": Case(
        [HEAD, piece(0, '{"x":'), piece(0, '{"x":1}'), piece(0, "}"), ends()],
        [("f", '{"x":{"x":1}}', "wrong_type")],
    ),
    "snapshot-that-ends-the-stream": Case(
        [HEAD, piece(0, '{"x":'), piece(0, '{"x":1}'), ends()], [("f", '{"x":1}', "valid")]
    ),
    "snapshot-that-changes": Case([piece(0, '{"x": 12}', "a", "f"), piece(0, X1, "a"), ends()], ONE),
    # objects (unsloth#10275)
    "empty-object-then-pieces": Case([piece(0, {}, "a", "f"), piece(0, '{"x"'), piece(0, ": 1}")], ONE),
    "empty-text-object": Case([piece(0, "{}", "a", "f"), piece(0, '{"x": '), piece(0, "1}"), ends()], ONE),
    "empty-object-then-object": Case([piece(0, {}, "a", "f"), piece(0, {"x": 1}), ends()], ONE),
    "growing-objects": Case([piece(0, {"x": n}, "a", "f") for n in (0, 12, 1)] + [ends()], ONE),
    "growing-objects-without-id": Case([piece(0, {"x": 0}, "a", "f"), piece(0, {"x": 1}), ends()], ONE),
    "object-that-stays-empty": Case([piece(0, {}, "a", "f"), ends()], [("f", "{}", "missing_argument")]),
    # a whole message at the end (hermes-browser-extension#11)
    "message-repeats": Case(
        [piece(0, X1[:4], "a", "f"), piece(0, X1[4:]), whole(tool_calls=[entry(None, "a", "f", X1)])], ONE
    ),
    "message-with-other-ids": Case(
        [piece(0, X1, "a", "f"), whole(tool_calls=[entry(None, "b", "f", '{"x":1}')])], ONE
    ),
    "message-completes": Case(
        [piece(0, X1[:4], "a", "f"), whole(tool_calls=[entry(None, "a", "f", X1)])], ONE
    ),
    "message-corrects": Case(
        [
            piece(0, '{"x": ', "a", "f"), piece(0, '"b"}'), ends(),
            whole(tool_calls=[entry(None, "a", "f", X1)]),
        ],
        ONE, 1,
    ),
    "message-with-places-in-another-order": Case(
        [
            piece(0, X1, "a", "f"), piece(1, Y2, "b", "g"),
            whole(tool_calls=[entry(None, "b", "g", Y2), entry(None, "a", "f", X1)]),
        ],
        [*ONE, ("g", Y2, "valid")],
    ),
    "message-adds-a-call": Case(
        [piece(0, X1, "a", "f"), whole(tool_calls=[entry(None, "a", "f", X1), entry(None, "b", "g", Y2)])],
        [*ONE, ("g", Y2, "valid")],
    ),
    # pieces after the finish reason (claux#43)
    "finish-then-piece": Case([piece(0, '{"x"', "a", "f"), ends(), piece(0, ": 1}")], ONE),
    "finish-then-all": Case([HEAD, ends(), piece(0, X1)], ONE),
    "finish-then-name": Case([piece(0, X1, "a"), ends(), piece(0, name="f")], ONE),
    "finish-then-two-pieces": Case([HEAD, ends(), piece(0, X1[:3]), piece(0, X1[3:]), ends()], ONE),
    # one call under two indexes (LocalAI#9722)
    "two-indexes": Case([piece(0, X1, "a", "f"), piece(1, X1, "a", "f"), ends()], ONE),
    "two-indexes-in-pieces": Case(
        [piece(0, X1, "a", "f"), piece(1, "", "a", "f"), piece(1, X1[:3]), piece(1, X1[3:]), ends()], ONE
    ),
    "two-indexes-interleaved": Case(
        [HEAD, piece(1, "", "a", "f"), *(piece(n, part) for part in (X1[:3], X1[3:]) for n in (0, 1))],
        ONE,
    ),
    "shared-id-whole": Case(
        [piece(0, X1, "a", "f"), piece(1, X2, "a", "f"), ends()], [*ONE, ("f", X2, "valid")]
    ),
    "shared-id-in-pieces": Case(
        [piece(0, X1, "a", "f"), piece(1, "", "a", "f"), piece(1, X2[:5]), piece(1, X2[5:]), ends()],
        [*ONE, ("f", X2, "valid")],
    ),
    "shared-id-repeated-after-another": Case(
        [piece(0, X1, "a", "f"), piece(0, Y2, "a", "g"), piece(0, X1, "a", "f"), ends()],
        [*ONE, ("g", Y2, "valid")],
    ),
    "shared-id-other-name": Case(
        [HEAD, piece(1, "", "a", "g"), piece(0, X1), piece(1, Y2), ends()], [*ONE, ("g", Y2, "valid")]
    ),
    # arguments at an index that their head did not have (agno#8879)
    "drift": Case(
        [piece(0, X1, "a", "f"), piece(0, '{"y"', "b", "g"), piece(1, ": 2}"), ends()],
        [*ONE, ("g", Y2, "valid")],
    ),
    "drift-of-all-arguments": Case([HEAD, piece(1, X1[:4]), piece(1, X1[4:]), ends()], ONE),
    "drift-with-the-name-again": Case([HEAD, piece(1, X1[:4], None, "f"), piece(1, X1[4:]), ends()], ONE),
    "twins-without-ids": Case(
        [piece(0, X1, None, "f"), piece(1, X1, None, "f"), ends()], [*ONE, *ONE]
    ),
    "drift-at-each-piece": Case([HEAD, *(piece(n, X1[n : n + 1]) for n in range(8)), ends()], ONE),
    # what comes after the end of a call
    "id-after-the-end": Case(
        [piece(0, X1[:4], None, "f"), piece(0, X1[4:]), ends(), piece(0, X1, "a", "f")], ONE, 1
    ),
    "more-free-text-after-the-end": Case(
        [custom("ls", "a", "f"), ends(), custom(" -l")], [("f", "ls -l", "valid")], 1
    ),
    # verdicts on what cannot be judged (vllm#31438)
    "no-name": Case([piece(0, X1), ends()], [(None, X1, "unnamed")]),
    "no-name-in-pieces": Case([piece(0, X1[:4], "a"), piece(0, X1[4:]), ends()], [(None, X1, "unnamed")]),
    "not-given": Case([HEAD], [("f", "", "not_given")]),
    "second-half-lost": Case([piece(0, '{"x"', "a", "f")], [("f", '{"x"', "unfinished")]),
    "text-after-the-end": Case(
        [piece(0, X1[:4], "a", "f"), piece(0, X1[4:]), piece(0, " Done!"), ends()],
        [("f", X1 + " Done!", "invalid")], 1,
    ),
    "white-space-after-the-end": Case(  # only the counts are corrected
        [piece(0, X1[:4], "a", "f"), piece(0, X1[4:]), piece(0, " "), ends()], [("f", X1 + " ", "valid")], 1
    ),
    "all-again-in-pieces": Case(
        [piece(0, X1[:4], "a", "f"), piece(0, X1[4:]), piece(0, X1[:4]), piece(0, X1[4:]), ends()], ONE
    ),
}  # fmt: skip
EACH = each_row("case", CASES.values(), ids=CASES)


def record(chunks: list[Any], *, keep: bool = True) -> tuple[Record, list[Any]]:
    """The record of these chunks, checked against the tools, and its events."""
    reader = ChatReader(pieces=keep, offered=offer(TOOLS))
    events = [event for body in chunks for event in reader.read(body)] + reader.close()
    found = record_of(events, keep=keep)
    if keep:
        check_told(found, events)
    return found, events


@LATE
@BUILDERS
@EACH
def test_each_call_has_its_arguments_and_one_verdict(
    case: Case, build: Callable[[Any], Any], lead: int
) -> None:
    """Each case has the same calls as dicts and as SDK objects, at the start and late in a stream."""
    chunks = [build(body) for body in [*[says("a")] * lead, *case.chunks]]
    found, events = record(chunks)
    assert [(call.name, call.arguments, call.outcome) for call in found.calls] == case.calls
    assert [type(event).__name__ for event in events].count("CallClosed") == len(case.calls)
    corrected = [event for event in events if type(event).__name__ == "CallCorrected"]
    assert len(corrected) == case.corrections
    without, _ = record(chunks, keep=False)
    assert [(call.name, call.outcome) for call in without.calls] == [
        (call[0], call[2]) for call in case.calls
    ]


@BUILDERS
@EACH
def test_application_events_agree_with_the_record(case: Case, build: Callable[[Any], Any]) -> None:
    """`toolspan.events` yields each call once; its last verdict is the record's."""
    last: dict[int, tuple[str | None, str, str]] = {}
    started: list[int] = []
    texts: dict[int, str] = {}
    for event in toolspan.events([build(body) for body in case.chunks], tools=TOOLS):
        if isinstance(event, toolspan.ToolCallStarted):
            started.append(event.index)
        elif isinstance(event, toolspan.ToolCallArgumentsDelta):
            texts[event.index] = texts.get(event.index, "") + event.delta
        elif isinstance(event, (toolspan.ToolCallCompleted, toolspan.ToolCallCorrected)):
            assert (event.index in last) is isinstance(event, toolspan.ToolCallCorrected)
            last[event.index] = (event.name, event.arguments, event.reason or "valid")
            assert event.valid is (event.reason is None)
    # White space behind a complete call is no event: only the counts of telemetry change.
    assert [(last[at][0], last[at][1].strip(), last[at][2]) for at in sorted(last)] == [
        (name, text.strip(), outcome) for name, text, outcome in case.calls
    ]
    assert sorted(started) == sorted(last)
    if "changes" not in str(case) and not case.corrections:
        assert all(
            text == last[index][1] or not last[index][1].startswith(text) for index, text in texts.items()
        )


TEXTS = {
    "message-repeats": ([says("Hello "), says("there"), whole("stop", content="Hello there")], "Hello there"),
    "message-has-the-rest": ([says("Hello "), whole("stop", content="Hello there")], "Hello there"),
    "message-contradicts": ([says("Hello "), whole("stop", content="Bye")], "Hello "),
    "message-alone": ([whole("stop", content="Hello")], "Hello"),
    "message-in-parts": ([says("a"), whole("stop", content=[{"type": "text", "text": "ab"}])], "ab"),
}


@LATE
@BUILDERS
@each_row(("chunks", "text"), TEXTS.values(), ids=TEXTS)
def test_whole_message_repeats_no_text(
    chunks: list[Chunk], text: str, build: Callable[[Any], Any], lead: int
) -> None:
    """A whole message after pieces of a text adds what is missing and repeats nothing."""
    found = read([build(body) for body in [*[says("")] * lead, *chunks]])
    assert "".join(found.choices[0].text) == text


def thinks(**fields: Any) -> Chunk:
    """A chunk with fields of reasoning."""
    return chunk(choice(fields))


def detail(text: str, **fields: Any) -> dict[str, Any]:
    """A part of `reasoning_details`."""
    return {"type": "reasoning.text", "index": 0, "text": text, **fields}


REASONING = {
    "content": [thinks(reasoning_content="The user "), thinks(reasoning_content="asks")],
    "vllm": [thinks(reasoning="The user "), thinks(reasoning="asks")],
    "copilot": [thinks(reasoning_text="The user "), thinks(reasoning_text="asks")],
    "thinking": [thinks(thinking="The user "), thinks(thinking="asks")],
    "details": [thinks(reasoning_details=[detail("The user ")]), thinks(reasoning_details=[detail("asks")])],
    "details-beside-text": [
        thinks(reasoning="The user ", reasoning_details=[detail("The user ")]),
        thinks(reasoning="asks", reasoning_details=[detail("asks")]),
    ],
    "summary": [thinks(reasoning_details=[{"type": "reasoning.summary", "summary": "The user asks"}])],
    "encrypted": [
        thinks(reasoning_details=[{"type": "reasoning.encrypted", "data": "c2ln"}]),
        thinks(reasoning="The user asks"),
    ],
    "blocks": [thinks(thinking_blocks=[{"type": "thinking", "thinking": "The user asks"}])],
    "snapshots": [thinks(reasoning_content="The user asks"[:n]) for n in (3, 8, 8, 13)],
    "snapshots-of-details": [thinks(reasoning_details=[detail("The user asks"[:n])]) for n in (4, 9, 13)],
    "message-repeats": [
        thinks(reasoning_content="The user asks"),
        whole("stop", content="ok", reasoning_content="The user asks"),
    ],
}  # fmt: skip


@LATE
@BUILDERS
@each_row("chunks", REASONING.values(), ids=REASONING)
def test_reasoning_is_read_once_in_every_spelling(
    chunks: list[Chunk], build: Callable[[Any], Any], lead: int
) -> None:
    """Reasoning is text, whatever its field, in pieces or in snapshots."""
    found = read([build(body) for body in [*[says("a")] * lead, *chunks, ends("stop")]])
    assert "".join(found.choices[0].reasoning) == "The user asks"


def test_repeated_short_pieces_of_reasoning_are_no_snapshots() -> None:
    """A dash or a digit may come twice."""
    for pieces in (["\n", "\n\n"], ["1", "10"], ["ha", "haha"], ["very ", "very "]):
        found = read([thinks(reasoning_content=text) for text in pieces])
        assert "".join(found.choices[0].reasoning) == "".join(pieces)


# Random calls, sent in one of several ways.
_ROUNDS = 40_000 if FULL else 300
_NAMES = ["f", "g", "weather"]


def _pieces(rng: Random, number: int, text: str, way: str) -> Iterator[dict[str, Any]]:
    """The entries of one call."""
    identity, name = f"call_{number}", _NAMES[number % 3]
    cuts = [part for part in randoms.cut(rng, text) if part] or [text]
    if way == "snapshots":
        ends_at = [sum(map(len, cuts[: place + 1])) for place in range(len(cuts))]
        cuts = [text[:end] for end in ends_at]
    if rng.random() < 0.3:
        cuts.insert(0, "")
    for place, part in enumerate(cuts):
        if not place or way == "ids":
            yield entry(number, identity, name, part)
        else:
            yield entry(number, arguments=part)
    if way == "repeated":
        yield entry(number, identity, name, text)


def stream(rng: Random, texts: list[str]) -> list[Chunk]:
    """The calls in random ways, interleaved; sometimes with a whole message at the end."""
    queues = [
        list(_pieces(rng, number, text, rng.choice(("pieces", "ids", "snapshots", "repeated"))))
        for number, text in enumerate(texts)
    ]
    turns = [number for number, queue in enumerate(queues) for _ in queue]
    if rng.random() < 0.5:
        rng.shuffle(turns)
    chunks = [tools(queues[number].pop(0)) for number in turns]
    if rng.random() < 0.3:
        calls = [entry(None, f"call_{n}", _NAMES[n % 3], text) for n, text in enumerate(texts)]
        return [*chunks, whole(tool_calls=calls)]
    return [*chunks, ends()]


def test_record_does_not_depend_on_how_calls_are_sent() -> None:
    """Pieces, snapshots, repetitions and whole messages of random calls, mixed, give the same calls."""
    rng = Random(15)
    for number in range(_ROUNDS):
        texts = [
            json.dumps({"k": number, **randoms.document(rng)}, ensure_ascii=rng.random() < 0.5)
            for _ in range(rng.randrange(1, 4))
        ]
        chunks = stream(rng, texts)
        found = read([sdk(body) for body in [*[says("a")] * 4, *chunks]] if number % 10 == 0 else chunks)
        calls = [(call.id, call.name, call.arguments, call.outcome) for call in found.calls]
        wanted = [(f"call_{n}", _NAMES[n % 3], text, "valid") for n, text in enumerate(texts)]
        assert sorted(calls) == wanted, json.dumps(chunks)


MANY = {
    "null-indexes": lambda number: piece(None, "{}", f"id_{number}", "f"),
    "ids-of-fragments": lambda number: piece(0, "a" if number else '{"a": "', f"id_{number}", None),
    "long-ids": lambda number: piece(None, "{}", f"{number:05}" * 400, "f"),
    "indexes-without-ids": lambda number: piece(number % 128, "{}", None, f"f{number}"),
    "repetitions": lambda number: piece(0, X1, "a", "f"),
}


def seconds(make: Callable[[int], Chunk], count: int) -> float:
    """The processor time of one chunk."""
    chunks = [make(number) for number in range(count)]
    began = time.process_time()
    found = events_of(chunks, pieces=False)
    took = time.process_time() - began
    assert sum(type(event).__name__ == "CallClosed" for event in found) <= 1024
    return took / count


@each_row("make", MANY.values(), ids=MANY)
def test_endless_calls_and_ids_take_linear_time(make: Callable[[int], Chunk]) -> None:
    """Each of many chunks costs what each of a tenth of them costs, and a choice has at most 1 024 calls."""
    many = 100_000 if FULL else 10_000
    assert seconds(make, many) < 4 * seconds(make, many // 10) + 1e-5


def test_ids_kept_are_bounded_in_number_and_length() -> None:
    """The ids of fragments fill no memory: neither their number nor their length does."""
    reader = ChatReader()
    for number in range(6_000):
        reader.read(piece(0, "a" if number else '{"a": "', f"{number}" * 300))
    (calls,) = reader._calls.values()
    assert len(calls._by_id) <= 4096
    assert all(isinstance(key, int) or len(key) <= 256 for key in calls._by_id)


def test_whole_message_adds_no_calls_past_the_bound() -> None:
    """A whole message with too many calls is read up to the bound."""
    calls = [entry(None, f"id_{number}", "f", X1) for number in range(1100)]
    assert len(read([whole(tool_calls=calls)]).calls) == 1024
