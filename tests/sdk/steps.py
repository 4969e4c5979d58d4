"""Streams step by step: each chunk, and the events that it causes in telemetry.

It knows nothing of who reads them.
"""

from __future__ import annotations

from typing import Any

from . import wire
from . import wire_responses as wire_r
from .wire_responses import added, done, part

Steps = list[tuple[dict[str, Any], list[tuple[str, "int | None"]]]]

DETECTED, COMPLETED, TEXT = (
    "toolspan.tool_call.detected",
    "toolspan.tool_call.completed",
    "toolspan.text.started",
)
CHAT: Steps = [
    (wire.chunk({"role": "assistant", "content": ""}), []),
    (wire.text("Let me "), [(TEXT, None)]),
    (wire.text("look."), []),
    (wire.call("", name="get_weather"), [(DETECTED, 0)]),
    (wire.call('{"city": "Be'), []),
    (wire.call("", name="get_time", index=1), [(DETECTED, 1)]),
    (wire.call('rn"}', index=0), [(COMPLETED, 0)]),
    (wire.call('{"zone":', index=1), []),
    (wire.call(' {"h": 1}', index=1), []),
    (wire.call("}", index=1), [(COMPLETED, 1)]),
    (wire.call(name="get_nothing", index=2), [(DETECTED, 2)]),
    (wire.chunk(None, "tool_calls"), [(COMPLETED, 2)]),
    (wire.usage(), []),
]

WEATHER = wire_r.call("get_weather", '{"city": "Bern"}', at=1)
TIME = wire_r.call("get_time", '{"zone": {"h": 1}}', at=2)
NOTHING = wire_r.call("get_nothing", "", at=3)
SHELL = wire_r.call("run", "ls -l", at=4, kind="custom_tool_call")
READ = wire_r.hosted("mcp_call", 5, name="read", server_label="docs", arguments='{"page":1}', output="text")
SEARCH = wire_r.hosted("web_search_call", 6, action={"type": "search", "query": "Bern"})
CODE = wire_r.hosted("code_interpreter_call", 7, code="print(1)", container_id="cntr_1", outputs=[])
_BEGINNING = wire_r.stream(last=None)
_ITEMS = [WEATHER, TIME, NOTHING, SHELL, READ, SEARCH, CODE]


def _text() -> Steps:
    """A message: its text begins with the first delta."""
    found: Steps = [(event, []) for event in wire_r.written("Let me ", "look.")]
    found[2][1].append((TEXT, None))
    return found


def _functions() -> Steps:
    """Calls that the application answers: two interleaved ones, one without arguments, one of free text."""
    weather, time, text = "function_call_arguments", "function_call_arguments", "custom_tool_call_input"
    return [
        (added(WEATHER, 1, arguments=""), [(DETECTED, 0)]),
        (part(f"{weather}.delta", WEATHER, 1, delta='{"city": "Be'), []),
        (added(TIME, 2, arguments=""), [(DETECTED, 1)]),
        (part(f"{weather}.delta", WEATHER, 1, delta='rn"}'), [(COMPLETED, 0)]),
        (part(f"{weather}.done", WEATHER, 1, arguments=WEATHER["arguments"]), []),
        (part(f"{time}.delta", TIME, 2, delta='{"zone": {"h": 1}'), []),
        (done(WEATHER, 1), []),
        (part(f"{time}.delta", TIME, 2, delta="}"), [(COMPLETED, 1)]),
        (part(f"{time}.done", TIME, 2, arguments=TIME["arguments"]), []),
        (done(TIME, 2), []),
        (added(NOTHING, 3), [(DETECTED, 2)]),
        (part("function_call_arguments.done", NOTHING, 3, arguments=""), [(COMPLETED, 2)]),
        (done(NOTHING, 3), []),
        (added(SHELL, 4, input=""), [(DETECTED, 3)]),
        (part(f"{text}.delta", SHELL, 4, delta="ls "), []),
        (part(f"{text}.delta", SHELL, 4, delta="-l"), []),
        (part(f"{text}.done", SHELL, 4, input="ls -l"), [(COMPLETED, 3)]),
        (done(SHELL, 4), []),
    ]


def _hosted() -> Steps:
    """Calls that the server answers itself, with events of their own."""
    return [
        (added(READ, 5, arguments="", output=None), [(DETECTED, 4)]),
        (part("mcp_call.in_progress", READ, 5), []),
        (part("mcp_call_arguments.delta", READ, 5, delta='{"page":1}'), [(COMPLETED, 4)]),
        (part("mcp_call_arguments.done", READ, 5, arguments='{"page":1}'), []),
        (part("mcp_call.completed", READ, 5), []),
        (done(READ, 5), []),
        (added(SEARCH, 6, action=None), [(DETECTED, 5)]),
        (part("web_search_call.in_progress", SEARCH, 6), []),
        (part("web_search_call.searching", SEARCH, 6), []),
        (part("web_search_call.completed", SEARCH, 6), []),
        (done(SEARCH, 6), [(COMPLETED, 5)]),
        (added(CODE, 7, code=""), [(DETECTED, 6)]),
        (part("code_interpreter_call_code.delta", CODE, 7, delta="print("), []),
        (part("code_interpreter_call_code.delta", CODE, 7, delta="1)"), []),
        (part("code_interpreter_call_code.done", CODE, 7, code="print(1)"), [(COMPLETED, 6)]),
        (part("code_interpreter_call.interpreting", CODE, 7), []),
        (part("code_interpreter_call.completed", CODE, 7), []),
        (done(CODE, 7), []),
    ]


_LAST = wire_r.progress("completed", [wire_r.message("Let me look.", "msg_0"), *_ITEMS])
RESPONSES: Steps = [
    *((event, []) for event in _BEGINNING),
    *_text(),
    *_functions(),
    *_hosted(),
    (_LAST, []),
]
BY_API = {"chat": CHAT, "responses": RESPONSES, "fetched": RESPONSES}
