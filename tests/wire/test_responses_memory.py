"""A delta of the Responses API costs the same, however many came before it, and leaves nothing behind."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from toolspan.wire.responses import ResponsesReader

from ..table import each_row
from .reading import FULL, plain
from .response_shapes import ONE, Event, added, event
from .responses_reading import sdk_event

_MANY = 20_000 if FULL else 2_000
_CUSTOM = {"type": "custom_tool_call", "id": "fc_a", "call_id": "call_a", "name": "sql", "input": ""}


def text(count: int) -> list[Event]:
    """A long text."""
    return [event("output_text.delta", "msg_1", 0, delta="word ")] * count


def unlabelled(count: int) -> list[Event]:
    """A long text without id and place."""
    return [event("output_text.delta", delta="word ")] * count


def thoughts_with_many_ids(count: int) -> list[Event]:
    """A long thought whose item has another id in each delta (litellm#36375)."""
    return [event("reasoning_text.delta", f"rs_{number}", 0, delta="word ") for number in range(count)]


def arguments(count: int) -> list[Event]:
    """One call, one long string in it."""
    delta = event("function_call_arguments.delta", "fc_a", 0, delta="word ")
    return [added(ONE, arguments=""), event("function_call_arguments.delta", "fc_a", 0, delta='{"a": "'),
            *[delta] * count]  # fmt: skip


def free_text(count: int) -> list[Event]:
    """One custom call with a long input."""
    delta = event("custom_tool_call_input.delta", "fc_a", 0, delta="word ")
    return [added(_CUSTOM), *[delta] * count]


def after_the_end(count: int) -> list[Event]:
    """One call, complete, then white space without end."""
    delta = event("function_call_arguments.delta", "fc_a", 0, delta="\n")
    return [added(ONE, arguments=""), event("function_call_arguments.delta", "fc_a", 0, delta="{}"),
            *[delta] * count]  # fmt: skip


def beginning_missing(count: int) -> list[Event]:
    """Arguments of which the beginning was never seen."""
    return [event("function_call_arguments.delta", "fc_a", 0, delta="word ")] * count


def many_calls(count: int) -> list[Event]:
    """Calls without end."""
    return [added({**ONE, "id": f"fc_{number}", "call_id": f"c_{number}"}, number) for number in range(count)]


def images(count: int) -> list[Event]:
    """Partial images."""
    return [event("image_generation_call.partial_image", "ig_1", 0, partial_image_b64="x" * 99)] * count


SHAPES = [
    text,
    unlabelled,
    thoughts_with_many_ids,
    arguments,
    free_text,
    after_the_end,
    beginning_missing,
    images,
]


def seconds_each(bodies: list[Any]) -> float:
    """The processor time for one event, the best of three."""
    found = []
    for _ in range(3):
        reader = ResponsesReader(pieces=False)
        began = time.process_time()
        for body in bodies:
            reader.read(body)
        reader.close()
        found.append(time.process_time() - began)
    return min(found) / len(bodies)


@pytest.mark.parametrize("build", [plain, sdk_event], ids=["dict", "sdk"])
@pytest.mark.parametrize("shape", [*SHAPES, many_calls], ids=lambda shape: shape.__name__)
def test_late_delta_takes_no_longer_than_an_early_one(
    shape: Callable[[int], list[Event]], build: Callable[[Any], Any]
) -> None:
    """A delta among 20 000 takes no longer than one among 2 000."""
    built: dict[int, Any] = {}
    bodies = shape(_MANY)
    many = [built.get(id(body)) or built.setdefault(id(body), build(body)) for body in bodies]
    assert seconds_each(many) / seconds_each(many[: _MANY // 10]) < 3


def size(value: Any, known: set[int]) -> int:
    """The bytes that an object and all it holds of ours take."""
    if id(value) in known or isinstance(value, type):
        return 0
    known.add(id(value))
    parts: list[Any] = []
    if isinstance(value, dict):
        parts = [*value, *value.values()]
    elif isinstance(value, (list, set, tuple)):
        parts = list(value)
    elif type(value).__module__.startswith("toolspan"):
        slots = {name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())}
        parts = [getattr(value, name) for name in slots if hasattr(value, name)]
    return sys.getsizeof(value) + sum(size(part, known) for part in parts)


@each_row("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_reader_memory_does_not_grow_with_the_deltas(shape: Callable[[int], list[Event]]) -> None:
    """The reader's memory does not grow with the deltas; a bounded number of changing ids is kept."""
    sizes = []
    for count in (200, 4_000) if shape is thoughts_with_many_ids else (64, 2_000):
        reader = ResponsesReader(pieces=False)
        for body in shape(count):
            reader.read(body)
        sizes.append(size(reader, set()))
    assert sizes[1] < sizes[0] + 1_000


def test_number_of_calls_kept_by_the_reader_is_bounded() -> None:
    """A stream of calls without end keeps at most 1 024 of them."""
    reader = ResponsesReader()
    for body in many_calls(5_000):
        reader.read(body)
    assert len(reader.close()) <= 1_024
