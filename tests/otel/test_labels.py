"""User attributes as labels of metrics: selected keys, short values, few series."""

from __future__ import annotations

from typing import Any

from toolspan.otel.labels import MOST_VALUES, UserLabels

from ..table import each_row


def test_only_selected_keys_become_labels() -> None:
    """A key that is not selected, or has no value, is not a label."""
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
def test_label_values_are_shortened_and_never_floats_or_lists(value: Any, expected: Any) -> None:
    """Texts are shortened; floats and lists become texts."""
    assert UserLabels(("feature",)).of({"feature": value}) == {"feature": expected}


def test_only_the_first_hundred_values_of_a_key_are_labels() -> None:
    """The first hundred values of each key are kept, further values share one label."""
    wanted = UserLabels(("feature", "plan"))
    found = [wanted.of({"feature": f"f{number}"})["feature"] for number in range(MOST_VALUES + 5)]
    assert found[MOST_VALUES - 1 :] == [f"f{MOST_VALUES - 1}", *["_OTHER"] * 5]
    assert wanted.of({"feature": "f3", "plan": "free"}) == {"feature": "f3", "plan": "free"}
