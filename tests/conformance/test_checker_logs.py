"""The checks of log events and messages accept good samples and find each kind of mistake."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber

from ..table import each_row
from .checker import check_log
from .messages import check_messages
from .samples import GONE, SAMPLES, Attributes, changed

FAILURE = "gen_ai.client.inference.exception"
DETECT = "toolspan.tool_call.detected"
CALL = "toolspan.tool_call.completed"
WARN, INFO = SeverityNumber.WARN, SeverityNumber.INFO

SPAN = SAMPLES["span"]
EMBEDDINGS = SAMPLES["embeddings"]
DETECTED = SAMPLES["detected"]
COMPLETED = SAMPLES["completed"]
EXCEPTION = SAMPLES["exception"]
INPUT = SAMPLES["input"]
OUTPUT = SAMPLES["output"]


def log(
    name: str | None = "gen_ai.client.inference.operation.details",
    attributes: Attributes = SPAN,
    *,
    severity: SeverityNumber = SeverityNumber.DEBUG,
    body: Any = None,
) -> LogRecord:
    """Build a log record that is an event."""
    return LogRecord(event_name=name, severity_number=severity, attributes=attributes, body=body)


GOOD: dict[str, Any] = {
    "details": log(),
    "details with content": log(
        attributes={**SPAN, "gen_ai.input.messages": INPUT, "gen_ai.output.messages": OUTPUT}
    ),
    "exception": log(FAILURE, EXCEPTION, severity=WARN),
    "exception with the span's attributes": log(FAILURE, {**SPAN, **EXCEPTION}, severity=WARN),
    "tool call": log(CALL, COMPLETED, severity=INFO),
    "as exported": SimpleNamespace(log_record=log()),
}
WRONG: dict[str, tuple[Any, str]] = {
    "no name": (log(None), "event name: missing"),
    "misspelt name": (log("gen_ai.client.inference.exceptions"), f"is {FAILURE} meant?"),
    "details at INFO": (log(severity=INFO), "severity: 9, not 5"),
    "exception at ERROR": (log(FAILURE, EXCEPTION, severity=SeverityNumber.ERROR), "severity: 17, not 13"),
    "body": (log(body="words"), "body: set"),
    "neither type nor message": (
        log(FAILURE, {"exception.stacktrace": ""}, severity=WARN),
        "one of them is required",
    ),
    "content as text": (
        log(attributes={**SPAN, "gen_ai.input.messages": json.dumps(INPUT)}),
        "structured content is required here",
    ),
    "arguments as text": (
        log(CALL, {**COMPLETED, "gen_ai.tool.call.arguments": "{}"}, severity=INFO),
        "structured content is required here",
    ),
    "missing attribute": (
        log(attributes=changed(SPAN, **{"gen_ai.provider.name": GONE})),
        "gen_ai.provider.name: required attribute is missing",
    ),
    "details of embeddings": (
        log(attributes=EMBEDDINGS),
        "gen_ai.request.encoding_formats: attribute does not belong here",
    ),
    "useless attribute": (log(attributes={**SPAN, "gen_ai.request.choice.count": 1}), "1 is never recorded"),
    "attribute of another event": (
        log(DETECT, {**DETECTED, "toolspan.tool_call.valid": True}, severity=INFO),
        "toolspan.tool_call.valid: attribute does not belong here",
    ),
}


def message(**part: Any) -> list[Any]:
    """Return one message of one part."""
    return [{"role": "assistant", "parts": [part]}]


GOOD_MESSAGES: dict[str, tuple[str, Any]] = {
    "input": ("input-messages", INPUT),
    "output": ("output-messages", OUTPUT),
    "as tuples": ("output-messages", tuple(OUTPUT)),
    "as text": ("output-messages", json.dumps(OUTPUT)),
    "deprecated finish reason": ("output-messages", [{**OUTPUT[0], "finish_reason": None}]),
    "custom part": ("input-messages", message(type="hologram", size=3)),
    "partial arguments": ("output-messages", message(type="tool_call", name="f", arguments='{"ci')),
    "instructions": ("system-instructions", [{"type": "text", "content": "Be kind."}]),
    "definitions": (
        "tool-definitions",
        [{"type": "function", "name": "f", "parameters": {"type": "object"}}, {"type": "mcp", "name": "m"}],
    ),
    "arguments": ("tool-call-arguments", {"city": "Paris"}),
}
WRONG_MESSAGES: dict[str, tuple[str, Any, str]] = {
    "not a list": ("input-messages", {}, "not of type 'array'"),
    "no role": ("input-messages", [{"parts": []}], "'role' is a required property"),
    "no type": ("input-messages", message(content="x"), "not valid under any of the given schemas"),
    "call without a name": (
        "output-messages",
        message(type="tool_call", name=None),
        "$[0].parts[0]: $.name: None is not of type 'string'",
    ),
    "text without content": ("input-messages", message(type="text"), "'content' is a required property"),
    "misspelt type": ("output-messages", message(type="tool_calls"), "is 'tool_call' meant?"),
    "arguments as text": (
        "output-messages",
        message(type="tool_call", name="f", arguments='{"a": 1}'),
        "arguments are the JSON text of an object",
    ),
    "data in a URI": (
        "input-messages",
        message(type="uri", modality="image", uri="data:image/png;base64,AA"),
        "belongs in a blob part",
    ),
    "instructions": ("system-instructions", ["Be kind."], "is not valid under any of the given schemas"),
    "definition without a name": ("tool-definitions", [{"type": "function"}], "not valid under any of the"),
    "definition's parameters": (
        "tool-definitions",
        [{"type": "function", "name": "f", "parameters": {"type": "objekt"}}],
        "$[0]: $.parameters",
    ),
    "arguments": ("tool-call-arguments", [1], "not of type 'object'"),
}


@each_row("good", GOOD.values(), ids=GOOD)
def test_a_conforming_log_event_has_no_complaint(good: Any) -> None:
    """Each conforming log event passes, bare or in an exporter's wrapper."""
    assert check_log(good) == []


@each_row(("wrong", "complaint"), WRONG.values(), ids=WRONG)
def test_each_wrong_log_event_causes_one_complaint(wrong: Any, complaint: str) -> None:
    """Each kind of wrong log event causes one complaint."""
    (found,) = check_log(wrong)
    assert complaint in found


@each_row(("kind", "value"), GOOD_MESSAGES.values(), ids=GOOD_MESSAGES)
def test_conforming_content_has_no_complaint(kind: str, value: Any) -> None:
    """Content of the right shape passes, structured or as JSON."""
    assert check_messages(kind, value) == []


@each_row(("kind", "value", "complaint"), WRONG_MESSAGES.values(), ids=WRONG_MESSAGES)
def test_each_wrong_content_causes_one_complaint(kind: str, value: Any, complaint: str) -> None:
    """Content of a wrong shape causes a complaint, even where the schema accepts any object with a type."""
    (found,) = check_messages(kind, value)
    assert complaint in found
