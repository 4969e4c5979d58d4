"""A call's arguments: counts, an end, a verdict and a repetition, without their text."""

from __future__ import annotations

import pytest

from toolspan.wire.arguments import Arguments
from toolspan.wire.json_scanner import BROKEN, COMPLETE, EMPTY, OPEN, UNPARSED

from ..table import each_row


def fed(*pieces: str, free_text: bool = False) -> Arguments:
    """Arguments that were fed these pieces."""
    arguments = Arguments(free_text=free_text)
    for piece in pieces:
        arguments.feed(piece)
    return arguments


def test_fragments_are_counted_and_size_is_in_utf_8_bytes() -> None:
    """Fragments are counted as they came, size in bytes of UTF-8."""
    arguments = fed('{"a": "', "ø", '"}')
    assert (arguments.end().fragments, arguments.end().size) == (3, 11)


def test_fragment_that_ends_the_document_reports_it() -> None:
    """The fragment that ends the document reports its end, and no fragment before it."""
    arguments = Arguments()
    pieces = ['{"a": {"b": "}', '"}', ", ", '"c": [1', "]", "}"]
    assert [arguments.feed(piece) for piece in pieces] == [False] * 5 + [True]


@each_row("text", ["{}", "[1, 2]", '"a"', "12 ", "null\n"], ids=repr)
def test_every_kind_of_document_ends_at_its_last_letter(text: str) -> None:
    """Every kind of document is seen to end at its last letter."""
    arguments = Arguments()
    assert [arguments.feed(letter) for letter in text] == [False] * (len(text) - 1) + [True]


@each_row(
    ("pieces", "state", "valid"),
    [
        ([], EMPTY, True),
        ([" "], EMPTY, True),
        (['{"a"'], OPEN, False),
        (["{}"], COMPLETE, True),
        (["{}", " "], COMPLETE, True),
        (["{}", "{}"], BROKEN, False),
        (["no"], OPEN, False),
        (["no "], BROKEN, False),
    ],
    ids=["none", "space", "begun", "ended", "space-after", "twice", "word", "not-json"],
)
def test_arguments_are_complete_open_or_broken_and_valid_or_not(
    pieces: list[str], state: str, valid: bool
) -> None:
    """Arguments have ended, have only begun or are broken, and parse or do not."""
    arguments = fed(*pieces)
    assert arguments.read() is state
    assert arguments.end()[:2] == (valid, state is COMPLETE)


def test_bare_number_is_complete_when_nothing_follows() -> None:
    """A bare number is complete when nothing follows."""
    arguments = fed("4", "2")
    assert not arguments.end().complete
    arguments.close()
    assert arguments.end().complete


def test_free_text_is_never_complete_and_always_valid() -> None:
    """The input of a custom tool is never complete by itself, and always valid."""
    arguments = fed("{}", " ls", free_text=True)
    arguments.close()
    assert arguments.end() == (True, False, 5, 2, UNPARSED)


@each_row(
    ("text", "repeats"),
    [
        ('{"a": 1}', True),
        ('"{\\"a\\": 1}"', True),
        ('{"a": 2}', False),
        ('{"a":1}', False),
        ('"{\\"a\\": 2}"', False),
        ('"cut', False),
        ('"', False),
        ("", False),
    ],
    ids=["plain", "encoded", "other", "other-spacing", "other-encoded", "cut", "quote", "nothing"],
)
def test_repetition_is_the_same_text_plain_or_encoded(text: str, repeats: bool) -> None:
    """A repetition is the same text, plain or encoded as a JSON string."""
    assert fed('{"a"', ": 1}").repeats(text) is repeats


def test_empty_arguments_are_not_repeated() -> None:
    """Where nothing came, nothing can come again."""
    assert not fed().repeats("")
    assert not fed().repeats('""')


def kept(*pieces: str) -> Arguments:
    """Arguments that keep their text, and were fed these pieces."""
    arguments = Arguments(keep=True)
    for piece in pieces:
        arguments.feed(piece)
    return arguments


@each_row(
    ("pieces", "first", "second"),
    [
        ([], {}, {}),
        ([" ", "\n"], {}, {}),
        (['{"a": "é"}'], {"a": "é"}, UNPARSED),
        (['{"a":', ' "é"}', " "], {"a": "é"}, UNPARSED),
        (['{"a":'], UNPARSED, UNPARSED),
        (["{}", "x"], UNPARSED, UNPARSED),
        (['{"a": "\ud83d"}'], {"a": "\ud83d"}, UNPARSED),
    ],
    ids=["none", "space", "whole", "document", "begun", "not-json", "surrogate"],
)
def test_whole_document_is_taken_once(pieces: list[str], first: object, second: object) -> None:
    """A whole document is returned once, empty arguments any number of times, broken ones never."""
    arguments = kept(*pieces)
    assert (arguments.end().value, arguments.end().value) == (first, second)


def test_arguments_without_keep_have_nothing_to_take() -> None:
    """Without `keep` there is nothing to take."""
    assert fed("{}").end().value is UNPARSED
    assert fed("ls", free_text=True).end().value is UNPARSED


@pytest.mark.parametrize("size", [1, 1000, 100_000])
def test_kept_arguments_are_bounded_at_64_kib(size: int) -> None:
    """Up to 64 KiB are kept; a longer text, or one that is not JSON, is not."""
    arguments, most = kept('{"a": "'), 0
    for _ in range(200_000 // size):
        arguments.feed("x" * size)
        most = max(most, len(arguments._kept or b""))
    assert arguments.end().size > 199_000
    assert most <= 64 * 1024
    assert arguments._kept is None
    assert kept("no, ", *["x"] * 500)._kept is None


def test_lone_surrogates_are_counted_without_an_error() -> None:
    """Half a character pair, as broken servers send it, is counted."""
    arguments = fed('{"a": "\ud83d', '\ude00"}')
    assert (arguments.end().complete, arguments.end().size) == (True, 15)


def test_a_text_that_cannot_be_written_again_is_another_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document so deep that only the parser gets to its end is not compared as a rewritten one."""
    arguments = Arguments()
    arguments.feed('{"a": 1}')
    assert arguments.is_rewritten('{ "a": 1 }')

    def too_deep(*_: object, **__: object) -> str:
        raise RecursionError

    monkeypatch.setattr("json.dumps", too_deep)
    assert not arguments.is_rewritten('{ "a": 1 }')
