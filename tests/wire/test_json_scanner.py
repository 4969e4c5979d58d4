"""The scanner agrees with `json.loads` about a JSON document, whatever the cuts."""

from __future__ import annotations

import json
import sys
import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolspan.wire.json_scanner import BROKEN, COMPLETE, EMPTY, OPEN, UNPARSED, JsonScanner, is_deep

from ..table import each_row
from . import randoms
from .reading import FULL

_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
_NEARLY = st.text(alphabet='{}[]",:\\u0019ae.+-truflsn \n\x00é', max_size=16)


def scanned(*pieces: str) -> JsonScanner:
    """A scanner that was fed these pieces."""
    scanner = JsonScanner()
    for piece in pieces:
        scanner.feed(piece)
    return scanner


def accepts(text: str) -> bool:
    """Whether `json.loads` takes it."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def agrees(text: str, pieces: list[str]) -> None:
    """The last state agrees with `json.loads`, and each state before with that of the prefix."""
    scanner, prefix = JsonScanner(), ""
    for piece in pieces:
        prefix += piece
        assert scanner.feed(piece) is scanned(prefix).state, prefix
    state = scanner.close()
    assert (state is COMPLETE) == accepts(text), text
    assert (state is EMPTY) == (not text.strip(" \t\n\r")), text


STATES = {
    "nothing": ("", EMPTY, EMPTY),
    "white-space": (" \t\r\n", EMPTY, EMPTY),
    "object": ('{"a": [1, true, null, -1.5e3, "x"], "b": {}}', COMPLETE, COMPLETE),
    "object-then-space": ("{} \n", COMPLETE, COMPLETE),
    "list": ("[[], {}]", COMPLETE, COMPLETE),
    "string": ('"a\\u00e9\\n"', COMPLETE, COMPLETE),
    "number-may-go-on": ("12", OPEN, COMPLETE),
    "number-ended": ("12 ", COMPLETE, COMPLETE),
    "minus-only": ("-", OPEN, BROKEN),
    "literal": ("true ", COMPLETE, COMPLETE),
    "literal-cut": ("tru", OPEN, BROKEN),
    "not-a-number": ("[NaN, Infinity, -Infinity]", COMPLETE, COMPLETE),
    "open-object": ('{"a": ', OPEN, OPEN),
    "open-list": ("[1,", OPEN, OPEN),
    "open-string": ('{"a": "b', OPEN, OPEN),
    "open-key": ('{"a', OPEN, OPEN),
    "cut-escape": ('{"a": "\\u00', OPEN, OPEN),
    "two-documents": ("{}{}", BROKEN, BROKEN),
    "two-numbers": ("1 2", BROKEN, BROKEN),
    "python-quotes": ("{'a': 1}", BROKEN, BROKEN),
    "trailing-comma": ('{"a": 1,}', BROKEN, BROKEN),
    "trailing-comma-in-list": ("[1,]", BROKEN, BROKEN),
    "comma-first": ("[,1]", BROKEN, BROKEN),
    "colon-in-list": ("[1:2]", BROKEN, BROKEN),
    "value-as-key": ("{1: 2}", BROKEN, BROKEN),
    "word-as-key": ("{a", BROKEN, BROKEN),
    "key-without-value": ('{"a"}', BROKEN, BROKEN),
    "wrong-closing": ("[}", BROKEN, BROKEN),
    "closing-first": ("]", BROKEN, BROKEN),
    "bad-escape": ('"\\x"', BROKEN, BROKEN),
    "bad-unicode-escape": ('"\\u00g0"', BROKEN, BROKEN),
    "control-character": ('"a\nb"', BROKEN, BROKEN),
    "leading-zero": ("[01]", BROKEN, BROKEN),
    "string-after-end": ('{} "a"', BROKEN, BROKEN),
    "list-after-end": ("{} [", BROKEN, BROKEN),
    "not-json": ("# no", BROKEN, BROKEN),
}


@each_row(("text", "before", "after"), STATES.values(), ids=STATES)
def test_scanner_state_is_the_same_whole_and_letter_by_letter(text: str, before: str, after: str) -> None:
    """Each text has its state, whole and letter by letter, before and after its end is reported."""
    for scanner in (scanned(text), scanned(*text)):
        assert (scanner.state, scanner.close()) == (before, after)
    if after in (COMPLETE, BROKEN):
        assert (after is COMPLETE) == accepts(text)


def test_broken_document_stays_broken_whatever_follows() -> None:
    """No later text makes a broken document valid."""
    scanner = scanned("{]")
    assert scanner.feed('{"a": 1}') is BROKEN
    assert scanner.close() is BROKEN


def test_nesting_is_followed_to_a_fixed_depth() -> None:
    """The scanner accepts nesting to a fixed depth, because `json.loads` has a limit, too."""
    assert scanned("[" * 900 + "]" * 900).state is COMPLETE
    assert scanned("[" * 901).state is BROKEN
    for depth, state in ((900, COMPLETE), (901, BROKEN)):
        assert scanned('{"a":' * depth + "1" + "}" * depth).state is state


@pytest.mark.parametrize("pieces", [1, 100], ids=["whole", "pieces"])
def test_number_with_more_digits_than_python_converts_is_broken(pieces: int) -> None:
    """A number with more digits than Python converts is not accepted, and not collected."""
    scanner = scanned(*["1" * (5000 // pieces)] * pieces)
    assert scanner.close() is BROKEN
    assert scanned("1" * 4300, " ").state is COMPLETE


@given(found=_JSON, rng=st.randoms(use_true_random=False))
@settings(max_examples=2000 if FULL else 40, deadline=None, database=None)
def test_written_json_is_complete_and_each_beginning_of_it_open(found: object, rng: Random) -> None:
    """A JSON document is complete, and each prefix of it is open."""
    text = randoms.written(rng, found)
    agrees(text, randoms.cut(rng, text))
    for end in range(len(text)):
        assert scanned(text[:end]).state is not BROKEN


@given(text=st.one_of(_NEARLY, st.text(max_size=12)), rng=st.randoms(use_true_random=False))
@settings(max_examples=5000 if FULL else 60, deadline=None, database=None)
def test_any_text_gets_the_verdict_of_json_loads(text: str, rng: Random) -> None:
    """Any text at all gets the verdict of `json.loads`."""
    agrees(text, randoms.cut(rng, text))


def test_damaged_document_gets_the_verdict_of_json_loads_however_cut() -> None:
    """A damaged document gets the verdict of `json.loads`, however it is cut."""
    rng = Random(20)
    for _ in range(20_000 if FULL else 500):
        text = randoms.damaged(rng, randoms.written(rng, randoms.document(rng)))
        agrees(text, randoms.cut(rng, text))


@each_row("piece", ['"text", ', "12, ", '"\\u00e9\\n", ', "[], "], ids=["text", "number", "escape", "list"])
def test_scanner_memory_does_not_grow_with_the_document(piece: str) -> None:
    """The scanner is no bigger after a long document than after a short one."""

    def size(count: int) -> int:
        scanner = scanned("[", *[piece] * count, '"begun')
        parts = (getattr(scanner, name) for name in JsonScanner.__slots__)
        return sum(len(part) for part in parts if isinstance(part, (str, list)))

    assert size(5000) == size(5)


LISTS, NUMBERS = '{"a":[' + "[]," * 266_000 + "[]]}", '{"a":[' + "1," * 400_000 + "1]}"
BROKEN_LISTS = LISTS.replace("[[", "[x[", 1)
HEAVY = {
    "lists": [LISTS],
    "numbers": [NUMBERS],
    "broken": [BROKEN_LISTS],
    "halves": [LISTS[:400_000], LISTS[400_000:]],
    "long": ['{"a":"' + "x" * 5_000_000 + '"}'],
}


@each_row("pieces", HEAVY.values(), ids=HEAVY)
def test_piece_that_takes_long_to_read_is_skipped(pieces: list[str]) -> None:
    """A piece with hundreds of thousands of marks holds the thread for less than 20 ms, and is not read."""
    times = []
    for _ in range(3):  # the fastest counts: the machine may be busy
        scanner, began = JsonScanner(keep=True), time.process_time()
        for piece in pieces:
            assert scanner.feed(piece) is OPEN
        times.append(time.process_time() - began)
    assert min(times) < 0.02
    assert scanner.skipped
    assert scanner.value is UNPARSED
    assert scanner.close() is COMPLETE
    assert scanner.feed("more") is COMPLETE


# Coverage makes Python code several times slower, and C code not.
UNTRACED = pytest.mark.skipif(sys.gettrace() is not None, reason="coverage is measured")


@UNTRACED
@each_row("piece", ["[],", "{},", '{"b":[1]},'], ids=["lists", "objects", "both"])
def test_large_document_in_one_piece_costs_little_more_than_to_parse_it(piece: str) -> None:
    """Thousands of brackets do not make the scanner read a whole document token by token."""
    text = '{"a":[' + piece * 10_000 + "1]}"
    bare, own = [], []
    for _ in range(5):
        began = time.process_time()
        json.loads(text)
        between = time.process_time()
        assert scanned(text).state is COMPLETE
        own.append(time.process_time() - between)
        bare.append(between - began)
    assert min(own) < 3 * min(bare) + 0.002


def test_skipping_begins_in_any_state() -> None:
    """A heavy piece may come within a document, and after white space."""
    heavy = "[]," * 20_000
    for before in (" ", '{"a":[', '{"a":"\\'):
        scanner = scanned(before, heavy)
        assert scanner.state is OPEN
        assert scanner.skipped
    assert scanned("{}", heavy).state is COMPLETE


def test_a_value_is_deep_past_the_levels_that_the_scanner_follows() -> None:
    """The depth of a parsed value is bounded as that of a document that is scanned."""
    value: object = 1
    for _ in range(90):
        value = [value]
    assert not is_deep(value)
    for _ in range(2000):
        value = {"a": value}
    assert is_deep(value)
