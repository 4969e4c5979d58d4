"""Streams of responses that begin in the middle, go on after a call is complete, or hold unknown things."""

from __future__ import annotations

from .response_shapes import (
    ASKED,
    BOTH,
    ONE,
    TWO,
    Case,
    added,
    asks,
    begins,
    done,
    ends,
    event,
    message,
    pieces,
    response,
    says,
)
from .shapes import ARGS, Call

HELLO = message()
_UNKNOWN = {"type": "hologram", "id": "h_1", "status": "completed", "size": 3}
_UNKNOWN_CALL = {"type": "dream_call", "id": "d_1", "status": "completed", "arguments": "{}"}
_STEER = {"error": {"code": "response_not_active", "message": "x", "type": "invalid_request_error"}}

CASES = [
    Case(
        "from-the-middle-of-arguments",
        [*asks(ONE, 0, 3)[2:], ends(ONE)],
        [Call("call_a", "weather", ARGS, closed_by="done")],
        "tool_calls",
        report="retrieve(starting_after=…)",
    ),
    Case(
        "from-the-middle-of-the-second-call",
        [*asks(TWO, 1, 3)[2:], ends(ONE, TWO)],
        [
            Call("call_b", "weather", TWO["arguments"], closed_by="done"),
            Call("call_a", "weather", ARGS, closed_by="done"),
        ],
        "tool_calls",
        whole=response(TWO, ONE),
        report="retrieve(starting_after=…)",
    ),
    Case(
        "from-the-end-of-a-call",
        [*asks(ONE, 0, 3)[3:], *says(HELLO, 1, "Hello"), ends(ONE, HELLO)],
        [Call("call_a", "weather", ARGS, closed_by="done")],
        "tool_calls",
        text="Hello",
        report="retrieve(starting_after=…)",
    ),
    Case(
        "from-the-middle-of-a-text",
        [*says(HELLO, 0, "Hel", "lo")[3:], ends(HELLO)],
        [],
        text="lo",
        whole=response(message("lo")),
        report="retrieve(starting_after=…)",
    ),
    Case(
        "white-space-after-the-arguments",
        [
            *begins(),
            *asks({**ONE, "arguments": ARGS + " \n"}, 0, len(ARGS)),
            ends({**ONE, "arguments": ARGS + " \n"}),
        ],
        [Call("call_a", "weather", ARGS + " \n")],
        "tool_calls",
        server="gateways",
        report="none: events.py allows trailing text",
    ),
    Case(
        "two-documents-in-one-call",
        [*begins(), *asks({**ONE, "arguments": "{} {}"}, 0, 2), ends({**ONE, "arguments": "{} {}"})],
        [Call("call_a", "weather", "{} {}", valid=False)],
        "tool_calls",
        server="gateways",
        report="none: events.py allows trailing text",
    ),
    Case(
        "unknown-events",
        [
            *begins(),
            event("hologram.delta", "msg_1", 0, delta="x"),
            {"type": "keepalive"},
            {"type": "response"},
            {"type": ""},
            event("response.completed", response=response(ONE)),
            *asks(ONE, 0, 3),
            ends(ONE),
        ],
        ASKED,
        "tool_calls",
        report="none: the API grows",
    ),
    Case(
        "unknown-event-with-an-error",
        [*begins(), {**event("steer.failed"), **_STEER}, *says(HELLO, 0, "Hello"), ends(HELLO)],
        [],
        text="Hello",
        report="response.steer.failed",
    ),
    Case(
        "unknown-items",
        [*begins(), added(_UNKNOWN), done(_UNKNOWN), *says(HELLO, 1, "Hello"), ends(_UNKNOWN, HELLO)],
        [],
        text="Hello",
        report="none: the API grows",
    ),
    Case(
        "unknown-call",
        [*begins(), added(_UNKNOWN_CALL, arguments=""), done(_UNKNOWN_CALL), ends(_UNKNOWN_CALL)],
        [Call("d_1", "dream", "{}", closed_by="done", kind="dream")],
        report="none: the API grows",
    ),
    Case(
        "results-of-calls",
        [
            *begins(),
            *asks(ONE, 0, 3),
            done({"type": "function_call_output", "id": "o_1", "call_id": "call_a", "output": "rain"}, 1),
            *asks(TWO, 2, 3),
            ends(
                ONE, {"type": "function_call_output", "id": "o_1", "call_id": "call_a", "output": "rain"}, TWO
            ),
        ],
        BOTH,
        "tool_calls",
        server="OpenClaw",
        report="openclaw/openclaw#48491",
    ),
    Case(
        "the-end-twice",
        [*begins(), *says(HELLO, 0, "Hello"), ends(HELLO), ends(HELLO)],
        [],
        text="Hello",
        report="no report known",
    ),
    Case(
        "call-in-a-gap",
        [
            *begins(),
            added(ONE, 0, arguments=""),
            *pieces("function_call_arguments", [ARGS], "fc_a", 0),
            ends(ONE),
        ],
        ASKED,
        "tool_calls",
        report="none: a call without its own end",
    ),
]

BROKEN_OFF = [
    Case(
        "from-the-middle-then-cut",
        pieces("function_call_arguments", [ARGS[3:]], "fc_a", 0),
        [Call(None, None, "", valid=False, closed_by="end")],
        None,
        None,
        status=None,
        model=None,
        report="retrieve(starting_after=…)",
    ),
    Case(
        "from-the-middle-of-code-then-cut",
        [
            *pieces("code_interpreter_call_code", ["x"], "ci_1", 0),
            *pieces("custom_tool_call_input", ["x"], "ctc_1", 1),
            *pieces("mcp_call_arguments", ["x"], "mcp_1", 2),
        ],
        [
            Call(None, None, "", valid=False, closed_by="end", kind=kind)
            for kind in ("code_interpreter", "custom", "mcp")
        ],
        None,
        None,
        status=None,
        model=None,
        report="retrieve(starting_after=…)",
    ),
    Case(
        "no-last-event",
        [*begins(), *asks(ONE, 0, 3), *says(HELLO, 1, "Hello")],
        ASKED,
        None,
        None,
        text="Hello",
        status="in_progress",
        server="gateways",
        report="logfire#1668",
    ),
]
