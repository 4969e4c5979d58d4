"""Calls that the server runs itself, as OpenAI streams them: searches, code, MCP, images, programs."""

from __future__ import annotations

from typing import Any

from .response_shapes import Case, added, begins, done, ends, event, message, pieces, says
from .shapes import ARGS, Call

_CODE = "print(1)"
BLOB = "iVBORw0KGgo" * 20
"""An image as text, which must be nowhere in what is read."""

MCP = {
    "type": "mcp_call",
    "id": "mcp_1",
    "name": "roll",
    "server_label": "dice",
    "arguments": ARGS,
    "output": "4",
    "error": None,
    "approval_request_id": None,
    "status": "completed",
}
LISTED = {
    "type": "mcp_list_tools",
    "id": "mcpl_1",
    "server_label": "dice",
    "tools": [{"name": "roll", "input_schema": {"type": "object"}, "annotations": None, "description": "x"}],
    "error": None,
}
WEB = {
    "type": "web_search_call",
    "id": "ws_1",
    "status": "completed",
    "action": {"type": "search", "query": "oslo"},
}
FILES = {
    "type": "file_search_call",
    "id": "fs_1",
    "status": "completed",
    "queries": ["oslo", "rome"],
    "results": None,
}
CODE = {
    "type": "code_interpreter_call",
    "id": "ci_1",
    "status": "completed",
    "code": _CODE,
    "container_id": "cntr_1",
    "outputs": None,
}
CONTAINER = {
    "type": "shell_call",
    "id": "sh_1",
    "call_id": "call_s",
    "status": "completed",
    "action": {"commands": ["ls"]},
    "environment": {"type": "container_reference", "container_id": "cntr_1"},
}
SEARCH = {
    "type": "tool_search_call",
    "id": "ts_1",
    "call_id": None,
    "execution": "server",
    "status": "completed",
    "arguments": {"paths": ["crm"]},
}
IMAGE = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": BLOB}
PROGRAM = {"type": "program", "id": "prog_1", "call_id": "call_p", "code": _CODE, "fingerprint": "f"}
ANSWER = message("Done.", "msg_9")


def hosted(
    found: dict[str, Any], made: str, *between: dict[str, Any], kind: str | None = None, **known: Any
) -> Case:
    """A call between its item's beginning and end, then a text; `known` are fields of its beginning."""
    kind = kind or found["type"].removesuffix("_call")
    identity = found.get("call_id") or found["id"]
    call = Call(identity, kind.removeprefix("hosted_"), made, closed_by="done", kind=kind)
    events = [*begins(), added(found, **known), *between, done(found), *says(ANSWER, 1, "Do", "ne.")]
    return Case(f"{found['type']}-{kind}", [*events, ends(found, ANSWER)], [call], text="Done.")


def steps(kind: str, item: str, *names: str) -> list[dict[str, Any]]:
    """Notices of how far the server is."""
    return [event(f"{kind}.{name}", item, 0) for name in names]


def failing(found: dict[str, Any], identity: str, name: str, arguments: str, **fields: Any) -> Case:
    """A call that the server could not run; the response itself is complete."""
    failed = {**found, **fields}
    kind = found["type"].removesuffix("_call")
    call = Call(identity, name, arguments, closed_by="failed", kind=kind)
    events = [*begins(), added(found), *steps(found["type"], identity, "in_progress", "failed"), done(failed)]
    return Case(f"{found['type']}-failed", [*events, ends(failed)], [call])


_MCP = hosted(
    MCP,
    ARGS,
    *steps("mcp_call", "mcp_1", "in_progress"),
    *pieces("mcp_call_arguments", [ARGS[:4], ARGS[4:]], "mcp_1"),
    event("mcp_call_arguments.done", "mcp_1", 0, arguments=ARGS),
    *steps("mcp_call", "mcp_1", "completed"),
    arguments="",
    output=None,
)
CASES = [
    _MCP._replace(calls=[_MCP.calls[0]._replace(name="roll", closed_by="json")]),
    failing(
        MCP, "mcp_1", "roll", ARGS, error={"type": "http_error", "code": 500, "message": "no"}, output=None
    ),
    hosted(LISTED, "", *steps("mcp_list_tools", "mcpl_1", "in_progress", "completed"), tools=[]),
    failing(LISTED, "mcpl_1", "mcp_list_tools", "", error="no", tools=[]),
    hosted(
        WEB,
        '{"type": "search", "query": "oslo"}',
        *steps("web_search_call", "ws_1", "in_progress", "searching", "completed"),
        action=None,
    ),
    failing(WEB, "ws_1", "web_search", '{"type": "search", "query": "oslo"}', status="failed"),
    hosted(
        FILES,
        '["oslo", "rome"]',
        *steps("file_search_call", "fs_1", "in_progress", "searching", "completed"),
        queries=[],
    ),
    hosted(
        CODE,
        _CODE,
        *steps("code_interpreter_call", "ci_1", "in_progress"),
        *pieces("code_interpreter_call_code", ["print", "(1)"], "ci_1"),
        event("code_interpreter_call_code.done", "ci_1", 0, code=_CODE),
        *steps("code_interpreter_call", "ci_1", "interpreting", "completed"),
        code="",
    ),
    hosted(
        CONTAINER,
        '{"commands": ["ls"]}',
        event("shell_call_output_content.delta", "sh_1", 0, delta={"stdout": "a.txt"}, command_index=0),
        kind="hosted_shell",
    ),
    hosted(SEARCH, '{"paths": ["crm"]}', kind="hosted_tool_search"),
    hosted(
        IMAGE,
        "",
        *steps("image_generation_call", "ig_1", "in_progress", "generating"),
        event(
            "image_generation_call.partial_image", "ig_1", 0, partial_image_b64=BLOB, partial_image_index=0
        ),
        *steps("image_generation_call", "ig_1", "completed"),
        result=None,
    ),
    failing(IMAGE, "ig_1", "image_generation", "", status="failed", result=None),
    hosted(PROGRAM, _CODE, kind="program"),
]
