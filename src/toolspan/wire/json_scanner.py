"""An incremental JSON validator: it reads each fragment once and reports where the document ends.

It accepts exactly what `json.loads` accepts, to a depth of `_DEEPEST`. It keeps no text but a cut token (at
most `_LONGEST` characters), so its memory does not grow with the document.
"""

from __future__ import annotations

import json
import re
from copy import copy
from typing import Any

EMPTY, OPEN, COMPLETE, BROKEN = "empty", "open", "complete", "broken"
"""States: only white space so far; inside the document; exactly one whole document; not JSON."""
UNPARSED: object = object()
"""The value of a document that was not kept or does not parse; `None` would be JSON's null."""
SKIPPED: object = object()
"""The value of a document that was too expensive to read: it may be JSON or not."""

_DEEPEST = 900  # deeper, `json.loads` raises at the interpreter's recursion limit (1000)
_LONGEST = 4300  # digits; Python refuses to convert a longer integer, so `json.loads` would fail

# The scanner runs inside the application's chunk. `json.loads` takes some milliseconds for the first of these
# weights, and the scanner, which reads each token in Python, for the second.
_MOST_PARSED, _MOST_SCANNED = 200_000, 12_000
_LIGHT = 4096  # characters; a shorter text never weighs too much
_LONG = 1024 * 1024  # characters; a longer text always does: to count its marks takes milliseconds

_VALUE, _FIRST_VALUE, _KEY, _FIRST_KEY, _COLON, _COMMA, _NOTHING = range(7)

# Regular expressions scan in C; a Python loop over the characters would be slower.
_TOKEN = re.compile(r"[ \t\n\r]*(?:([{}\[\],:\"])|([-+.0-9A-Za-z]+)|(.))?", re.DOTALL)
_WORD = re.compile(r"true|false|null|NaN|-?Infinity|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?", re.ASCII)
_IN_STRING = re.compile(r'[\\"\x00-\x1f]')
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_CUT_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")


