"""Calls that the application answers, as OpenAI streams them: functions, custom tools, shells, patches."""

from __future__ import annotations

from typing import Any

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
    function,
    pieces,
)
from .shapes import ARGS, Call

_CODE = "SELECT 1 {"
CUSTOM = {
    "type": "custom_tool_call",
    "id": "ctc_1",
    "call_id": "call_a",
    "name": "sql",
    "input": _CODE,
    "status": "completed",
}
APPROVAL = {
    "type": "mcp_approval_request",
    "id": "mcpr_1",
    "name": "delete",
    "server_label": "files",
    "arguments": ARGS,
}


def item(kind: str, own: str, **fields: Any) -> dict[str, Any]:
    """An item that the application answers."""
    return {"type": kind, "id": own, "call_id": "call_a", "status": "completed", **fields}


COMPUTER = item("computer_call", "cu_1", action={"type": "click", "x": 1, "y": 2}, pending_safety_checks=[])
COMPUTER_BATCH = item(
    "computer_call",
    "cu_1",
    actions=[{"type": "wait"}, {"type": "type", "text": "a"}],
    pending_safety_checks=[],
)
LOCAL_SHELL = item("local_shell_call", "lsh_1", action={"type": "exec", "command": ["ls"], "env": {}})
SHELL = item("shell_call", "sh_1", action={"commands": ["ls"], "timeout_ms": 9})
SHELL_HERE = {**SHELL, "environment": {"type": "local"}}
PATCH = item("apply_patch_call", "apc_1", operation={"type": "delete_file", "path": "a.txt"})
SEARCH = item("tool_search_call", "ts_1", execution="client", arguments={"query": "weather"})


def complete(found: dict[str, Any], kind: str, arguments: str, name: str | None = None) -> Case:
    """A call that comes without pieces: only its item, first without what it shall do, then with it."""
    begun = {**found, "status": "in_progress"}
    for key in ("action", "actions", "operation"):
        begun.pop(key, None)
    call = Call(found.get("call_id") or found["id"], name or kind, arguments, closed_by="done", kind=kind)
    events = [*begins(), added(begun), done(found), ends(found)]
    return Case(f"{found['type']}-{kind}", events, [call], "tool_calls")


CASES = [
    Case("function", [*begins(), *asks(ONE, 0, 3, 9), ends(ONE)], ASKED, "tool_calls"),
    Case(
        "functions-one-after-the-other",
        [*begins(), *asks(ONE, 0, 3), *asks(TWO, 1, 5), ends(ONE, TWO)],
        BOTH,
        "tool_calls",
    ),
    Case(
        "functions-interleaved",
        [
            *begins(),
            added(ONE, 0, arguments=""),
            added(TWO, 1, arguments=""),
            *pieces("function_call_arguments", [ARGS[:4]], "fc_a", 0),
            *pieces("function_call_arguments", [TWO["arguments"][:4]], "fc_b", 1),
            *pieces("function_call_arguments", [ARGS[4:]], "fc_a", 0),
            *pieces("function_call_arguments", [TWO["arguments"][4:]], "fc_b", 1),
            done(TWO, 1),
            done(ONE, 0),
            ends(ONE, TWO),
        ],
        BOTH,
        "tool_calls",
    ),
    Case(
        "function-without-arguments",
        [*begins(), *asks(function(arguments="")), ends(function(arguments=""))],
        [Call("call_a", "weather", "", closed_by="done")],
        "tool_calls",
    ),
    Case(
        "function-that-is-no-json",
        [*begins(), *asks(function(arguments='{"a"'), 0, 1), ends(function(arguments='{"a"'))],
        [Call("call_a", "weather", '{"a"', valid=False, closed_by="done")],
        "tool_calls",
    ),
    Case(
        "custom-tool",
        [
            *begins(),
            added(CUSTOM, input=""),
            *pieces("custom_tool_call_input", [_CODE[:6], _CODE[6:]], "ctc_1"),
            event("custom_tool_call_input.done", "ctc_1", 0, input=_CODE),
            done(CUSTOM),
            ends(CUSTOM),
        ],
        [Call("call_a", "sql", _CODE, closed_by="done", kind="custom")],
        "tool_calls",
    ),
    complete(APPROVAL, "mcp_approval_request", ARGS, "delete"),
    complete(COMPUTER, "computer", '{"type": "click", "x": 1, "y": 2}'),
    complete(COMPUTER_BATCH, "computer", '[{"type": "wait"}, {"type": "type", "text": "a"}]')._replace(
        id="computer_call-batch"
    ),
    complete(LOCAL_SHELL, "local_shell", '{"type": "exec", "command": ["ls"], "env": {}}'),
    complete(SHELL, "shell", '{"commands": ["ls"], "timeout_ms": 9}'),
    complete(SHELL_HERE, "shell", '{"commands": ["ls"], "timeout_ms": 9}')._replace(id="shell_call-local"),
    Case(
        "shell_call-in-pieces",
        [
            *begins(),
            added({**SHELL, "action": {"commands": []}}),
            event("shell_call_command.added", index=0, command="", command_index=0),
            event("shell_call_command.delta", index=0, delta="l", command_index=0),
            event("shell_call_command.delta", index=0, delta="s", command_index=0),
            event("shell_call_command.done", index=0, command="ls", command_index=0),
            done(SHELL),
            ends(SHELL),
        ],
        [Call("call_a", "shell", '{"commands": ["ls"], "timeout_ms": 9}', closed_by="done", kind="shell")],
        "tool_calls",
    ),
    complete(PATCH, "apply_patch", '{"type": "delete_file", "path": "a.txt"}'),
    complete(SEARCH, "tool_search", '{"query": "weather"}'),
]
