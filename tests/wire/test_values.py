"""Reading the fields of a dict, of an SDK object, or of any other value."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

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
def test_view_separates_declared_fields_from_extra_ones(value: object, known: object, extra: object) -> None:
    """The view of any value is its declared fields and its extra fields."""
    assert values.view(value) == (known, extra)


def test_view_of_an_sdk_object_separates_what_fields_joins() -> None:
    """An SDK object has the two apart; `fields` joins them."""
    chunk = sdk({"id": "a", "x": 1})
    known, extra = values.view(chunk)
    assert (known["id"], extra) == ("a", {"x": 1})
    assert values.fields(chunk)["x"] == 1
    assert values.fields(sdk({"id": "a"}))["id"] == "a"
    assert values.fields({"a": 1}) == {"a": 1}


@each_row(("value", "expected"), [("a", "a"), ("", None), (None, None), (1, None), (b"a", None)], ids=repr)
def test_only_a_string_with_characters_is_text(value: object, expected: str | None) -> None:
    """An empty string or another type is no text."""
    assert values.text(value) == expected


@each_row(
    ("value", "expected"),
    [([1], [1]), ((1,), [1]), ({"a": 1}, [{"a": 1}]), ({}, []), (None, []), ("ab", []), (3, [])],
    ids=repr,
)
def test_single_object_reads_as_a_list_of_one(value: object, expected: list[object]) -> None:
    """A list is a sequence, and so is one object in place of a list."""
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
def test_index_is_a_whole_number_of_bounded_size(value: object, expected: int | None) -> None:
    """An index is a whole number below 128."""
    assert values.index_of(value) == expected


@each_row(
    ("value", "expected"),
    [
        *((0, 0), (9, 9), (9.0, 9), (9.5, None), (-1, None), (True, None), ("9", None), (None, None)),
        *((2**63 - 1, 2**63 - 1), (2**63, None), (float("inf"), None)),
    ],
    ids=repr,
)
def test_count_is_a_whole_number_that_is_not_negative(value: object, expected: int | None) -> None:
    """A number of tokens may come as a whole float, but not as `True` or beyond 63 bits."""
    assert values.count(value) == expected


class Unreadable:
    """An object of a class whose attributes raise, as an unbound proxy's do."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_an_object_that_raises_when_it_is_read_has_no_fields() -> None:
    """A foreign object whose attributes raise is read as an empty one."""
    assert values.view(Unreadable()) == (values.NOTHING, values.NOTHING)
    assert values.fields(Unreadable()) == {}


@each_row(
    ("value", "expected"),
    [
        ("gpt-4.1", "gpt-4.1"),
        ("w" * 256, "w" * 256),
        ("é" * 64, "é" * 64),
        ("", None),
        (None, None),
        (7, None),
    ],
    ids=["short", "longest", "longest-wide", "empty", "null", "number"],
)
def test_word_of_usual_length_is_unchanged(value: object, expected: str | None) -> None:
    """A word of at most 256 ASCII characters, or 64 others, is unchanged; anything else is none."""
    assert values.word(value) == expected


@pytest.mark.parametrize("letter", ["w", "é", "\U0001f600", "\ud800"])
def test_long_word_is_shortened_and_still_differs_from_others(letter: str) -> None:
    """A long word is cut to 256 bytes; equal ones stay equal, and others with the same beginning differ."""
    long = letter * 100_000
    found = values.word(long)
    assert found is not None
    assert len(found.encode("utf-8", "surrogatepass")) <= values.LONGEST
    assert found.startswith(letter * 40)
    assert found == values.word(letter * 100_000) == values.word(found)
    assert found != values.word(long + letter)
