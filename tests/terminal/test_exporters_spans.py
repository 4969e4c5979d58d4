"""What the tree shows of each span."""

from __future__ import annotations

from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import Link, SpanContext, Status, StatusCode

from toolspan.otel import semconv as names
from toolspan.terminal import TerminalSpanExporter

from ..table import each_row
from .shapes import CALL, COMPLETED, Broken, at, event, odd_span, printed, span

ANSWERED = {
    names.REQUEST_MODEL: "m",
    names.RESPONSE_MODEL: "m",
    names.USAGE_INPUT_TOKENS: 92,
    names.USAGE_OUTPUT_TOKENS: 37,
    names.RESPONSE_TIME_TO_FIRST_CHUNK: 0.041,
    names.RESPONSE_FINISH_REASONS: ("tool_calls",),
    names.STREAM_OUTCOME: "completed",
}


def test_a_call_with_two_tool_calls() -> None:
    """How it ended, its figures and beneath, each tool call on the same time axis."""
    with span("chat m", 0, 400, ANSWERED) as made:
        made.add_event(names.CALL_DETECTED_EVENT, CALL, at(100))
        made.add_event(names.CALL_COMPLETED_EVENT, COMPLETED, at(200))
        made.add_event(
            names.CALL_DETECTED_EVENT, CALL | {names.CALL_INDEX: 1, names.TOOL_NAME: "get_time"}, at(300)
        )
        made.add_event(
            names.CALL_COMPLETED_EVENT,
            COMPLETED | {names.CALL_INDEX: 1, names.CALL_OUTCOME: "invalid"},
            at(400),
        )
    assert printed([made]) == [
        "chat m          ████████████  0.400 s · completed · finish tool_calls",
        "│                             first chunk 0.041 s · tokens 92 in, 37 out",
        "├─ get_weather  ···███······  at 0.100 s · arguments 0.186 s · 16 B · valid",
        "└─ get_time     ·········███  at 0.300 s · arguments 0.186 s · 16 B · invalid",
    ]


@each_row(
    ("amount", "said"),
    [(0.0123456, "$0.0123"), (1234.5, "$1,234.50"), (0.0, "$0.00"), (0.00002, "$0.000020")],
)
def test_cost_is_shown_beside_the_tokens(amount: float, said: str) -> None:
    """What a call cost stands beside its tokens."""
    with span("chat m", 0, 400, ANSWERED | {names.COST_AMOUNT: amount}) as made:
        pass
    assert printed([made])[1].endswith(f"first chunk 0.041 s · tokens 92 in, 37 out · {said}")


def test_call_without_completion_reaches_to_the_end_of_its_span() -> None:
    """A tool call that was never completed reaches to the end of its span and is marked."""
    with span("chat m", 0, 400) as made:
        made.add_event(names.CALL_DETECTED_EVENT, CALL, at(100))
    assert printed([made])[1] == "└─ get_weather  ···█████████  at 0.100 s · arguments never completed"


def test_error_type_outcome_and_status_are_shown() -> None:
    """Error type, outcome and the status' description are shown."""
    with span(
        "chat m", 0, 9, {names.ERROR_TYPE: "APIConnectionError", names.STREAM_OUTCOME: "failed"}
    ) as made:
        made.set_status(Status(StatusCode.ERROR, "Connection error."))
    assert printed([made]) == [
        "chat m  ████████████  0.009 s · APIConnectionError · failed",
        "                      Connection error.",
    ]


def test_recorded_exception_is_a_line_beneath_its_span() -> None:
    """A recorded exception is a line beneath its span."""
    with span("job", 0, 9) as made:
        made.record_exception(ValueError("no"), timestamp=at(3))
    assert printed([made])[1] == "└─ exception  ····█·······  at 0.003 s · ValueError · no"


