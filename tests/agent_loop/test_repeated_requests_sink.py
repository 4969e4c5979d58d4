"""Attempts in the sinks: headers as attributes, repeated requests with and without spans."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.trace import NoOpTracer

from toolspan.agent_loop.repeated_requests import RepeatedRequestSink
from toolspan.call import Call
from toolspan.otel import semconv as names
from toolspan.otel.attributes import at_end
from toolspan.otel.sink import Sink
from toolspan.otel.span import SpanSink
from toolspan.wire.events import Retried
from toolspan.wire.record import End, Outcome

from ..otel import apis
from ..otel.lab import ASK, OFF, Lab, new_call, run

HEAD = {
    b"x-request-id": b"req_1",
    b"x-ratelimit-limit-requests": b"60",
    b"x-ratelimit-remaining-requests": b"0",
    b"x-ratelimit-reset-requests": b"1m30s",
    b"x-ratelimit-limit-tokens": b"1000",
    b"x-ratelimit-remaining-tokens": b"900",
    b"x-ratelimit-reset-tokens": b"2",
    b"retry-after": b"7",
    b"set-cookie": b"MARKER",
}
LIMITS = {
    names.LIMIT_REQUESTS: 60,
    names.LIMIT_REQUESTS_REMAINING: 0,
    names.LIMIT_REQUESTS_RESET: 90.0,
    names.LIMIT_TOKENS: 1000,
    names.LIMIT_TOKENS_REMAINING: 900,
    names.LIMIT_TOKENS_RESET: 2.0,
}


def headed(body: dict[str, Any] = ASK, api: apis.Api = apis.CHAT, *, failed: bool = False) -> dict[str, Any]:
    """What of the headers stands on the span of a call."""
    call = new_call(body, api=api)
    call.open()
    call.head, call.outcome = HEAD, Outcome.FAILED if failed else Outcome.COMPLETED
    found = at_end(call)
    return {name: value for name, value in found.items() if "limit" in name or name == names.REQUEST_ID}


@pytest.mark.parametrize(
    ("body", "api"),
    [(ASK, apis.CHAT), (apis.ASK_COMPLETION, apis.COMPLETIONS), (apis.ASK_EMBEDDINGS, apis.EMBEDDINGS)],
    ids=["chat", "completion", "embeddings"],
)
def test_request_id_and_limits_are_read_from_the_headers(body: dict[str, Any], api: apis.Api) -> None:
    """The id and both limits are recorded; the wait only where the call failed; no other header."""
    assert headed(body, api) == {names.REQUEST_ID: "req_1", **LIMITS}
    again = {names.RETRY_AFTER: 7.0}
    assert headed(body, api, failed=True) == {names.REQUEST_ID: "req_1", **LIMITS, **again}


def test_headers_without_values_have_no_attributes() -> None:
    """A value that is in no header is no attribute."""
    call = new_call(ASK)
    call.head = {b"content-type": b"application/json"}
    assert not [name for name in at_end(call) if name.startswith("toolspan.r")]


def test_fetched_response_has_an_id_and_no_limits() -> None:
    """Fetching has no limits of its own, and an id all the same."""
    assert headed(apis.ASK_FETCH, apis.FETCH, failed=True) == {names.REQUEST_ID: "req_1"}


def test_headers_are_released_when_the_call_ends() -> None:
    """The headers are let go when the call is over."""
    call = new_call(ASK)
    call.head = HEAD
    assert run(call).head is None


def test_retry_after_the_end_of_the_call_is_ignored() -> None:
    """A retry after the end of the call is not recorded."""
    lab = Lab()
    call = run(new_call(ASK, lab.span_sink()), end=RuntimeError())
    call.note(Retried(1, 429, "429", 0.0))
    assert lab.span.events == ()


def digest(sink: Sink, *others: Any, end: End | BaseException, body: dict[str, Any] = ASK) -> Call:
    """A call that was opened and ended like this."""
    return run(new_call(body, sink, *others), end=end)


def test_attempts_have_numbers_and_no_links_without_a_tracing_sdk() -> None:
    """Where no tracing SDK makes spans, attempts have numbers and no links."""
    sink, spans = RepeatedRequestSink(), SpanSink(NoOpTracer(), events=True, capture=OFF)
    assert digest(sink, spans, end=RuntimeError()).attempt == 1
    second = digest(sink, spans, end=RuntimeError())
    assert (second.attempt, second.links) == (2, [])


def test_attempts_have_numbers_and_no_links_without_the_span_sink() -> None:
    """The same where the sink of the spans is off."""
    sink = RepeatedRequestSink()
    digest(sink, end=RuntimeError())
    second = digest(sink, end=End.EXHAUSTED)
    assert (second.attempt, second.links) == (2, [])
    assert digest(sink, end=End.EXHAUSTED).attempt == 1


def test_call_without_an_outcome_is_no_failed_attempt() -> None:
    """A call that ends without an outcome is no attempt without success."""
    sink = RepeatedRequestSink()
    call = new_call(ASK, sink)
    call.open()
    call.leave()
    assert digest(sink, end=End.EXHAUSTED).attempt == 1


def test_empty_request_is_never_a_repetition() -> None:
    """A request without content repeats none."""
    sink = RepeatedRequestSink()
    for _ in range(2):
        assert digest(sink, end=RuntimeError(), body={"model": "m"}).attempt == 1
