"""Calls of a response whose events repeat, contradict or mislabel one another: one call each, one verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from toolspan.wire.events import CallArguments, CallClosed, CallCorrected, CallOpened
from toolspan.wire.record import Record
from toolspan.wire.responses import ResponsesReader
from toolspan.wire.tools import Tools, tools

from ..table import each_row
from . import randoms
from .reading import FULL, check_told, plain, record_of
from .response_shapes import Event, added, asks, begins, done, ends, event, function, without
from .responses_reading import sdk_event

_ROUNDS = 20_000 if FULL else 300
TOOL = {
    "type": "function",
    "name": "f",
    "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
}
Row = tuple[str | None, str | None, str, str]


def call(identity: str = "a", arguments: str = '{"x":1}', own: str | None = None, name: str = "f") -> Any:
    """A function call's item."""
    item = function(f"call_{identity}", arguments, name)
    return {**item, "id": own or f"fc_{identity}"}


def delta(piece: Any, owner: str | None = "fc_a", index: int | None = 0) -> Event:
    """A fragment of arguments."""
    return event("function_call_arguments.delta", owner, index, delta=piece)


def all_of(text: str, owner: str | None = "fc_a", index: int | None = 0) -> Event:
    """All arguments of a call."""
    return event("function_call_arguments.done", owner, index, arguments=text)


def head(item: Any, index: int | None = 0) -> Event:
    """A call begins."""
    return added(item, index, arguments="")


def recorded(events: list[Event], offered: Tools | None = None) -> Record:
    """Return the record of a stream, and check that its events agree with it."""
    reader = ResponsesReader(offered=offered)
    found = [each for body in events for each in reader.read(body)] + reader.close()
    record = record_of(found)
    check_told(record, found)
    for one in record.calls:
        mine = [each for each in found if getattr(each, "call", None) == one.index]
        assert sum(isinstance(each, CallClosed) for each in mine) == 1, "completed once"
        ids = [each.id for each in mine if isinstance(each, CallOpened)]
        assert ids[-1] == one.id
        pieces = [each for each in mine if isinstance(each, CallArguments)]
        if not any(each.replaces for each in pieces):
            assert "".join(each.text for each in pieces) == one.arguments, "the deltas are the arguments"
        verdicts = [each for each in mine if isinstance(each, (CallClosed, CallCorrected))]
        last = verdicts[-1]
        assert (last.now if isinstance(last, CallCorrected) else last).outcome == one.outcome
    return record


def rows(record: Record) -> list[Row]:
    """Return id, name, arguments and outcome of each call."""
    return [(one.id, one.name, one.arguments, one.outcome) for one in record.calls]


A: Row = ("call_a", "f", '{"x":1}', "valid")
B: Row = ("call_b", "f", '{"x":2}', "valid")
TWO = call("b", '{"x":2}')
FAKE = [call("a", own="x"), call("b", '{"x":2}', own="x")]


def fake(index: int, *cuts: int) -> list[Event]:
    """The events of a call whose item has the same id as the other one."""
    return asks(FAKE[index], index, *cuts)


