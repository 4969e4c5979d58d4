"""Values of the application as attributes; invalid values are logged once and omitted."""

from __future__ import annotations

import enum
from typing import Any

import pytest

from toolspan.otel import user_attributes
from toolspan.otel.user_attributes import attributes_of, warn_once

from ..table import each_row


class Plan(str, enum.Enum):
    """An enumeration of texts."""

    FREE = "free"


@pytest.fixture(name="warned", autouse=True)
def _warned(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Start without warnings of other tests."""
    found: set[tuple[str, str]] = set()
    monkeypatch.setattr(user_attributes, "_warned", found)
    return found


@each_row(
    ("value", "expected"),
    [
        ("text", "text"),
        ("a\ud83d", "a?"),
        (True, True),
        (7, 7),
        (0.5, 0.5),
        (Plan.FREE, "free"),
        (["a", "b"], ["a", "b"]),
        ((1, 2), [1, 2]),
        ([], []),
    ],
)
def test_plain_values_and_lists_of_one_type_are_attributes(value: Any, expected: Any) -> None:
    """Texts, booleans, numbers and lists of one of these types become attributes."""
    found = attributes_of({"key": value})
    assert found == {"key": expected}
    assert type(found["key"]) is type(expected)


@pytest.mark.parametrize(
    "value", [None, object(), b"x", {}, 2**63, ["a", 1], [None]], ids=lambda value: type(value).__name__
)
def test_an_invalid_value_is_omitted_with_one_warning(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A value that is not a valid attribute is omitted and logged once, without the value."""
    for _ in range(2):
        assert attributes_of({"key": value, "other": 1}) == {"other": 1}
    (record,) = caplog.records
    assert "key" in record.getMessage()
    assert type(value).__name__ in record.getMessage()


@pytest.mark.parametrize("key", [7, "", "toolspan.stream.chunks"], ids=["number", "empty", "reserved"])
def test_an_invalid_or_reserved_key_is_omitted(key: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A key that is not a text, is empty or begins with `toolspan.` is omitted and logged."""
    assert attributes_of({key: "x"}) == {}
    assert len(caplog.records) == 1


def test_at_most_a_hundred_different_warnings_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The log does not grow with the number of invalid keys."""
    for number in range(150):
        warn_once(f"key {number}", "is wrong")
    assert len(caplog.records) == 100
