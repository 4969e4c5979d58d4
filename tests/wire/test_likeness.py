"""Arguments told apart by a number; nothing of them can be read from it."""

from __future__ import annotations

from toolspan.wire.likeness import likeness, likeness_of


def test_equal_arguments() -> None:
    """Order and white space do not matter, values do."""
    one = likeness({"a": 1, "b": [True, None]})
    assert one == likeness_of(b' { "b" : [true, null], "a": 1 } ')
    assert one != likeness({"a": 1, "b": [True, 0]})
    assert likeness({}) == likeness_of(b"")


def test_what_is_no_json() -> None:
    """What cannot be compared is like nothing."""
    assert likeness({"a": object()}) is None
    assert likeness_of(b"{") is None
    assert likeness_of(b"[" * 100_000) is None