CASES: dict[str, tuple[list[Event], list[Row]]] = {
    # All items of a response share one id (openai-agents-python#3079).
    "shared-id": ([*fake(0, 3), *fake(1, 3), ends(*FAKE)], [A, B]),
    "shared-id-whole-fragments": ([*fake(0), *fake(1), ends(*FAKE)], [A, B]),
    "shared-id-at-the-same-time": (
        [
            head(FAKE[0]),
            head(FAKE[1], 1),
            delta('{"x":', "x", 1),
            delta('{"x":', "x", 0),
            delta("1}", "x", 0),
            delta("2}", "x", 1),
            ends(*FAKE),
        ],
        [A, B],
    ),
    "shared-id-without-the-last-output": ([*fake(0), *fake(1), ends()], [A, B]),
    # The last response repeats calls under other ids and places (litellm#30072).
    "other-own-id": ([*asks(call(), 1, 3), ends(call(own="z"))], [A]),
    "other-ids": ([*asks(call(), 1, 3), ends(call("z"))], [A]),
    "other-ids-of-two": ([*asks(call(), 1), *asks(TWO, 2), ends(call("y"), call("z", '{"x":2}'))], [A, B]),
    "other-order": ([*asks(call(), 0), *asks(TWO, 1), ends(call("z", '{"x":2}'), call("y"))], [A, B]),
    "twins": (
        [*asks(call(), 0), *asks(call("b"), 1), ends(call("y"), call("z"))],
        [A, ("call_b", "f", '{"x":1}', "valid")],
    ),
    "one-more": ([*asks(call(), 0), ends(call(), TWO)], [A, B]),
    "one-more-twin": (
        [*asks(call(), 0), ends(call("y"), call("z"))],
        [A, ("call_z", "f", '{"x":1}', "valid")],
    ),
    "done-under-other-ids": (
        [head(call()), delta('{"x":'), delta("1}"), done(call("z")), ends(call("y"))],
        [A],
    ),
    "done-without-places": (without([head(call()), delta('{"x":1}'), done(call("z"))], "output_index"), [A]),
    # The end has what the stream lacks (cc-switch#6481).
    "done-is-empty": ([head(call()), all_of(""), done(call()), ends(call())], [A]),
    "done-is-empty-only-the-response-has-it": ([head(call()), all_of(""), ends(call())], [A]),
    "item-is-empty": ([head(call()), all_of(""), done(call("a", "")), ends(call())], [A]),
    "no-fragment": ([head(call()), done(call())], [A]),
    "only-the-response": ([ends(call())], [A]),
    "first-fragment-lost": ([head(call()), delta(":1}"), all_of('{"x":1}'), ends(call())], [A]),
    "last-fragment-lost": ([head(call()), delta('{"x"'), all_of('{"x":1}'), ends(call())], [A]),
    "middle-lost-item": ([head(call()), delta('{"'), delta(":1}"), done(call()), ends(call())], [A]),
    "middle-lost-response": ([head(call()), delta('{"'), delta("1}"), ends(call("z"))], [A]),
    "another-value": ([head(call()), delta('{"x":'), delta("7}"), done(call())], [A]),
    "item-corrects-done": ([head(call()), all_of('{"x":7}'), done(call())], [A]),
    "written-another-way": (
        [head(call()), delta('{"x": '), delta("1}"), done(call()), ends(call())],
        [("call_a", "f", '{"x": 1}', "valid")],
    ),
    "letters-escaped": (
        [head(call("a", '{"x": "é"}')), delta('{"x": '), delta('"é"}'), done(call("a", '{"x": "\\u00e9"}'))],
        [("call_a", "f", '{"x": "é"}', "wrong_type")],
    ),
    # Fragments after an end.
    "fragments-after-done": ([head(call()), all_of(""), delta('{"x":'), delta("1}"), ends()], [A]),
    "fragments-after-the-response": ([head(call()), all_of(""), ends(), delta('{"x":'), delta("1}")], [A]),
    "fragments-after-an-invalid-end": (
        [head(call()), all_of('{"x":'), ends(), delta("}")],
        [("call_a", "f", '{"x":}', "invalid")],
    ),
    "ids-after-the-response": (
        [
            added({**call(), "call_id": None, "id": None}),
            delta('{"x":', None),
            delta("1}", None),
            ends(call()),
        ],
        [A],
    ),
    "fragments-repeat-done": (
        [head(call()), all_of('{"x":1}'), delta('{"x":'), delta("1}"), ends(call())],
        [A],
    ),
    "fragments-go-on-after-a-part": ([head(call()), all_of('{"x":'), delta("1}"), ends()], [A]),
    "fragments-after-an-empty-object": (
        [head(call()), all_of("{}"), delta('{"x":'), delta("1}"), ends()],
        [A],
    ),
    # Which call a fragment belongs to.
    "head-and-fragments-at-two-places": (
        [head(call()), delta('{"x":', None, 1), delta("1}", None, 1), ends()],
        [A],
    ),
    "unknown-id-and-place": (
        [head(call()), delta('{"x":', "q", 1), delta("1}", "q", 1), done(call("a"), 1)],
        [A],
    ),
    "item-id-is-call-id": (
        [head(call()), delta('{"x":', "call_a", 4), delta("1}", "call_a", 4), ends()],
        [A],
    ),
    "late-call-id": (
        [added({**call(), "call_id": None}, 0, arguments=""), delta('{"x":'), delta("1}"), done(call())],
        [("fc_a", "f", '{"x":1}', "valid")],
    ),
    "announced-twice": (
        [head(call()), head(call(), 1), delta('{"x":'), delta("1}", "fc_a", 1), ends(call())],
        [A],
    ),
    # Arguments as objects (each holds all of them so far), and with the head.
    "objects": (
        [head(call()), delta({}), delta({"x": 1}), all_of('{"x":1}')],
        [("call_a", "f", '{"x": 1}', "valid")],
    ),
    "object-at-the-end": (
        [head(call()), done({**call(), "arguments": {"x": 1}})],
        [("call_a", "f", '{"x": 1}', "valid")],
    ),
    "with-the-head": ([added(call()), ends()], [A]),
    "empty-object-with-the-head": ([added(call("a", "{}")), delta('{"x":'), delta("1}"), ends(call())], [A]),
    "with-the-head-and-again": (
        [added(call()), delta('{"x":'), delta("1}"), done(call()), ends(call())],
        [A],
    ),
    "empty-object-first": ([head(call()), delta("{}"), delta('{"x":1}'), ends()], [A]),
    "object-that-grows": (
        [head(call()), delta('{"x":1}'), delta('{"x":12}'), ends()],
        [(*A[:2], '{"x":12}', "valid")],
    ),
    "snapshots": (
        [head(call()), delta('{"x'), delta('{"x":1'), delta('{"x":1}'), done(call()), ends(call())],
        [A],
    ),
    # What must never be valid.
    "only-announced": ([head(call()), ends()], [("call_a", "f", "", "not_given")]),
    "only-announced-other-output": (
        [head(call()), *asks(TWO, 1), ends(TWO)],
        [("call_a", "f", "", "not_given"), B],
    ),
    "announced-and-cut": ([head(call())], [("call_a", "f", "", "not_given")]),
    "announced-with-arguments-and-cut": ([added(call())], [("call_a", "f", "", "not_given")]),
    "no-name": (
        [added({**call(), "name": None}, 0, arguments=""), delta('{"x":'), delta("1}"), ends()],
        [("call_a", None, '{"x":1}', "unnamed")],
    ),
    "late-name": ([added({**call(), "name": None}, 0, arguments=""), all_of('{"x":1}'), ends(call())], [A]),
    "name-after-the-verdict": (
        [done({**call(), "name": None}), ends(call("a", '{"x":"y"}'))],
        [("call_a", "f", '{"x":"y"}', "wrong_type")],
    ),
    "unfinished": ([head(call()), delta('{"x":')], [("call_a", "f", '{"x":', "unfinished")]),
    "wrong-in-the-end": (
        [*asks(call(), 0, 3), ends(call("a", '{"x":"y"}'))],
        [("call_a", "f", '{"x":"y"}', "wrong_type")],
    ),
    "broken-in-the-end": (
        [*asks(call(), 0, 3), ends(call("a", '{"x":'))],
        [("call_a", "f", '{"x":', "invalid")],
    ),
}


