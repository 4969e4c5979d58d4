"""What is known of a call's arguments: counts, an end, a verdict and a repetition, without their text."""

from __future__ import annotations

import pytest

from toolspan.wire.json_scanner import UNPARSED
from toolspan.wire.tool_call import Arguments

from ..table import each_row


def fed(*pieces: str, free_text: bool = False) -> Arguments:
    """Arguments that were fed these pieces."""
    arguments = Arguments(free_text=free_text)
    for piece in pieces:
        arguments.feed(piece)
    return arguments


def test_counts() -> None:
    """Fragments are counted as they came, size in bytes of UTF-8."""
    arguments = fed('{"a": "', "ø", '"}')
    assert (arguments.fragments, arguments.size) == (3, 11)


def test_end_is_seen_at_once() -> None:
    """The fragment that ends the document says so, none before it does."""
    arguments = Arguments()
    pieces = ['{"a": {"b": "}', '"}', ", ", '"c": [1', "]", "}"]
    assert [arguments.feed(piece) for piece in pieces] == [False] * 5 + [True]


@each_row("text", ["{}", "[1, 2]", '"a"', "12 ", "null\n"], ids=repr)
def test_end_of_any_document(text: str) -> None:
    """Every kind of document is seen to end at its last letter."""
    arguments = Arguments()
    assert [arguments.feed(letter) for letter in text] == [False] * (len(text) - 1) + [True]


@each_row(
    ("pieces", "complete", "unfinished", "valid"),
    [
        ([], False, False, True),
        ([" "], False, False, True),
        (['{"a"'], False, True, False),
        (["{}"], True, False, True),
        (["{}", " "], True, False, True),
        (["{}", "{}"], False, False, False),
        (["no"], False, True, False),
        (["no "], False, False, False),
    ],
    ids=["none", "space", "begun", "ended", "space-after", "twice", "word", "not-json"],
)
def test_verdict(pieces: list[str], complete: bool, unfinished: bool, valid: bool) -> None:
    """Whether they have ended, have only begun, and parse."""
    arguments = fed(*pieces)
    assert (arguments.complete, arguments.unfinished, arguments.valid) == (complete, unfinished, valid)


def test_number_ends_with_the_stream() -> None:
    """A bare number is complete when nothing follows."""
    arguments = fed("4", "2")
    assert not arguments.complete
    arguments.close()
    assert arguments.complete


def test_free_text() -> None:
    """The input of a custom tool is never complete by itself and always valid."""
    arguments = fed("{}", " ls", free_text=True)
    arguments.close()
    assert (arguments.complete, arguments.unfinished, arguments.valid) == (False, False, True)
    assert (arguments.fragments, arguments.size) == (2, 5)


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
def test_repeats(text: str, repeats: bool) -> None:
    """A repetition is the same text, plain or encoded as a JSON string."""
    assert fed('{"a"', ": 1}").repeats(text) is repeats


def test_nothing_is_not_repeated() -> None:
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
def test_taken(pieces: list[str], first: object, second: object) -> None:
    """A whole document is handed out once, what has not begun as often as it is asked for, nothing else."""
    arguments = kept(*pieces)
    assert (arguments.take(), arguments.take()) == (first, second)


def test_nothing_is_kept_unasked() -> None:
    """Without `keep` there is nothing to take."""
    assert fed("{}").take() is UNPARSED
    assert fed("ls", free_text=True).take() is UNPARSED


@pytest.mark.parametrize("size", [1, 1000, 100_000])
def test_kept_text_is_bounded(size: int) -> None:
    """Up to 64 KiB are kept, whatever the pieces are like; beyond it, and of what is no JSON, nothing is."""
    arguments, most = kept('{"a": "'), 0
    for _ in range(200_000 // size):
        arguments.feed("x" * size)
        most = max(most, len(arguments._kept or b""))
    assert arguments.size > 199_000
    assert most <= 64 * 1024
    assert arguments._kept is None
    assert kept("no, ", *["x"] * 500)._kept is None


def test_lone_surrogates() -> None:
    """Half a character pair, as broken servers send it, is counted and not choked on."""
    arguments = fed('{"a": "\ud83d', '\ude00"}')
    assert arguments.complete
    assert arguments.size == 15
