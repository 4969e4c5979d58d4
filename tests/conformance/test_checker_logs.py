"""The checker of log events and of message shapes, told good from spoilt; must not know spans and metrics."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from opentelemetry._logs import SeverityNumber

from ..table import each_row
from .checker import check_log, check_messages
from .samples import COMPLETED, DETECTED, EMBEDDINGS, EXCEPTION, GONE, INPUT, OUTPUT, SPAN, changed, log

FAILURE = "gen_ai.client.operation.exception"
DETECT = "toolspan.tool_call.detected"
CALL = "toolspan.tool_call.completed"
WARN, INFO = SeverityNumber.WARN, SeverityNumber.INFO

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
SPOILT: dict[str, tuple[Any, str]] = {
    "no name": (log(None), "event name: missing"),
    "misspelt name": (log("gen_ai.client.operation.exceptions"), f"is {FAILURE} meant?"),
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
    """One message of one part."""
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
SPOILT_MESSAGES: dict[str, tuple[str, Any, str]] = {
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
def test_good_log(good: Any) -> None:
    """A log event that conforms has no complaint, bare or as an exporter keeps it."""
    assert check_log(good) == []


@each_row(("spoilt", "complaint"), SPOILT.values(), ids=SPOILT)
def test_spoilt_log(spoilt: Any, complaint: str) -> None:
    """Each kind of wrong log event is complained of, and nothing else."""
    (found,) = check_log(spoilt)
    assert complaint in found


@each_row(("kind", "value"), GOOD_MESSAGES.values(), ids=GOOD_MESSAGES)
def test_good_messages(kind: str, value: Any) -> None:
    """Content of the right shape has no complaint, structured or as text."""
    assert check_messages(kind, value) == []


@each_row(("kind", "value", "complaint"), SPOILT_MESSAGES.values(), ids=SPOILT_MESSAGES)
def test_spoilt_messages(kind: str, value: Any, complaint: str) -> None:
    """Content of a wrong shape is complained of, also where the schema has room for anything with a type."""
    (found,) = check_messages(kind, value)
    assert complaint in found