@pytest.mark.parametrize("build", [plain, sdk_event], ids=["dict", "sdk"])
@pytest.mark.parametrize("checked", [True, False], ids=["tools", "no-tools"])
@each_row(("events", "expected"), CASES.values(), ids=CASES)
def test_each_call_is_read_once_with_its_last_arguments(
    events: list[Event], expected: list[Row], build: Any, checked: bool
) -> None:
    """However the events mislabel, repeat and contradict a call, it is one call with the right verdict."""
    offered = tools([TOOL]) if checked else None
    found = rows(recorded([build(body) for body in (*begins(), *events)], offered))
    if not checked:
        expected = [(*row[:3], "valid" if row[3] == "wrong_type" else row[3]) for row in expected]
    assert found == expected


def as_snapshots(rng: Random, queue: list[Event]) -> list[Event]:
    """All arguments so far with each fragment."""
    found, before = [], ""
    for each in queue:
        is_piece = each["type"].endswith("arguments.delta")
        before += each["delta"] if is_piece else ""
        found.append({**each, "delta": before} if is_piece else each)
    return found


def with_losses(rng: Random, queue: list[Event]) -> list[Event]:
    """Some fragments are lost."""
    return [each for each in queue if "delta" not in each["type"] or rng.random() < 0.5]


def repeated(rng: Random, queue: list[Event]) -> list[Event]:
    """Events other than fragments come twice."""
    return [each for each in queue for _ in range(1 if "delta" in each["type"] else rng.choice((1, 2)))]


