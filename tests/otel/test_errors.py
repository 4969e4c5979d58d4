"""What is said of an error: its type always, its words only where content is captured."""

from __future__ import annotations

import asyncio

import openai
import pytest

from toolspan.otel import semconv as names
from toolspan.otel.errors import error_type, exception_attributes, message, stacktrace
from toolspan.wire.events import Finished
from toolspan.wire.record import Record

from ..sdk.sdk import http
from ..table import each_row

SECRET = "sk-secret-0123456789"


class InnerError(Exception):
    """An application's own error."""


class BrokenError(Exception):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def bad_request() -> openai.BadRequestError:
    """An error as the SDK raises it."""
    response = http.Response(400, request=http.Request("POST", "http://api.test/v1"))
    return openai.BadRequestError("bad", response=response, body=None)


def raised(error: BaseException) -> BaseException:
    """The same error with a traceback."""
    try:
        raise error  # MARKER in the source line
    except BaseException as caught:
        return caught


@each_row(
    ("error", "expected"),
    [
        (ValueError("x"), "ValueError"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (asyncio.CancelledError(), "asyncio.exceptions.CancelledError"),
        (InnerError("x"), f"{__name__}.InnerError"),
        (bad_request(), "openai.BadRequestError"),
    ],
    ids=["builtin", "interrupt", "cancelled", "own", "sdk"],
)
def test_type_of_an_exception(error: BaseException, expected: str) -> None:
    """The canonical name of the class; builtins without their module."""
    assert error_type(error, Record()) == expected


@pytest.mark.parametrize(("failure", "expected"), [("502", "502"), (None, "_OTHER")], ids=["code", "nothing"])
def test_type_without_an_exception(failure: str | None, expected: str) -> None:
    """The code that the server reported in a regular answer, else `_OTHER`."""
    record = Record()
    record.apply(Finished(0, None, failure), 0)
    assert error_type(None, record) == expected


def test_message_hides_secrets() -> None:
    """The API key does not appear, however often the server quotes it, and the limit holds."""
    error = ValueError(f"bad key {SECRET} and {SECRET}: " + "x" * 100)
    words = message(error, (SECRET, "other"), 60)
    assert words.startswith("bad key [redacted] and [redacted]")
    assert len(words) == 60


def test_message_of_an_error_without_words() -> None:
    """An error whose text cannot be had is no error of ours."""
    assert isinstance(message(BrokenError(), (), 100), str)


def test_without_content() -> None:
    """Type and places, but no words and no source lines."""
    found = exception_attributes(raised(ValueError("MARKER " + SECRET)))
    assert found[names.EXCEPTION_TYPE] == "ValueError"
    assert set(found) == {names.EXCEPTION_TYPE, names.EXCEPTION_STACKTRACE}
    assert "in raised" in str(found[names.EXCEPTION_STACKTRACE])
    assert "MARKER" not in str(found)
    assert SECRET not in str(found)


def test_with_content() -> None:
    """Words and the whole traceback, with the secret hidden in both."""
    error = raised(ValueError("the words " + SECRET))
    assert message(error, (SECRET,), 100) == "the words [redacted]"
    trace = stacktrace(error, (SECRET,), 100)
    assert "MARKER in the source line" in trace
    assert SECRET not in trace


def test_causes() -> None:
    """Causes stand in the traceback only where content is captured, without the secret."""
    error = InnerError("outer")
    error.__cause__ = ValueError("WORDS " + SECRET)
    assert "WORDS [redacted]" in stacktrace(raised(error), (SECRET,), 100)
    assert "WORDS" not in str(exception_attributes(error))


def test_words_that_cannot_be_encoded() -> None:
    """Lone surrogates in words and traceback become question marks."""
    error = raised(ValueError("é 漢字 😀 \ud83d"))
    assert message(error, (), 100) == "é 漢字 😀 ?"
    stacktrace(error, (), 100).encode()


def test_stacktrace_is_limited() -> None:
    """An error of a megabyte does not make a stack trace of a megabyte."""
    assert len(stacktrace(raised(ValueError("x" * 1_000_000)), (), 1000)) < 20_000
