"""The redaction callback's result is recorded as plain JSON or not at all; the original never is."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from toolspan import guard
from toolspan.otel import semconv as names
from toolspan.otel.content.redaction import Redaction
from toolspan.otel.content.truncate import fitting

from ...table import each_row

WORDS = "".join(("MA", "RK"))
"""Not in one piece, because tracebacks show source lines."""
Junk = Callable[[str, Any], Any]


class Hostile:
    """An object that raises wherever it is touched."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(WORDS)

    def __str__(self) -> str:
        raise RuntimeError(WORDS)

    __repr__ = __str__


class HostileMapping(Mapping[str, Any]):
    """A mapping that raises when it is read."""

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError(WORDS)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError(WORDS)

    def __len__(self) -> int:
        return 1


class Endless(list[Any]):
    """A list that never ends."""

    def __iter__(self) -> Iterator[Any]:
        while True:
            yield {"role": "user"}


class Saying(str):
    """A text whose `str()` is another text."""

    __slots__ = ()

    def __str__(self) -> str:
        return "MARK"


class Word(str, enum.Enum):
    """An enumeration of texts."""

    HIDDEN = "hidden"


def _circle(name: str, value: Any) -> Any:
    value = [{"role": "user"}]
    value[0]["parts"] = value
    return value


def _wide_circle(name: str, value: Any) -> Any:
    found: list[Any] = []
    found.extend([found] * 10)
    return found


def _deep(name: str, value: Any) -> Any:
    found: Any = "end"
    for _ in range(5000):
        found = [found]
    return [{"parts": found}]


def _changed(name: str, value: Any) -> Any:
    """Return the original object, changed to contain itself and a hostile object."""
    if isinstance(value, list):
        value.append({"parts": value, "object": Hostile()})
    elif isinstance(value, dict):
        value["self"] = value
    return value if isinstance(value, (list, dict)) else Hostile()


async def _coroutine(name: str, value: Any) -> Any:
    return value


def _generator(name: str, value: Any) -> Any:
    yield value


REFUSED: dict[str, Junk] = {
    "an object": lambda name, value: object(),
    "a hostile object": lambda name, value: Hostile(),
    "the original in an object": lambda name, value: [{"value": {Wrapped(value)}}],
    "a set": lambda name, value: {"a"},
    "bytes": lambda name, value: b"MARK",
    "a date": lambda name, value: dt.date(2026, 1, 1),
    "a decimal": lambda name, value: [{"a": decimal.Decimal(1)}],
    "a type": lambda name, value: str,
    "a function": lambda name, value: len,
    "a coroutine": _coroutine,
    "a generator": _generator,
    "a hostile mapping": lambda name, value: HostileMapping(),
    "keys that are no texts": lambda name, value: [{1: "a"}],
    "a circle": _circle,
    "a wide circle": _wide_circle,
    "endless": lambda name, value: Endless(),
    "deep": _deep,
    "changed": _changed,
    "huge": lambda name, value: [{"a": "x" * 10_000_000}],
    "many": lambda name, value: [{}] * 200_000,
}
"""Nothing is recorded."""


class Wrapped:
    """Holds something, and shows it."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return repr(self.value)


CLEANED: dict[str, tuple[Any, Any]] = {
    "not a number": ([{"a": math.nan}], [{"a": "nan"}]),
    "endless number": ([{"a": -math.inf}], [{"a": "-inf"}]),
    "big number": ([{"a": 2**64}], [{"a": str(2**64)}]),
    "tuples": (({"a": (1, 2)},), [{"a": [1, 2]}]),
    "a text that says something else": ([{"a": Saying("fine")}], [{"a": "fine"}]),
    "an enumeration": ([{Word.HIDDEN: Word.HIDDEN}], [{"hidden": "hidden"}]),
    "half a character": ([{"a\ud83d": "b\ud83d"}], [{"a?": "b?"}]),
    "an empty key": ([{"": None}], [{"_": None}]),
    "true and nothing": ([{"a": True, "b": None, "c": 0}], [{"a": True, "b": None, "c": 0}]),
}
"""Messages as the callback returns them, and as they are recorded."""

ORIGINALS: dict[str, Any] = {
    names.INPUT_MESSAGES: [{"role": "user", "parts": [{"type": "text", "content": "MARK"}]}],
    names.OUTPUT_MESSAGES: [{"role": "assistant", "parts": [], "finish_reason": "MARK"}],
    names.SYSTEM_INSTRUCTIONS: [{"type": "text", "content": "MARK"}],
    names.TOOL_DEFINITIONS: [{"type": "function", "name": "MARK"}],
    names.TOOL_CALL_ARGUMENTS: {"q": "MARK"},
    names.TOOL_CALL_RESULT: {"output": "MARK"},
    names.EXCEPTION_MESSAGE: "MARK",
    names.EXCEPTION_STACKTRACE: "Traceback MARK",
}
EACH = pytest.mark.parametrize("name", ORIGINALS)


@pytest.fixture(name="guarded", autouse=True)
def _guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Report errors, as in production."""
    monkeypatch.setattr(guard, "reraise", False)


def redacted(callback: Junk, name: str, value: Any) -> dict[str, Any]:
    """Return what is recorded of one content."""
    return Redaction(callback, guard.report)({name: value})