def with_an_empty_done(rng: Random, queue: list[Event]) -> list[Event]:
    """`arguments.done` has no arguments."""
    return [{**each, "arguments": ""} if each["type"].endswith("arguments.done") else each for each in queue]


def with_changing_ids(rng: Random, queue: list[Event]) -> list[Event]:
    """Another id in each event but the head (litellm#36375)."""
    return [{**each, "item_id": f"x{rng.random()}"} if "item_id" in each else each for each in queue]


def without_places(rng: Random, queue: list[Event]) -> list[Event]:
    """No place in any event."""
    return without(queue, "output_index")


def done_first(rng: Random, queue: list[Event]) -> list[Event]:
    """`arguments.done` comes before the fragments."""
    return [queue[0], *[each for each in queue if each["type"].endswith("arguments.done")], *queue[1:]]


def unchanged(rng: Random, queue: list[Event]) -> list[Event]:
    """As OpenAI does it."""
    return queue


WAYS: list[Callable[[Random, list[Event]], list[Event]]] = [
    as_snapshots,
    with_losses,
    repeated,
    with_an_empty_done,
    with_changing_ids,
    without_places,
    done_first,
    unchanged,
]


def made(rng: Random, number: int) -> Any:
    """A call with random arguments, an object."""
    text = json.dumps({"n": number, "value": randoms.value(rng)}, ensure_ascii=rng.random() < 0.5)
    return {**function(f"call_{number}", text, rng.choice("fg"))}


def test_calls_do_not_depend_on_the_way_they_come() -> None:
    """However each call is cut, labelled, lost in part and repeated, the record is the same."""
    rng = Random(15)
    for _ in range(_ROUNDS):
        items = [made(rng, number) for number in range(rng.randrange(1, 5))]
        events: list[Event] = []
        for place, item in enumerate(items):
            size = len(item["arguments"])
            cuts = sorted({rng.randrange(1, size) for _ in range(rng.randrange(4))})
            events += rng.choice(WAYS)(rng, asks(item, place, *cuts))
        final = [{**item, "id": f"z{rng.random()}"} if rng.random() < 0.5 else item for item in items]
        if rng.random() < 0.3:
            final = [{**item, "call_id": f"z{rng.random()}"} for item in final]
        final.insert(0, {"type": "reasoning", "id": "rs", "summary": []})
        record = recorded([*begins(), *events, ends(*final[rng.choice((0, 1)) :])])
        # As values: where a fragment of white space is lost, short arguments still mean the same.
        expected = [(item["call_id"], item["name"], json.loads(item["arguments"])) for item in items]
        found = [(one.id, one.name, json.loads(one.arguments)) for one in record.calls]
        assert found == expected, events
        assert all(one.outcome == "valid" for one in record.calls), events


def test_ids_and_announced_arguments_are_kept_in_bounded_memory() -> None:
    """Of 5000 announcements with new ids and long arguments, a bounded part is kept."""
    reader = ResponsesReader(pieces=False)
    for number in range(5000):
        reader.read(added(call(str(number), json.dumps({"x": "y" * 1000})), number))
        reader.read(done(call(f"z{number}"), 0))
    calls = reader._calls
    assert len(calls._by_key) <= 5000
    assert sum(map(len, calls._announced.values())) <= 64 * 1024
    reader.read(ends(*(call(f"q{number}") for number in range(2000))))
    reader.close()
