"""The hash that identifies a repeated request: equal for equal values, bounded in time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from toolspan.wire.hashing import argument_hash, digest
from toolspan.wire.json_scanner import parsed

MESSAGE = {"role": "user", "content": [{"type": "text", "text": "What now?"}]}
OTHERS: list[Any] = [
    None,
    "",
    "What now?",
    {"role": "user", "content": "What now?"},
    {"role": "user", "content": [{"type": "text", "text": "What then?"}]},
    {**MESSAGE, "name": "host"},
    [MESSAGE],
    [1, 2, 3],
    [1, 3, 2],
    list(range(100)),
    [*range(99), 7],
    [7, *range(1, 100)],
    list(range(101)),
    "x" * 70_000,
    "y" + "x" * 69_999,
    "x" * 69_999 + "y",
    "x" * 70_001,
]


def test_equal_values_have_equal_hashes_and_others_differ() -> None:
    """Equal values have equal hashes; values that differ in a hashed part do not."""
    assert digest(MESSAGE) == digest({"role": "user", "content": [{"type": "text", "text": "What now?"}]})
    assert len({digest(value) for value in (MESSAGE, *OTHERS)}) == len(OTHERS) + 1


def test_sdk_object_hashes_like_its_fields() -> None:
    """An SDK object has the hash of its fields."""
    assert digest(SimpleNamespace(**MESSAGE)) == digest(SimpleNamespace(**MESSAGE))
    assert digest(SimpleNamespace(**MESSAGE)) != digest(SimpleNamespace(**{**MESSAGE, "role": "tool"}))


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"a": value}], ids=["list", "dict"])
def test_deeply_nested_parts_are_not_hashed(wrap: Any) -> None:
    """Parts nested beyond the depth that is followed do not change the hash, and take no time."""
    value: Any = "x"
    for _ in range(5_000):
        value = wrap(value)
    assert digest(value) == digest(wrap(wrap(wrap(wrap(wrap(wrap(["deep"])))))))


def of(document: bytes) -> int | None:
    """That of arguments as they came."""
    return argument_hash(parsed(document.decode()))


def test_order_and_white_space_do_not_change_the_argument_hash() -> None:
    """The hash of arguments depends on their values, not on key order or white space."""
    one = argument_hash({"a": 1, "b": [True, None]})
    assert one == of(b' { "b" : [true, null], "a": 1 } ')
    assert one != argument_hash({"a": 1, "b": [True, 0]})
    assert argument_hash({}) == of(b"")
    assert argument_hash({"a": 1, "b": "x"}) == of(b'{"b": "x", "a": 1}')
    assert argument_hash({"a": 1, "b": "x"}) != of(b'{"b": "y", "a": 1}')


def test_value_that_is_not_json_has_no_equal_hash() -> None:
    """A value that cannot be hashed equals nothing."""
    assert argument_hash({"a": object()}) is None
    assert of(b"{") is None
    assert of(b"[" * 100_000) is None