@each_row(
    ("attributes", "text"),
    [
        ({names.RESPONSE_MODEL: "m-2026"}, "answered by m-2026"),
        ({names.TOOL_CALLS_COUNT: 2}, "tool calls 2"),
        ({names.USAGE_OUTPUT_TOKENS: 5}, "tokens 5 out"),
    ],
)
def test_response_model_and_number_of_calls_are_shown(attributes: dict[str, object], text: str) -> None:
    """The response model is shown where it differs, and the number of calls where there is no event."""
    with span("chat m", 0, 9, {names.REQUEST_MODEL: "m"} | attributes) as made:
        pass
    assert printed([made])[1].strip() == text


def test_attempt_number_and_retries_are_shown() -> None:
    """The number of the attempt and of SDK retries are shown; each retry with cause and wait."""
    attributes = {names.REQUEST_ATTEMPT: 2, names.REQUEST_RETRIES: 2}
    before = Link(SpanContext(0xABCD << 112, 1, is_remote=False), {names.LINK: "attempt"})
    with span("chat m", 0, 400, attributes, links=[before]) as made:
        made.add_event(names.RETRY_EVENT, {names.ERROR_TYPE: "429", names.RETRY_WAIT: 0.1}, at(100))
        made.add_event(names.RETRY_EVENT, {names.ERROR_TYPE: "httpx.ReadError"}, at(300))
    assert printed([made]) == [
        "chat m    ████████████  0.400 s · attempt 2 · 2 retries",
        "├─ retry  ···█········  at 0.100 s · 429 · waits 0.100 s",
        "└─ retry  ·········█··  at 0.300 s · httpx.ReadError",
    ]


def test_one_retry_is_written_in_the_singular() -> None:
    """A single retry is not written in the plural."""
    with span("chat m", 0, 400, {names.REQUEST_RETRIES: 1}) as made:
        pass
    assert printed([made]) == ["chat m  ████████████  0.400 s · 1 retry"]


RESULT = {"type": "tool_call_response", "response": {"c": 18}}
QUESTIONS = [{"role": "user", "parts": [{"content": str(number)}]} for number in range(9)]


@each_row(
    ("value", "shown"),
    [
        ('[{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]', ["→ user: Hi"]),
        ([{"role": "tool", "parts": [RESULT]}], ['→ tool: {"c": 18}']),
        (QUESTIONS, ["→ …", *(f"→ user: {number}" for number in range(3, 9))]),
        ('[{"role": "user", "parts": [{"type": "te', []),  # cut by the SDK's limit
        ("[" * 100_000, []),
        ([{"role": "user"}], []),
        (7, []),
        ("", []),
    ],
)
def test_messages_of_any_shape_are_shown_or_left_out(value: object, shown: list[str]) -> None:
    """Messages are JSON text or a structure; the last six are shown, and a broken text is left out."""
    lines = printed([odd_span({names.INPUT_MESSAGES: value})])
    assert [line.strip() for text in lines for line in [text[text.find("→") :]] if "→" in text] == shown


def test_a_link_names_the_trace() -> None:
    """A span that follows from another trace shows its id."""
    with span("chat m", 0, 9, links=[Link(SpanContext(0xABCD << 112, 1, is_remote=False))]) as made:
        pass
    assert printed([made])[1].strip() == "↩ follows trace abcd0000"


def test_calls_without_an_index_meet_by_id() -> None:
    """Events that carry no index belong together by the call's id."""
    loose = {names.TOOL_CALL_ID: "call_abc"}
    events = [
        event(names.CALL_DETECTED_EVENT, loose),
        event(names.CALL_COMPLETED_EVENT, loose | {names.TOOL_NAME: "t"}, 3),
    ]
    assert printed([odd_span({}, events=events)])[1] == "└─ t  ·███········  at 0.001 s"


def test_a_broken_stream_is_a_failure() -> None:
    """When the reader has gone, the exporter reports a failure, raises nothing and keeps nothing."""
    exporter = TerminalSpanExporter(Broken())
    assert exporter.export([odd_span({})]) is SpanExportResult.FAILURE
    assert exporter.force_flush() is True
