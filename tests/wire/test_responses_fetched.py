"""A fetched response is read like one that is made, but for its tokens and for what went wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan.wire.events import CallOpened, Finished, Text, Usage
from toolspan.wire.record import End, Outcome, outcome_of
from toolspan.wire.responses import FetchReader

from ..table import each_row
from .reading import facts, plain, seen
from .response_shapes import ONE, added, asks, begins, ends, event, message, response, says
from .responses_reading import check_law, events_of, read, sdk_event, sdk_response
from .responses_table import CASES, IDS, Case

HELLO = message()


def fetch(bodies: Any, *, keep: bool = True) -> Any:
    """The record of a fetched response."""
    return read(bodies, keep=keep, reader=FetchReader)


@pytest.mark.parametrize("build", [plain, sdk_event], ids=["dict", "sdk"])
@each_row("case", CASES, ids=IDS)
def test_fetched_response_has_the_same_calls_without_tokens(case: Case, build: Any) -> None:
    """Calls, texts and identity are those of the response when it was made, without the usage."""
    bodies = [build(body) for body in case.events]
    events = events_of(bodies, FetchReader)
    check_law(events)
    assert not [each for each in events if isinstance(each, Usage)]
    skipped = (Usage, Finished)
    made = [each for each in events_of(bodies) if not isinstance(each, skipped)]
    assert [each for each in events if not isinstance(each, skipped)] == made
    assert facts(fetch(bodies, keep=False)) == facts(fetch(bodies))


ENDED: dict[str, tuple[dict[str, Any], str]] = {
    "completed": (response(HELLO), "stop"),
    "asking": (response(ONE), "tool_calls"),
    "too long": (response(status="incomplete", incomplete_details={"reason": "max_output_tokens"}), "length"),
    "filtered": (
        response(status="incomplete", incomplete_details={"reason": "content_filter"}),
        "content_filter",
    ),
    "failed": (response(status="failed", error={"code": "server_error"}), "error"),
    "cancelled": (response(status="cancelled"), "error"),
}


@pytest.mark.parametrize("build", [plain, sdk_response], ids=["dict", "sdk"])
@each_row(("body", "reason"), ENDED.values(), ids=ENDED)
def test_fetching_a_response_that_failed_is_a_success(body: dict[str, Any], reason: str, build: Any) -> None:
    """Fetching succeeds however the response ended; its reason is one word."""
    record = fetch([build(body)])
    assert (seen(record).reasons, record.failure, record.usage) == ({0: reason}, None, None)
    assert record.started.status == body["status"]
    assert outcome_of(End.EXHAUSTED, record, 1, False) is Outcome.COMPLETED


@each_row(("body", "reason"), ENDED.values(), ids=ENDED)
def test_streamed_fetch_reads_like_a_whole_one(body: dict[str, Any], reason: str) -> None:
    """The stream of a fetched response gives the same result as the whole response."""
    record = fetch([*begins(), event(body["status"], response=body)])
    assert (seen(record).reasons, record.failure, record.usage) == ({0: reason}, None, None)
    assert outcome_of(End.EXHAUSTED, record, 1, True) is Outcome.COMPLETED


@pytest.mark.parametrize("build", [plain, sdk_response], ids=["dict", "sdk"])
@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_response_in_progress_has_a_status_and_no_failure(status: str, build: Any) -> None:
    """A response that is still being made has a status, and no failure."""
    record = fetch([build(response(HELLO, status=status))])
    assert (record.started.status, record.choices, record.failure) == (status, {}, None)


def test_fetched_stream_after_a_cursor_has_the_calls_that_end_in_it() -> None:
    """A stream that begins in the middle has the calls whose items end in it."""
    events = events_of([*asks(ONE, 0, 3)[2:], *says(HELLO, 1, "Hello"), ends(ONE, HELLO)], FetchReader)
    assert [each.name for each in events if isinstance(each, CallOpened)] == [None, "weather"]
    assert [each.text for each in events if isinstance(each, Text)] == ["Hello"]
    assert events[-1] == Finished(0, "tool_calls")


def test_output_of_a_fetched_response_is_known() -> None:
    """The reader of a fetched response knows output of the model from other events, too."""
    reader = FetchReader()
    reader.read(added(ONE))
    assert reader.output is True
    reader.read(begins()[0])
    assert reader.output is False


def test_error_in_place_of_a_response_fails_the_fetch() -> None:
    """An error in place of a response is one of fetching it."""
    assert fetch([{"error": {"code": "not_found"}}]).failure == "not_found"