def copied(value: Any) -> Any:
    """Return a copy, because a callback may change its argument."""
    if isinstance(value, list):
        return [copied(part) for part in value]
    return {key: copied(part) for key, part in value.items()} if isinstance(value, dict) else value


@EACH
def test_the_result_of_the_callback_is_recorded(name: str) -> None:
    """The callback receives name and value and may change the value in place."""

    def hide(given: str, value: Any) -> Any:
        assert given == name
        if isinstance(value, str):
            return value.replace("MARK", "HIDDEN")
        part = value[0] if isinstance(value, list) else value
        part["seen"] = str(part.pop(next(iter(part)))).replace("MARK", "HIDDEN")
        return value

    found = redacted(hide, name, copied(ORIGINALS[name]))[name]
    assert "HIDDEN" in str(found) or "seen" in str(found)


@EACH
def test_none_or_an_empty_result_removes_the_content(name: str) -> None:
    """Content whose result is `None` or empty is not recorded."""
    assert redacted(lambda name, value: None, name, ORIGINALS[name]) == {}
    assert redacted(lambda name, value: type(value)() if value else None, name, "x") == {}


@EACH
@pytest.mark.parametrize("junk", REFUSED)
def test_an_invalid_result_is_not_recorded_and_logged_once(
    name: str, junk: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A result that is not JSON of reasonable size is omitted and logged once, without its text."""
    caplog.set_level(logging.DEBUG, logger="toolspan")
    for _ in range(2):
        assert redacted(REFUSED[junk], name, copied(ORIGINALS[name])) == {}
    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [
        record.getMessage().startswith(f"toolspan: redacting {name} failed with ") for record in warned
    ] == [True]
    assert "MARK" not in caplog.text


@each_row("kind", CLEANED)
def test_unusual_values_of_a_result_become_plain(kind: str) -> None:
    """Values that an exporter could not encode become plain."""
    given, expected = CLEANED[kind]
    found = redacted(lambda name, value: given, names.INPUT_MESSAGES, ORIGINALS[names.INPUT_MESSAGES])
    assert found == {names.INPUT_MESSAGES: expected}
    assert all(
        type(key) is str and type(part) is not tuple for each in expected for key, part in each.items()
    )


@EACH
@pytest.mark.parametrize("value", ["hidden", 7, ["a"], [["a"]], {"a": 1}, [{"a": 1}], True], ids=str)
def test_a_result_of_the_wrong_type_is_not_recorded(name: str, value: Any) -> None:
    """Messages are lists of objects, error texts are texts, arguments objects or texts."""
    found = redacted(lambda name, given: value, name, ORIGINALS[name])
    if name in (names.EXCEPTION_MESSAGE, names.EXCEPTION_STACKTRACE):
        fits = value == "hidden"
    elif name in (names.TOOL_CALL_ARGUMENTS, names.TOOL_CALL_RESULT):
        fits = True
        key = "input" if name == names.TOOL_CALL_ARGUMENTS else "output"
        value = value if isinstance(value, (str, dict)) else {key: value}
    else:
        fits = value == [{"a": 1}]
    assert found == ({name: value} if fits else {})


ERRORS = [
    ValueError("MARK"),
    KeyError("MARK"),
    RecursionError("MARK"),
    SystemExit("MARK"),
    KeyboardInterrupt(),
]


@EACH
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_of_the_callback_removes_this_content_only(
    name: str, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """An error removes this content only, and its message is not logged at any level."""
    caplog.set_level(logging.DEBUG, logger="toolspan")

    def fail(given: str, value: Any) -> Any:
        if given == name:
            raise error from ValueError(WORDS)
        return "fine"

    others = {names.EXCEPTION_MESSAGE: "MARK", names.EXCEPTION_STACKTRACE: "MARK"}
    others.pop(name, None)
    found = Redaction(fail, guard.report)({name: ORIGINALS[name], **others})
    assert found == dict.fromkeys(others, "fine")
    kind = type(error).__name__
    expected = f"toolspan: redacting {name} failed with {kind}; the application is not affected"
    assert caplog.records[0].getMessage() == expected
    assert "in fail" in caplog.text
    assert "MARK" not in caplog.text


def test_a_result_may_be_longer_within_reason() -> None:
    """A result may be longer than the original, within a limit."""
    long = "x" * 60_000
    assert redacted(lambda name, value: long, names.EXCEPTION_MESSAGE, "x") == {names.EXCEPTION_MESSAGE: long}
    assert redacted(lambda name, value: long * 2, names.EXCEPTION_MESSAGE, "x") == {}
    assert redacted(lambda name, value: value * 2, names.EXCEPTION_MESSAGE, long) != {}


def test_a_result_as_deep_as_content_is_recorded() -> None:
    """A result may be as deep as content itself."""
    value: Any = "end"
    for _ in range(16):
        value = {"a": value}
    assert fitting(names.TOOL_DEFINITIONS, [{"parameters": value}], 1000) == [{"parameters": value}]
    with pytest.raises(ValueError, match="too deeply"):
        fitting(names.TOOL_DEFINITIONS, [{"parameters": [[[value]]]}], 1000)
