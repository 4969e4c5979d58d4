"""Each tolerance for the values of a server that departs from the format, costs included."""

from __future__ import annotations

from typing import Any

from toolspan.wire import quirks

from ..table import each_row

INSIDE: dict[str, Any] = {"x": 1}
INSIDE["self"] = INSIDE


@each_row(
    ("index", "expected", "counts"), [(0, 1, False), (1, 1, True), (1, 2, False), (None, 1, False)], ids=repr
)
def test_first_choice_index_that_is_not_zero_counts_tokens(
    index: object, expected: int, counts: bool
) -> None:
    """In an answer of one choice, a first index other than 0 counts tokens."""
    assert quirks.counts_tokens(index, expected) is counts


ENTRIES = {
    "whole": (
        {"index": 1, "id": "a", "function": {"name": "f", "arguments": "{}"}},
        (1, "a", "f", "function", "{}"),
    ),
    "id-inside": ({"function": {"id": "a"}}, (None, "a", None, "function", "")),
    "custom": (
        {"index": 0, "type": "custom", "custom": {"name": "s", "input": "ls"}},
        (0, None, "s", "custom", "ls"),
    ),
    "custom-untyped": ({"index": 0, "custom": {"input": "ls"}}, (0, None, None, "custom", "ls")),
    "custom-beside-function": (
        {"custom": {"input": "ls"}, "function": {"arguments": "{"}},
        (None, None, None, "function", "{"),
    ),
    "custom-no-object": ({"id": "a", "custom": 1}, (None, "a", None, "custom", "")),
    "nothing": ({"index": 0, "id": "", "function": {"name": "", "arguments": None}}, None),
    "signature-only": ({"extra_content": {"google": {}}}, None),
    "empty": ({}, None),
    "no-object": ("x", None),
}


@each_row(("entry", "expected"), ENTRIES.values(), ids=ENTRIES)
def test_entry_of_tool_calls_reads_as_one_delta_or_none(
    entry: object, expected: tuple[object, ...] | None
) -> None:
    """An entry of `tool_calls` is one delta; an entry without any value is none."""
    found = quirks.call_delta(entry)
    assert (found and found[:5]) == expected


def test_each_entry_of_a_whole_answer_is_a_call_of_its_own() -> None:
    """In a whole answer each entry is a separate call, even one without any value."""
    found = quirks.call_deltas([{"id": "a"}, {"function": {}}, {"index": 7, "id": "c"}], True)
    assert [(delta.index, delta.id) for delta in found] == [(0, "a"), (1, None), (2, "c")]


@each_row(
    ("value", "expected"),
    [
        ({"name": "f", "arguments": "{"}, [(0, None, "f", "function", "{")]),
        ({"arguments": {}}, [(0, None, None, "function", "{}")]),
        ({"name": None, "arguments": None}, []),
        ("x", []),
    ],
    ids=["both", "object", "nulls", "text"],
)
def test_deprecated_function_call_reads_as_one_delta(value: object, expected: list[object]) -> None:
    """The deprecated single call."""
    assert [delta[:5] for delta in quirks.function_call_deltas(value)] == expected


@each_row(
    ("value", "expected"),
    [
        ("{", "{"),
        (None, ""),
        ({"a": "é"}, '{"a": "é"}'),
        ([1], "[1]"),
        (3, ""),
        ({"a": {1}}, ""),
        (INSIDE, ""),
    ],
    ids=["text", "null", "object", "list", "number", "no-json", "within-itself"],
)
def test_arguments_of_any_type_are_read_as_text(value: object, expected: str) -> None:
    """Arguments become text, whatever JSON type the server sends."""
    assert quirks.arguments_text(value) == expected


@each_row(
    ("value", "expected"),
    [
        ("a", [(False, "a")]),
        ("", []),
        (None, []),
        ([{"type": "text", "text": "a"}, {"text": ""}, 3], [(False, "a")]),
        ({"text": "a"}, [(False, "a")]),
        ([{"thinking": "a"}, {"thinking": ""}], [(True, "a")]),
        ([{"thinking": [{"text": "a"}, {"text": "b"}]}], [(True, "a"), (True, "b")]),
        ([{"thinking": [{"thinking": "a"}]}], []),
    ],
    ids=["text", "empty", "null", "parts", "one-part", "thinking", "thinking-parts", "thinking-in-thinking"],
)
def test_content_reads_as_pieces_of_text_and_reasoning(
    value: object, expected: list[tuple[bool, str]]
) -> None:
    """Content as pieces of text and of reasoning."""
    assert list(quirks.content_pieces(value)) == expected


@each_row(
    ("error", "code"),
    [
        (None, None),
        ({}, None),
        ({"code": 502}, "502"),
        ({"code": "rate_limit"}, "rate_limit"),
        ({"code": "It is broken."}, "_OTHER"),
        ({"code": "x" * 65}, "_OTHER"),
        ({"code": True}, "_OTHER"),
        ({"message": "secret"}, "_OTHER"),
        ("secret", "_OTHER"),
    ],
    ids=["null", "empty", "number", "word", "sentence", "long", "true", "message", "text"],
)
def test_error_is_reported_by_its_code_never_its_message(error: object, code: str | None) -> None:
    """An error's code if it is one, never its message."""
    assert quirks.failure_of({"error": error}) == code


@each_row(
    ("value", "expected"),
    [("stop", "stop"), ("", None), (1, None), ("x" * 99, "x" * 64)],
    ids=["word", "empty", "number", "long"],
)
def test_finish_reason_is_a_word_of_bounded_length(value: object, expected: str | None) -> None:
    """A finish reason is a word of sane length."""
    assert quirks.finish_reason(value) == expected
