"""The redaction callback: what it gives is recorded as plain JSON or not at all, and never the original."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from toolspan import guard
from toolspan.otel import semconv as names
from toolspan.otel.content.redaction import Redaction
from toolspan.otel.content.truncate import fitting

from ...table import each_row
from ..junk import REFUSED, TIDIED, WORDS, Junk

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
    """The guard as the application has it."""
    monkeypatch.setattr(guard, "reraise", False)


def redacted(callback: Junk, name: str, value: Any) -> dict[str, Any]:
    """What may be recorded of one content."""
    return Redaction(callback, guard.report)({name: value})


def copied(value: Any) -> Any:
    """A copy, because a callback may change what it is given."""
    if isinstance(value, list):
        return [copied(part) for part in value]
    return {key: copied(part) for key, part in value.items()} if isinstance(value, dict) else value


@EACH
def test_what_it_gives_is_recorded(name: str) -> None:
    """It gets name and value, and may change the value itself."""

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
def test_nothing(name: str) -> None:
    """`None` leaves it out, and so does what is empty in its place."""
    assert redacted(lambda name, value: None, name, ORIGINALS[name]) == {}
    assert redacted(lambda name, value: type(value)() if value else None, name, "x") == {}


@EACH
@pytest.mark.parametrize("junk", REFUSED)
def test_junk(name: str, junk: str, caplog: pytest.LogCaptureFixture) -> None:
    """What is no JSON of reasonable size is not recorded, and that is said once, without any words of it."""
    caplog.set_level(logging.DEBUG, logger="toolspan")
    for _ in range(2):
        assert redacted(REFUSED[junk], name, copied(ORIGINALS[name])) == {}
    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [
        record.getMessage().startswith(f"toolspan: redacting {name} failed with ") for record in warned
    ] == [True]
    assert "MARK" not in caplog.text


@each_row("kind", TIDIED)
def test_tidied(kind: str) -> None:
    """What every exporter would stumble over is made plain."""
    given, expected = TIDIED[kind]
    found = redacted(lambda name, value: given, names.INPUT_MESSAGES, ORIGINALS[names.INPUT_MESSAGES])
    assert found == {names.INPUT_MESSAGES: expected}
    assert all(
        type(key) is str and type(part) is not tuple for each in expected for key, part in each.items()
    )


@EACH
@pytest.mark.parametrize("value", ["hidden", 7, ["a"], [["a"]], {"a": 1}, [{"a": 1}], True], ids=str)
def test_the_wrong_type(name: str, value: Any) -> None:
    """Messages and the like are lists of objects, words are texts, arguments objects or texts."""
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
def test_raising(name: str, error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it raises costs this content alone, and its words are not logged, at no level."""
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


def test_room() -> None:
    """What comes back may be longer than what was given, within reason."""
    long = "x" * 60_000
    assert redacted(lambda name, value: long, names.EXCEPTION_MESSAGE, "x") == {names.EXCEPTION_MESSAGE: long}
    assert redacted(lambda name, value: long * 2, names.EXCEPTION_MESSAGE, "x") == {}
    assert redacted(lambda name, value: value * 2, names.EXCEPTION_MESSAGE, long) != {}


def test_depth() -> None:
    """All that content itself may hold fits."""
    value: Any = "end"
    for _ in range(16):
        value = {"a": value}
    assert fitting(names.TOOL_DEFINITIONS, [{"parameters": value}], 1000) == [{"parameters": value}]
    with pytest.raises(ValueError, match="too deeply"):
        fitting(names.TOOL_DEFINITIONS, [{"parameters": [[[value]]]}], 1000)
