"""The events that an application reads: their form as JSON."""

from __future__ import annotations

from typing import Any

from toolspan.event_stream.events import (
    Done,
    ReasoningDelta,
    RefusalDelta,
    StreamError,
    TextDelta,
    ToolCallArgumentsDelta,
    ToolCallCompleted,
    ToolCallStarted,
    UsageReported,
)
from toolspan.wire.events import Usage


def test_each_event_is_json_with_its_type_first() -> None:
    """As JSON an event has its type first and known usage, but neither chunk nor exception."""
    call = {"choice": 0, "index": 1, "id": "call_a", "name": "weather", "kind": "function"}
    judged = {"arguments": "{}", "parsed": {}, "valid": False, "reason": "missing_argument", "path": "city"}
    error = {"kind": "provider", "message": "no", "code": "busy", "choice": 0, "index": None}
    end = {"finish_reasons": ("stop",), "outcome": "completed", "whole": True}
    counted = {"input": 1, "cost": 0.5}
    for kind, fields in (
        (TextDelta, {"choice": 0, "text": "a"}),
        (ReasoningDelta, {"choice": 0, "text": "a"}),
        (RefusalDelta, {"choice": 0, "text": "a"}),
        (ToolCallStarted, call),
        (ToolCallArgumentsDelta, {"choice": 0, "index": 1, "delta": "{"}),
        (ToolCallCompleted, {**call, **judged}),
        (StreamError, {**error, "id": None, "name": None}),
    ):
        event: Any = kind(**fields, chunk=object())
        assert event.to_dict() == {"type": event.type, **fields}
        assert next(iter(event.to_dict())) == "type"
    for event, fields in (
        (UsageReported(Usage(1, cost=0.5)), {"usage": counted}),
        (Done(**end, usage=Usage(1, cost=0.5)), {**end, "usage": counted}),
        (Done(**end, usage=None), {**end, "usage": None}),
    ):
        assert event.to_dict() == {"type": event.type, **fields}
    assert "error" not in StreamError("provider", "no", error=OSError()).to_dict()
