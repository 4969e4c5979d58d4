"""Reading one field of anything: a dict, an SDK object, or what is neither."""

from __future__ import annotations

from types import SimpleNamespace

from toolspan.wire import values

from ..table import each_row
from .reading import sdk


class Bare:
    """An object without extra fields, as the SDK's under pydantic 1."""

    def __init__(self) -> None:
        self.name = "x"


class Slots:
    """An object without fields that can be seen."""

    __slots__ = ("name",)


@each_row(
    ("value", "known", "extra"),
    [
        ({"a": 1}, {"a": 1}, {"a": 1}),
        (Bare(), {"name": "x"}, {"name": "x"}),
        (SimpleNamespace(__pydantic_extra__=None), {"__pydantic_extra__": None}, {}),
        (Slots(), {}, {}),
        (None, {}, {}),
        ("text", {}, {}),
        (int, {}, {}),
    ],
    ids=["dict", "object", "no-extra", "slots", "none", "text", "class"],
)
def test_view(value: object, known: object, extra: object) -> None:
    """Declared fields and those beyond them, of anything."""
    assert values.view(value) == (known, extra)


def test_view_of_sdk() -> None:
    """An SDK object keeps the two apart; `fields` joins them."""
    chunk = sdk({"id": "a", "x": 1})
    known, extra = values.view(chunk)
    assert (known["id"], extra) == ("a", {"x": 1})
    assert values.fields(chunk)["x"] == 1
    assert values.fields(sdk({"id": "a"}))["id"] == "a"
    assert values.fields({"a": 1}) == {"a": 1}


@each_row(("value", "expected"), [("a", "a"), ("", None), (None, None), (1, None), (b"a", None)], ids=repr)
def test_text(value: object, expected: str | None) -> None:
    """Only a string that says something."""
    assert values.text(value) == expected


@each_row(
    ("value", "expected"),
    [([1], [1]), ((1,), [1]), ({"a": 1}, [{"a": 1}]), ({}, []), (None, []), ("ab", []), (3, [])],
    ids=repr,
)
def test_sequence(value: object, expected: list[object]) -> None:
    """A list, or one object in place of it."""
    assert list(values.sequence(value)) == expected


@each_row(
    ("value", "expected"),
    [
        (0, 0),
        (127, 127),
        (128, None),
        (-1, None),
        (True, None),
        (1.0, None),
        ("0", None),
        (None, None),
        (10**30, None),
    ],
    ids=repr,
)
def test_index(value: object, expected: int | None) -> None:
    """A whole number of sane size."""
    assert values.index_of(value) == expected
