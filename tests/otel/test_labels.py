"""Attributes of the application's as labels of metrics: only those that are wanted, short and few."""

from __future__ import annotations

from typing import Any

from toolspan.otel.labels import MOST_VALUES, UserLabels

from ..table import each_row


def test_only_what_is_wanted() -> None:
    """A key that is not wanted, or has no value, is no label."""
    wanted = UserLabels(("feature", "plan"))
    assert wanted.of({"feature": "search", "tenant": "a"}) == {"feature": "search"}
    assert wanted.of({}) == UserLabels(()).of({"feature": "search"}) == {}


@each_row(
    ("value", "expected"),
    [
        ("search", "search"),
        ("x" * 200, "x" * 127 + "…"),
        (7, 7),
        (True, True),
        (0.5, "0.5"),
        (float("nan"), "NaN"),
        (["a", "b"], '["a","b"]'),
    ],
    ids=["text", "long", "int", "bool", "float", "nan", "list"],
)
def test_values(value: Any, expected: Any) -> None:
    """Texts are shortened; what could make a series of its own each time is made a text."""
    assert UserLabels(("feature",)).of({"feature": value}) == {"feature": expected}


def test_bounded() -> None:
    """The first hundred values of each key are kept, all others are one; each key has its own hundred."""
    wanted = UserLabels(("feature", "plan"))
    found = [wanted.of({"feature": f"f{number}"})["feature"] for number in range(MOST_VALUES + 5)]
    assert found[MOST_VALUES - 1 :] == [f"f{MOST_VALUES - 1}", *["_OTHER"] * 5]
    assert wanted.of({"feature": "f3", "plan": "free"}) == {"feature": "f3", "plan": "free"}
