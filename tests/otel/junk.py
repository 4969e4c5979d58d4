"""What a redaction callback may give back, and must do no harm; the original is `ORIGINAL` throughout.

It knows neither the callback's caller nor what becomes of it.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

WORDS = "".join(("MA", "RK"))
"""Not in one piece, because tracebacks show source lines."""
Junk = Callable[[str, Any], Any]


class Hostile:
    """An object that raises wherever it is touched."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(WORDS)

    def __str__(self) -> str:
        raise RuntimeError(WORDS)

    __repr__ = __str__


class HostileMapping(Mapping[str, Any]):
    """A mapping that raises when it is read."""

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError(WORDS)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError(WORDS)

    def __len__(self) -> int:
        return 1


class Endless(list[Any]):
    """A list that never ends."""

    def __iter__(self) -> Iterator[Any]:
        while True:
            yield {"role": "user"}


class Saying(str):
    """A text that says something else when it is asked."""

    __slots__ = ()

    def __str__(self) -> str:
        return "MARK"


class Word(str, enum.Enum):
    """An enumeration of texts."""

    HIDDEN = "hidden"


def _circle(name: str, value: Any) -> Any:
    value = [{"role": "user"}]
    value[0]["parts"] = value
    return value


def _wide_circle(name: str, value: Any) -> Any:
    found: list[Any] = []
    found.extend([found] * 10)
    return found


def _deep(name: str, value: Any) -> Any:
    found: Any = "end"
    for _ in range(5000):
        found = [found]
    return [{"parts": found}]


def _spoilt(name: str, value: Any) -> Any:
    """The very object that was given, spoilt, and with the original in it."""
    if isinstance(value, list):
        value.append({"parts": value, "object": Hostile()})
    elif isinstance(value, dict):
        value["self"] = value
    return value if isinstance(value, (list, dict)) else Hostile()


async def _coroutine(name: str, value: Any) -> Any:
    return value


def _generator(name: str, value: Any) -> Any:
    yield value


REFUSED: dict[str, Junk] = {
    "an object": lambda name, value: object(),
    "a hostile object": lambda name, value: Hostile(),
    "the original in an object": lambda name, value: [{"value": {Wrapped(value)}}],
    "a set": lambda name, value: {"a"},
    "bytes": lambda name, value: b"MARK",
    "a date": lambda name, value: dt.date(2026, 1, 1),
    "a decimal": lambda name, value: [{"a": decimal.Decimal(1)}],
    "a type": lambda name, value: str,
    "a function": lambda name, value: len,
    "a coroutine": _coroutine,
    "a generator": _generator,
    "a hostile mapping": lambda name, value: HostileMapping(),
    "keys that are no texts": lambda name, value: [{1: "a"}],
    "a circle": _circle,
    "a wide circle": _wide_circle,
    "endless": lambda name, value: Endless(),
    "deep": _deep,
    "spoilt": _spoilt,
    "huge": lambda name, value: [{"a": "x" * 10_000_000}],
    "many": lambda name, value: [{}] * 200_000,
}
"""Nothing is recorded."""


class Wrapped:
    """Holds something, and shows it."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return repr(self.value)


TIDIED: dict[str, tuple[Any, Any]] = {
    "not a number": ([{"a": math.nan}], [{"a": "nan"}]),
    "endless number": ([{"a": -math.inf}], [{"a": "-inf"}]),
    "big number": ([{"a": 2**64}], [{"a": str(2**64)}]),
    "tuples": (({"a": (1, 2)},), [{"a": [1, 2]}]),
    "a text that says something else": ([{"a": Saying("fine")}], [{"a": "fine"}]),
    "an enumeration": ([{Word.HIDDEN: Word.HIDDEN}], [{"hidden": "hidden"}]),
    "half a character": ([{"a\ud83d": "b\ud83d"}], [{"a?": "b?"}]),
    "an empty key": ([{"": None}], [{"_": None}]),
    "true and nothing": ([{"a": True, "b": None, "c": 0}], [{"a": True, "b": None, "c": 0}]),
}
"""As messages: what is given, and what is recorded."""
