"""How responses end: complete, cut short, failed, cancelled, still queued; and Realtime's way of saying so."""

from __future__ import annotations

from typing import Any

from .response_shapes import (
    ASKED,
    ONE,
    Case,
    added,
    asks,
    begins,
    ends,
    event,
    function,
    message,
    pieces,
    says,
)
from .shapes import ARGS, Call

HELLO = message()
CUT = {**message("Hel"), "status": "incomplete"}
CUT_CALL = {**function(arguments=ARGS[:5]), "status": "incomplete"}
_ERROR = {"code": "server_error", "message": "What the user said."}
_TEXT = [*begins(), *says(HELLO, 0, "Hel", "lo")]


def cut(reason: object, *output: Any) -> Any:
    """The last event of a response that was cut short."""
    return ends(*output, status="incomplete", incomplete_details={"reason": reason})


def realtime(status: str, *output: Any, **details: Any) -> dict[str, Any]:
    """Realtime's last event, whose usage is named in the singular."""
    usage = {"input_tokens": 9, "output_tokens": 4, "input_token_details": {"cached_tokens": 2}}
    known = {"object": "realtime.response", "id": "resp_1", "status": status, "output": list(output)}
    return event("done", response={**known, "status_details": details or None, "usage": usage})


_SPOKEN = {**message(), "object": "realtime.item", "content": [{"type": "audio", "transcript": "Hello"}]}
_REALTIME = [
    event("created", response={"object": "realtime.response", "id": "resp_1", "status": "in_progress"})
]
_SPEECH = [
    *_REALTIME,
    event("output_item.added", index=0, item={**_SPOKEN, "status": "in_progress", "content": []}),
    event("conversation.item.created", item=_SPOKEN),
    *pieces("audio_transcript", ["Hel", "lo"], "msg_1"),
    event("output_item.done", index=0, item=_SPOKEN),
]
_SAID = {"text": "Hello", "model": None}

CASES = [
    Case(
        "incomplete-length",
        [*begins(), *says(CUT, 0, "Hel"), cut("max_output_tokens", CUT)],
        [],
        "length",
        text="Hel",
        status="incomplete",
    ),
    Case(
        "incomplete-filtered",
        [*begins(), *says(CUT, 0, "Hel"), cut("content_filter", CUT)],
        [],
        "content_filter",
        text="Hel",
        status="incomplete",
    ),
    Case("incomplete-unsaid", [*begins(), cut(None)], [], "incomplete", status="incomplete"),
    Case(
        "incomplete-call",
        [*begins(), *asks(CUT_CALL, 0, 2), cut("max_output_tokens", CUT_CALL)],
        [Call("call_a", "weather", ARGS[:5], valid=False, closed_by="done")],
        "length",
        status="incomplete",
    ),
    Case(
        "failed",
        [*_TEXT[:-2], ends(HELLO, status="failed", error=_ERROR)],
        [],
        None,
        None,
        text="Hello",
        failure="server_error",
        status="failed",
    ),
    Case(
        "failed-without-a-code",
        [*begins(), ends(status="failed")],
        [],
        None,
        None,
        failure="_OTHER",
        status="failed",
    ),
    Case(
        "cancelled",
        [*_TEXT, ends(HELLO, status="cancelled")],
        [],
        None,
        None,
        text="Hello",
        status="cancelled",
    ),
    Case(
        "queued-then-completed",
        [event("queued", response=begins("queued")[0]["response"]), *_TEXT, ends(HELLO)],
        [],
        text="Hello",
    ),
    Case(
        "tokens-of-details",
        [
            *_TEXT,
            ends(
                HELLO,
                usage={
                    "input_tokens": 9,
                    "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 1},
                    "output_tokens": 4,
                    "output_tokens_details": {"reasoning_tokens": 2},
                },
            ),
        ],
        [],
        text="Hello",
    ),
    Case("realtime", [*_SPEECH, realtime("completed", _SPOKEN)], [], **_SAID),
    Case(
        "realtime-call",
        [*_REALTIME, *asks(ONE, 0, 4), realtime("completed", ONE)],
        ASKED,
        "tool_calls",
        model=None,
    ),
    Case(
        "realtime-incomplete",
        [*_SPEECH, realtime("incomplete", _SPOKEN, type="incomplete", reason="max_output_tokens")],
        [],
        "length",
        status="incomplete",
        **_SAID,
    ),
    Case(
        "realtime-interrupted",
        [*_SPEECH, realtime("cancelled", _SPOKEN, type="cancelled", reason="turn_detected")],
        [],
        None,
        status="cancelled",
        **_SAID,
    ),
    Case(
        "realtime-failed",
        [*_REALTIME, realtime("failed", type="failed", error={"type": "x", "code": "rate_limit_exceeded"})],
        [],
        None,
        failure="rate_limit_exceeded",
        status="failed",
        model=None,
    ),
]

BROKEN_OFF = [
    Case(
        "cut-in-a-call",
        [*begins(), *asks(ONE, 0, 4, 9)[:3]],
        [Call("call_a", "weather", ARGS[:9], valid=False, closed_by="end")],
        None,
        None,
        status="in_progress",
    ),
    Case(
        "cut-before-the-last-event",
        [*_TEXT, *asks(ONE, 1, 4)],
        ASKED,
        None,
        None,
        text="Hello",
        status="in_progress",
    ),
    Case(
        "cut-after-a-call-began",
        [*begins(), added(ONE, arguments="")],
        [Call("call_a", "weather", "", valid=False, closed_by="end")],
        None,
        None,
        status="in_progress",
    ),
    Case("cut-in-a-text", _TEXT[:4], [], None, None, text="Hel", status="in_progress"),
    Case(
        "error-event",
        [
            *_TEXT[:5],
            {"type": "error", "code": "rate_limit", "message": "What the user said.", "param": None},
        ],
        [],
        None,
        None,
        text="Hello",
        failure="rate_limit",
        status="in_progress",
    ),
    Case(
        "error-event-with-an-object",
        [
            {
                "type": "error",
                "error": {"type": "server_error", "code": None, "message": "What the user said."},
            }
        ],
        [],
        None,
        None,
        failure="_OTHER",
        status=None,
        model=None,
    ),
    Case(
        "still-queued",
        [event("queued", response=begins("queued")[0]["response"])],
        [],
        None,
        None,
        status="queued",
    ),
    Case("nothing", [], [], None, None, status=None, model=None),
]
"""Streams without a last event; read whole they would be other answers."""
