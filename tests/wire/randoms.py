"""Random JSON, random damage and random cuts, from a seeded generator, fast enough for large counts."""

from __future__ import annotations

import json
from random import Random
from typing import Any

INF = float("inf")
ODD_NUMBERS = [0, -1, 1, True, False, 0.0, 1.5, 2**31, 2**63, 10**30, float("nan"), INF, -INF]
ODD_TEXTS = ["", "a", "id", "call_a", "weather", "{}", '{"a": 1}', '"{}"', "\ud800", "é\u2028😀", "\x00"]
ODD_TEXTS += [" \n", "stop"]
KEYS = ["id", "name", "index", "choices", "delta", "tool_calls", "function", "arguments", "usage", "text"]
KEYS += ["error"]
WORDS = [
    "Oslo",
    "Tromsø",
    "東京",
    "😀",
    '"',
    "\\",
    "\\u00e9",
    "{",
    "}",
    "[",
    ",:",
    "\n",
    "\t",
    "a b",
    "\ud83d",
]
WORDS += ["\x7f"]


def value(rng: Random, depth: int = 3) -> Any:
    """Any JSON value, odd ones more often than not."""
    kind = rng.random()
    if depth == 0 or kind < 0.55:
        return rng.choice(rng.choice(([None], ODD_NUMBERS, ODD_TEXTS)))
    size = rng.randrange(4)
    if kind < 0.75:
        return [value(rng, depth - 1) for _ in range(size)]
    return {rng.choice(KEYS): value(rng, depth - 1) for _ in range(size)}


def _plain(rng: Random, depth: int) -> Any:
    kind = rng.randrange(7 if depth else 5)
    if kind < 2:
        return "".join(rng.choices(WORDS, k=rng.randrange(4)))
    if kind < 5:
        return (
            rng.randrange(-9, 10**6),
            rng.random() * 10 ** rng.randrange(-9, 20),
            rng.choice((None, True)),
        )[kind - 2]
    if kind == 5:
        return [_plain(rng, depth - 1) for _ in range(rng.randrange(3))]
    return document(rng, depth - 1)


def document(rng: Random, depth: int = 2) -> dict[str, Any]:
    """A JSON object as tools get it: unicode, escapes, nested values."""
    return {rng.choice(WORDS): _plain(rng, depth) for _ in range(rng.randrange(4))}


def written(rng: Random, found: Any) -> str:
    """One of the many ways to write a document down: escaped or not, dense or airy, white space around."""
    layout = rng.choice(({"indent": 1}, {"separators": (",", ":")}, {}))
    text = json.dumps(found, ensure_ascii=rng.random() < 0.5, **layout)
    return rng.choice(("", " ", "\n\t")) + text + rng.choice(("", "", "\r\n "))


def damaged(rng: Random, text: str) -> str:
    """The text with some characters removed, doubled, replaced or added."""
    letters = list(text)
    for _ in range(rng.randrange(1, 4)):
        place = rng.randrange(len(letters) + 1)
        letters[place : place + rng.randrange(3)] = rng.choices(
            '{}[]",:\\ut01.eE+- \nNaé\x01', k=rng.randrange(3)
        )
    return "".join(letters)


def cut(rng: Random, text: str) -> list[str]:
    """The text in pieces, some of them empty, sometimes each of one character."""
    if rng.random() < 0.1:
        return list(text)
    places = sorted(rng.randrange(len(text) + 1) for _ in range(rng.randrange(7)))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


def altered(rng: Random, found: Any, share: float) -> Any:
    """A copy in which each leaf is replaced by any JSON value with the probability `share`."""
    if rng.random() < share / 4:
        return value(rng)
    if isinstance(found, dict):
        return {key: altered(rng, part, share) for key, part in found.items()}
    if isinstance(found, list):
        return [altered(rng, part, share) for part in found]
    return value(rng) if rng.random() < share else found
