"""Whole responses: those that are complete, that are not yet, that say little, and errors in their place."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan.wire.events import Usage

from ..table import each_row
from .reading import seen
from .response_shapes import counts, message, response
from .responses_reading import events_of, read, sdk_response

HELLO = message()


@pytest.mark.parametrize("build", [dict, sdk_response], ids=["dict", "sdk"])
@each_row(
    ("body", "failure"),
    [
        ({"error": {"code": 502, "message": "What the user said."}}, "502"),
        ({"error": "What the user said."}, "_OTHER"),
        (response(status="failed", error={"code": "server_error"}), "server_error"),
        (response(error={"code": "ignored"}), None),
    ],
    ids=["code", "text", "failed", "completed"],
)
def test_error_in_place_of_a_response_is_a_failure(
    body: dict[str, Any], failure: str | None, build: Any
) -> None:
    """An error in place of a response is a failure; one within a complete response is not."""
    events = events_of([build(body)])
    assert seen(read([build(body)])).failure == failure
    assert "What the user said." not in repr(events)


@pytest.mark.parametrize("build", [dict, sdk_response], ids=["dict", "sdk"])
def test_whole_response_without_a_status_has_ended(build: Any) -> None:
    """A whole response that has output and no status has ended."""
    body = response(HELLO, status=None)
    assert seen(read([build(body)])).reasons == {0: "stop"}
    assert seen(read([build({**body, "output": []})])).reasons == {}


@pytest.mark.parametrize("build", [dict, sdk_response], ids=["dict", "sdk"])
@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_response_in_progress_has_no_reason_and_no_choice(status: str, build: Any) -> None:
    """A response that is still being made has a status, and neither a reason nor a choice."""
    record = read([build(response(HELLO, status=status))])
    assert (record.choices, record.started.status) == ({}, status)


def test_response_with_an_unknown_status_is_still_read() -> None:
    """An unknown status ends nothing; the items are read."""
    found = seen(read([response(HELLO, status="dreaming")]))
    assert (found.texts, found.reasons) == ({0: "Hello"}, {0: None})


@each_row(
    ("usage", "expected"),
    [
        (None, None),
        ({}, None),
        ({"input_tokens": 1}, Usage(1)),
        (counts(), Usage(9, 4, 0, None, 0)),
        ({"prompt_tokens": 9, "completion_tokens": 4}, Usage(9, 4)),
    ],
    ids=["null", "empty", "input only", "full", "chat's names"],
)
def test_response_usage_has_the_tokens_that_were_sent(usage: Any, expected: Usage | None) -> None:
    """The usage has the numbers of tokens that the server sends."""
    assert read([response(HELLO, usage=usage)]).usage == expected
