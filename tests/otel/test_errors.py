"""The type of an error is always recorded, its message only with captured content."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from toolspan.otel import semconv as names
from toolspan.otel.errors import error_type, exception_attributes, message, sent_secrets, stacktrace
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
    """Return an error as the SDK raises it."""
    response = http.Response(400, request=http.Request("POST", "http://api.test/v1"))
    return openai.BadRequestError("bad", response=response, body=None)


def raised(error: BaseException) -> BaseException:
    """Return the same error with a traceback."""
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
def test_the_error_type_is_the_canonical_class_name(error: BaseException, expected: str) -> None:
    """The error type is the canonical name of the class, without the module for builtins."""
    assert error_type(error, Record()) == expected


@pytest.mark.parametrize(("failure", "expected"), [("502", "502"), (None, "_OTHER")], ids=["code", "nothing"])
def test_the_error_type_of_an_answer_is_its_code(failure: str | None, expected: str) -> None:
    """The error type is the code in the answer, or `_OTHER`."""
    record = Record()
    record.apply(Finished(0, None, failure), 0)
    assert error_type(None, record) == expected


def test_the_error_message_contains_no_api_key() -> None:
    """The message contains no API key, however often the server quotes it, and keeps its limit."""
    error = ValueError(f"bad key {SECRET} and {SECRET}: " + "x" * 100)
    words = message(error, (SECRET, "other"), 60)
    assert words.startswith("bad key [redacted] and [redacted]")
    assert len(words) == 60


def test_an_error_without_a_readable_message_is_tolerated() -> None:
    """An error whose text cannot be read causes no error."""
    assert isinstance(message(BrokenError(), (), 100), str)


def test_a_stacktrace_without_content_has_places_only() -> None:
    """Without captured content the stack trace has type and places, but no message and no source lines."""
    found = exception_attributes(raised(ValueError("MARKER " + SECRET)))
    assert found[names.EXCEPTION_TYPE] == "ValueError"
    assert set(found) == {names.EXCEPTION_TYPE, names.EXCEPTION_STACKTRACE}
    assert "in raised" in str(found[names.EXCEPTION_STACKTRACE])
    assert "MARKER" not in str(found)
    assert SECRET not in str(found)


def test_a_stacktrace_with_content_hides_the_key() -> None:
    """With captured content, message and stack trace are complete, except for the API key."""
    error = raised(ValueError("the words " + SECRET))
    assert message(error, (SECRET,), 100) == "the words [redacted]"
    trace = stacktrace(error, (SECRET,), 100)
    assert "MARKER in the source line" in trace
    assert SECRET not in trace


def test_causes_are_in_the_stacktrace_only_with_content() -> None:
    """The stack trace contains causes only with captured content, without the API key."""
    error = InnerError("outer")
    error.__cause__ = ValueError("WORDS " + SECRET)
    assert "WORDS [redacted]" in stacktrace(raised(error), (SECRET,), 100)
    assert "WORDS" not in str(exception_attributes(error))


def test_lone_surrogates_of_an_error_are_replaced() -> None:
    """Lone surrogates in message and stack trace become question marks."""
    error = raised(ValueError("é 漢字 😀 \ud83d"))
    assert message(error, (), 100) == "é 漢字 😀 ?"
    stacktrace(error, (), 100).encode()


def test_a_large_error_has_a_limited_stacktrace() -> None:
    """The stack trace of an error of a megabyte is limited."""
    assert len(stacktrace(raised(ValueError("x" * 1_000_000)), (), 1000)) < 20_000


@pytest.mark.parametrize(("value", "hidden"), [("abcdefgh", True), ("abcdefg", False)])
def test_a_query_value_of_eight_characters_may_be_a_key(value: str, hidden: bool) -> None:
    """A value in the URL's query is hidden from eight characters on; shorter ones are ordinary words."""
    request = http.Request("POST", f"https://api.test/v1?v={value}")
    assert (value in sent_secrets(openai.APIConnectionError(request=request))) is hidden


def test_a_secret_that_begins_with_another_one_is_hidden_whole() -> None:
    """The longest secret is hidden first."""
    secrets = ("sk-0123456789", "sk-0123456789-abcdef")
    assert message(ValueError("no sk-0123456789-abcdef"), secrets, 100) == "no [redacted]"


def test_an_error_that_exits_when_its_request_is_read_has_no_secrets() -> None:
    """An error's own code does not end the process in place of the error."""

    class ExitingError(Exception):
        @property
        def request(self) -> Any:
            raise SystemExit(3)

    assert sent_secrets(ExitingError()) == ()
