"""However a server cuts, mixes and labels its output items, the record is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from ..table import each_row
from . import randoms
from .reading import FULL, facts, seen
from .response_shapes import Event, added, begins, done, ends, event, message, says, without
from .responses_reading import check_law, events_of, read, sdk_event
from .shapes import Call

_ROUNDS = 5_000 if FULL else 80  # for each of the ways
_NAMES = ["weather", "now", "search", "weather_now"]
_DELTAS = {"function": "function_call_arguments", "custom": "custom_tool_call_input"}


def items_of(rng: Random) -> list[dict[str, Any]]:
    """One to four items: calls with random arguments, texts."""
    found: list[dict[str, Any]] = []
    for number in range(rng.randrange(1, 5)):
        text = randoms.written(rng, randoms.document(rng))
        own, identity = f"item_{number}", f"call_{number}"
        kind = rng.choice(("function_call", "function_call", "custom_tool_call", "message"))
        if kind == "message":
            found.append(message(text, own))
        else:
            field = "arguments" if kind == "function_call" else "input"
            call = {"type": kind, "id": own, "call_id": identity, "name": rng.choice(_NAMES), field: text}
            found.append({**call, "status": "completed"})
    return found


def events_of_item(rng: Random, item: dict[str, Any], place: int) -> list[Event]:
    """One item as it streams, cut at random."""
    if item["type"] == "message":
        return says(item, place, *randoms.cut(rng, item["content"][0]["text"]))
    field = "arguments" if item["type"] == "function_call" else "input"
    kind = _DELTAS["function" if field == "arguments" else "custom"]
    cuts = randoms.cut(rng, item[field])
    return [
        added(item, place, **{field: ""}),
        *(event(f"{kind}.delta", item["id"], place, delta=piece) for piece in cuts),
        event(f"{kind}.done", item["id"], place, **{field: item[field]}),
        done(item, place),
    ]


def in_turn(rng: Random, queues: list[list[Event]]) -> Iterator[Event]:
    """One item after the other."""
    return (each for queue in queues for each in queue)


def mixed(rng: Random, queues: list[list[Event]]) -> Iterator[Event]:
    """All items at the same time, each one's events in their order."""
    turns = [number for number, queue in enumerate(queues) for _ in queue]
    rng.shuffle(turns)
    rests = [iter(queue) for queue in queues]
    return (next(rests[number]) for number in turns)


def by_id(rng: Random, queues: list[list[Event]]) -> Iterator[Event]:
    """All at the same time, without places."""
    return iter(without(list(mixed(rng, queues)), "output_index"))


def by_place(rng: Random, queues: list[list[Event]]) -> Iterator[Event]:
    """All at the same time, without the items' ids in the deltas."""
    return iter(without(list(mixed(rng, queues)), "item_id"))


def all_at_zero(rng: Random, queues: list[list[Event]]) -> Iterator[Event]:
    """All at the same time, at one place."""
    return ({**each, "output_index": 0} for each in mixed(rng, queues))


def unlabelled(rng: Random, queues: list[list[Event]]) -> Iterator[Event]:
    """One after the other, without places and ids."""
    return iter(without(list(in_turn(rng, queues)), "output_index", "item_id"))


def thinned(rng: Random, queues: list[list[Event]]) -> Iterator[Event]:
    """One after the other; some of the repeating events are missing."""
    return (
        each
        for queue in queues
        for each in queue
        if "_call_" not in each["type"] or "delta" in each["type"] or rng.random() < 0.5
    )


WAYS: list[Callable[[Random, list[list[Event]]], Iterator[Event]]] = [
    in_turn,
    mixed,
    by_id,
    by_place,
    all_at_zero,
    unlabelled,
    thinned,
]
EACH_WAY = each_row("way", WAYS, ids=lambda way: way.__name__)


def made(rng: Random, way: Any) -> tuple[list[dict[str, Any]], list[Event]]:
    """Items, and a whole stream of them."""
    items = items_of(rng)
    queues = [events_of_item(rng, item, place) for place, item in enumerate(items)]
    return items, [*begins(), *way(rng, queues), ends(*(items if rng.random() < 0.7 else ()))]


def calls_of(items: list[dict[str, Any]]) -> list[Call]:
    """The calls as they must be recorded, in the order of their ids."""
    return [
        Call(item["call_id"], item["name"], item["arguments"])
        if item["type"] == "function_call"
        else Call(item["call_id"], item["name"], item["input"], closed_by="done", kind="custom")
        for item in items
        if item["type"] != "message"
    ]


@EACH_WAY
def test_calls_do_not_depend_on_cuts_and_labels(way: Any) -> None:
    """Ids, names, arguments and verdicts do not depend on cuts and on which labels a server sends."""
    rng = Random(way.__name__)
    for _ in range(_ROUNDS):
        items, bodies = made(rng, way)
        found = seen(read(bodies))
        # A document of one piece is complete at the next evidence.
        calls = [call._replace(closed_by="json") if call.kind == "function" else call for call in found.calls]
        assert sorted(calls) == calls_of(items), bodies
        assert found.reasons == {0: "tool_calls" if calls_of(items) else "stop"}
        texts = [item["content"][0]["text"] for item in items if item["type"] == "message"]
        assert sum(map(len, found.texts.values())) == sum(map(len, texts)), bodies


@EACH_WAY
def test_calls_from_sdk_events_do_not_depend_on_cuts_and_labels(way: Any) -> None:
    """SDK objects give the same calls in the promised order, with texts and without."""
    rng = Random(way.__name__)
    for _ in range(_ROUNDS // 20):
        _, bodies = made(rng, way)
        built = [sdk_event(body) for body in bodies]
        assert seen(read(built)) == seen(read(bodies)), bodies
        assert facts(read(built, keep=False)) == facts(read(bodies)), bodies
        check_law(events_of(built))


@EACH_WAY
def test_events_before_a_cut_stay_and_open_calls_end(way: Any) -> None:
    """Events before the stream broke off stay, and open calls end with it."""
    rng = Random(way.__name__)
    for _ in range(_ROUNDS // 4):
        items, bodies = made(rng, way)
        length = rng.randrange(len(bodies))
        check_law(events_of(bodies[:length]))
        whole = {call.id: call for call in calls_of(items)}
        for call in seen(read(bodies[:length])).calls:
            assert whole[str(call.id)].arguments.startswith(call.arguments)
            assert call.closed_by in ("end", "json", "done", "next_call")


def test_stream_from_the_middle_has_whole_arguments_with_each_item() -> None:
    """A stream from the middle has the whole arguments of a call once its item is complete."""
    rng = Random(9)
    for _ in range(_ROUNDS):
        items = [item for item in items_of(rng) if item["type"] == "function_call"]
        queues = [events_of_item(rng, item, place) for place, item in enumerate(items)]
        bodies = [*in_turn(rng, queues), ends(*items)]
        found = seen(read(bodies[rng.randrange(len(bodies)) :])).calls
        assert sorted(call._replace(closed_by="json") for call in found) == calls_of(items)
