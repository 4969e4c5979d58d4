"""How responses end: complete, cut short, failed, cancelled, still queued, or not at all."""

from __future__ import annotations

from typing import Any

from .response_shapes import ASKED, ONE, Case, added, asks, begins, ends, event, function, message, says
from .shapes import ARGS, Call

HELLO = message()
CUT = {**message("Hel"), "status": "incomplete"}
CUT_CALL = {**function(arguments=ARGS[:5]), "status": "incomplete"}
_ERROR = {"code": "server_error", "message": "What the user said."}
_TEXT = [*begins(), *says(HELLO, 0, "Hel", "lo")]


def cut(reason: object, *output: Any) -> Any:
    """The last event of a response that was cut short."""
    return ends(*output, status="incomplete", incomplete_details={"reason": reason})


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
    Case("cut-in-a-text", _TEXT[:5], [], None, None, text="Hel", status="in_progress"),
    Case(
        "error-event",
        [
            *_TEXT[:6],
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
