"""Any arguments of the functions that an application calls: they work, or the error comes at the call."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

import toolspan
from toolspan import kill_switch
from toolspan.accounting.monitor import UsageMonitor


class Hostile:
    """An object that raises whatever is asked of it."""

    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __repr__

    def __bool__(self) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError


NUMBERS = (0, 1, -1, True, False, 2.5, float("nan"), float("inf"), 10**400, 1j, Fraction(1, 3))
DECIMALS = (Decimal("0.5"), Decimal("NaN"), Decimal("sNaN"), Decimal(-1))
TEXTS = ("", "a", "conversation", "conversaton", "x" * 10_000, b"x")
CONTAINERS: tuple[Any, ...] = (
    [],
    (),
    {},
    [1],
    ["t"],
    {"a": 1},
    {1: 2},
    [None],
    range(3),
    [{"type": "function"}],
)
OBJECTS: tuple[Any, ...] = (None, ..., object(), Hostile(), Hostile, [Hostile()], len, print, type)
VALUES = (*NUMBERS, *DECIMALS, *TEXTS, *CONTAINERS, *OBJECTS)


@pytest.fixture(name="value")
def _value() -> Iterator[Callable[[], Any]]:
    """Give a random value at each call; afterwards all is switched on."""
    chosen = random.Random(17)
    yield lambda: chosen.choice(VALUES)
    toolspan.switch(enabled=True, track_streams=True, content=True)


def some(value: Callable[[], Any], *names: str) -> dict[str, Any]:
    """Return random values for some of the names."""
    return {name: value() for name in names if isinstance(value(), (int, float, str))}


def calls(value: Callable[[], Any]) -> Iterator[Callable[[], object]]:
    """Yield each function with random arguments."""
    usage = UsageMonitor()
    yield lambda: usage.budget(value(), value(), **some(value, "cost", "tokens", "per", "model", "tenant"))
    yield lambda: usage.budget(print, **some(value, "cost", "per"))
    yield lambda: (usage.total(value()), usage.by(value(), value()), usage.reset(model=value()))
    yield lambda: usage.cancel(value())
    yield lambda: toolspan.events(value(), tools=value(), choices=value())
    yield lambda: toolspan.tool(value(), **some(value, "call_id", "description", "arguments"))
    yield lambda: toolspan.tool("a")(value())
    yield lambda: toolspan.attributes(value(), a=value())
    yield lambda: toolspan.switch(value(), **some(value, "enabled", "content"))


@pytest.mark.filterwarnings("ignore")
def test_any_arguments_work_or_are_an_error_of_the_documented_type(value: Callable[[], Any]) -> None:
    """Of many random calls each returns, or raises `TypeError` or `ValueError` with toolspan's name."""
    raised: list[str] = []
    for _ in range(300):
        for call in calls(value):
            try:
                call()
            except (TypeError, ValueError) as error:
                raised.append(str(error))
    assert len(raised) > 1000
    assert [message for message in raised if not message.startswith("toolspan")] == []
    assert {type(each) for each in kill_switch.everywhere()} == {bool}