class JsonScanner:
    """A scanner of one JSON document, fed in fragments; `state` is `EMPTY`, `OPEN`, `COMPLETE` or `BROKEN`.

    With `keep`, `value` is the parsed object if the whole document comes in the first fragment, else
    `UNPARSED`. `skipped` is whether a fragment was too expensive to read: then the document is open until
    `close`.
    """

    __slots__ = ("_carry", "_expect", "_in_string", "_keep", "_stack", "skipped", "state", "value")

    def __init__(self, *, keep: bool = False) -> None:
        self.state = EMPTY
        self.value = UNPARSED
        self._keep = keep
        self.skipped = False
        self._stack: list[str] = []
        self._expect = _VALUE
        self._in_string = False
        self._carry = ""

    @property
    def keeps(self) -> bool:
        """Whether the value is kept."""
        return self._keep

    def copy(self) -> JsonScanner:
        """Return another scanner in the same state, to try a text."""
        found = copy(self)
        found._stack = list(self._stack)
        return found

    def feed(self, text: str) -> str:
        """Read one more fragment and return the new state."""
        if self._in_string and not self._carry and _IN_STRING.search(text) is None:
            return self.state  # inside a string: most fragments of long arguments
        # Answers that are not streamed, and several servers (Groq, Mistral), send all arguments at once:
        # then one `json.loads` both validates and yields the value.
        if self.state is EMPTY and text[:1] == "{" and text[-1:] == "}" and self._is_object(text):
            return self.state
        if self.skipped or (len(text) > _LIGHT and _weight(text) > _MOST_SCANNED):
            return self._skip()
        if self._carry:
            text, self._carry = self._carry + text, ""
        position, length = 0, len(text)
        while position < length and self.state is not BROKEN:
            if self._in_string:
                position = self._string(text, position, length)
            else:
                position = self._token(text, position, length)
        return self.state

    def _skip(self) -> str:
        """Give up reading; return the state."""
        self.skipped, self._in_string, self._carry = True, False, ""
        self.state = OPEN if self.state is EMPTY else self.state
        return self.state

    def _is_object(self, text: str) -> bool:
        """Return whether the first fragment is a whole object; if so, the document is complete."""
        # Most texts that end within an object have a brace too many, and are not parsed in vain.
        opened = text.count("{")
        if opened != text.count("}") or (len(text) > _LIGHT and _weight(text) > _MOST_PARSED):
            return False
        value = parsed(text)
        # Deeper documents are for the scanner alone to reject. The number of brackets bounds the depth.
        if value is UNPARSED or (opened + text.count("[") > _DEEPEST and is_deep(value)):
            return False
        self.state, self._expect = COMPLETE, _NOTHING
        if self._keep:
            self.value = value
        return True

    def close(self) -> str:
        """Return the state at the end: a number at the top level is complete only now."""
        if self.skipped and self.state is OPEN:
            self.state = COMPLETE
        word, self._carry = self._carry, ""
        if word and not self._in_string and self.state is not BROKEN:
            self._word(word)
        return self.state

    def _string(self, text: str, position: int, length: int) -> int:
        """Read on within a string and return the new position."""
        found = _IN_STRING.search(text, position)
        if found is None:
            return length
        position = found.start()
        if text[position] == '"':
            self._in_string = False
            # A key set `_COLON` when it was opened; `_NOTHING` marks a value.
            if self._expect == _NOTHING:
                self._after_value()
            return position + 1
        escape = _ESCAPE.match(text, position)
        if escape is not None:
            return escape.end()
        # The fragment ends within an escape: it is joined with the next one.
        if _CUT_ESCAPE.match(text, position):
            self._carry = text[position:]
        else:
            self.state = BROKEN
        return length

    def _token(self, text: str, position: int, length: int) -> int:
        """Read white space and one token, and return the new position."""
        found = _TOKEN.match(text, position)
        assert found is not None  # every part of the pattern is optional
        mark, word, other = found.groups()
        if mark is not None:
            self._mark(mark)
        # The fragment ends within a number or literal, which may go on in the next one.
        elif word is not None and found.end() == length and len(word) <= _LONGEST:
            self._carry = word
            self._begin_value()
        elif word is not None:
            self._word(word)
        elif other is not None:
            self.state = BROKEN
        return found.end()

    def _begin_value(self) -> None:
        """Check that a value is allowed here; if so, the document is no longer `EMPTY`."""
        if self._expect not in (_VALUE, _FIRST_VALUE):
            self.state = BROKEN
        elif self.state is EMPTY:
            self.state = OPEN

    def _word(self, word: str) -> None:
        """Read a whole number or literal."""
        self._begin_value()
        if self.state is OPEN and len(word) <= _LONGEST and _WORD.fullmatch(word):
            self._after_value()
        else:
            self.state = BROKEN

    def _mark(self, mark: str) -> None:
        """Read a structural character, or the quote that opens a string."""
        if mark == '"':
            self._open_string()
        elif mark in "{[":
            self._begin_value()
            self._stack.append(mark)
            self._expect = _FIRST_KEY if mark == "{" else _FIRST_VALUE
            if len(self._stack) > _DEEPEST:
                self.state = BROKEN
        elif mark in "}]":
            self._end_container(mark)
        elif mark == "," and self._expect == _COMMA:
            self._expect = _KEY if self._stack[-1] == "{" else _VALUE
        elif mark == ":" and self._expect == _COLON:
            self._expect = _VALUE
        else:
            self.state = BROKEN

    def _open_string(self) -> None:
        """Enter a string, a key or a value."""
        if self._expect in (_KEY, _FIRST_KEY):
            self._expect = _COLON
        else:
            self._begin_value()
            self._expect = _NOTHING
        self._in_string = True

    def _end_container(self, mark: str) -> None:
        """Leave a list or an object, if the bracket fits."""
        opener, first = ("{", _FIRST_KEY) if mark == "}" else ("[", _FIRST_VALUE)
        if self._stack and self._stack[-1] == opener and self._expect in (first, _COMMA):
            self._stack.pop()
            self._after_value()
        else:
            self.state = BROKEN

    def _after_value(self) -> None:
        """Set what may follow a value; at the top level the document is complete."""
        if self._stack:
            self._expect = _COMMA
        else:
            self.state, self._expect = COMPLETE, _NOTHING


def _weight(text: str) -> int:
    """Return what a text costs to read, by its marks: a list or an object costs most."""
    if len(text) > _LONG:
        return _MOST_PARSED + 1
    containers = text.count("{") + text.count("[")
    return 5 * containers + 2 * text.count(",") + text.count('"') + text.count("\\") + len(text) // 64


def is_deep(value: object) -> bool:
    """Return whether a JSON value has more levels of lists and objects than the scanner accepts."""
    level: list[Any] = [value] if value.__class__ in _NESTED else []
    for _ in range(_DEEPEST):
        members: list[object] = []
        for part in level:
            members.extend(part.values() if part.__class__ is dict else part)
        level = [each for each in members if each.__class__ in _NESTED]
        if not level:
            return False
    return True


_NESTED = (dict, list)


def parsed(text: str) -> object:
    """Return the value of a JSON text, `{}` for an empty one, `UNPARSED` if it does not parse."""
    try:
        return json.loads(text.strip() or "{}")
    except (ValueError, RecursionError):
        return UNPARSED
