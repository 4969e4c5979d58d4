"""Arguments told apart by a number; nothing of them can be read from it."""

from __future__ import annotations

from toolspan.wire.json_scan import parsed
from toolspan.wire.likeness import likeness


def of(document: bytes) -> int | None:
    """That of arguments as they came."""
    return likeness(parsed(document.decode()))


def test_equal_arguments() -> None:
    """Order and white space do not matter, values do."""
    one = likeness({"a": 1, "b": [True, None]})
    assert one == of(b' { "b" : [true, null], "a": 1 } ')
    assert one != likeness({"a": 1, "b": [True, 0]})
    assert likeness({}) == of(b"")
    assert likeness({"a": 1, "b": "x"}) == of(b'{"b": "x", "a": 1}')
    assert likeness({"a": 1, "b": "x"}) != of(b'{"b": "y", "a": 1}')


def test_what_is_no_json() -> None:
    """What cannot be compared is like nothing."""
    assert likeness({"a": object()}) is None
    assert of(b"{") is None
    assert of(b"[" * 100_000) is None
