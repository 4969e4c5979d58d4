"""Attributes of any shape into short, safe text; it must not know spans, logs or the screen.

Names and reasons come from a model or a server, so nothing here trusts their type, their length or their
characters: an escape sequence in a tool name must not reach the terminal.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Attributes: TypeAlias = Mapping[str, object]

_LONGEST = 48  # characters of one value on the screen


def clean(value: object, longest: int = _LONGEST) -> str:
    """The value on one line: control characters replaced, cut at `longest` characters."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value)[: longest + 1])
    return text if len(text) <= longest else text[: longest - 1] + "…"


def text(attributes: Attributes, name: str) -> str:
    """The attribute as clean text; empty when absent."""
    value = attributes.get(name)
    return "" if value is None else clean(value)


def texts(attributes: Attributes, name: str) -> str:
    """A list attribute as clean text, its members joined by commas; empty when absent or not a list."""
    value = attributes.get(name)
    if isinstance(value, str) or not isinstance(value, Sequence):
        return text(attributes, name)
    return clean(", ".join(map(str, value)))


def number(attributes: Attributes, name: str) -> float | None:
    """The attribute as a number; None when absent or of another type (a bool is not a number)."""
    value = attributes.get(name)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def seconds(value: float) -> str:
    """A duration in seconds, to the millisecond: `0.186 s`."""
    return f"{value:.3f} s"


def amount(value: float) -> str:
    """A number as a person reads it: whole ones whole, others to one decimal, three, or two digits."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value):
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:,.1f}"
    return f"{value:.3f}" if abs(value) >= 0.01 else f"{value:.2g}"


def money(value: float) -> str:
    """An amount of US dollars, to four decimals below one dollar; what is less is said to be less."""
    if 0 < value < 0.0001:
        return "<$0.0001"
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}"


def counted(value: float, noun: str) -> str:
    """A count with its noun: `1 fragment`, `4 fragments`."""
    return f"{amount(value)} {noun}" + ("" if value == 1 else "s")


def joined(*parts: str) -> str:
    """The parts that are not empty, a dot between them."""
    return " · ".join(part for part in parts if part)
