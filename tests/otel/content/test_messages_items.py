"""Input items of the Responses API as the convention's messages, each kind of them valid by its schema."""

from __future__ import annotations

from typing import Any

from toolspan.otel.content import messages as content_messages
from toolspan.wire.request import responses_request

from ...conformance.messages import check_messages
from ...table import each_row
from ...wire import responses_functions, responses_hosted, responses_texts
from ...wire.response_shapes import ONE, message
from ..kept import longest

TEXT = {"type": "text", "content": "Hi"}


def inputs(value: Any, limit: int = 100) -> list[dict[str, Any]]:
    """This input as it is recorded."""
    return content_messages.input_messages(responses_request({"input": value}, keep=True), limit)


def parts(item: Any, limit: int = 100) -> list[dict[str, Any]]:
    """The parts of one item's message."""
    (found,) = inputs([item], limit)
    return found["parts"]


def result(kind: str, output: Any, **fields: Any) -> dict[str, Any]:
    """The result of a call."""
    return {"type": kind, "call_id": "call_a", "output": output, **fields}


def call(item: dict[str, Any], name: str, arguments: Any = None, kind: str | None = None) -> dict[str, Any]:
    """The part of a call; `kind` is that of one that the server ran."""
    told = {} if arguments is None else {"arguments": arguments}
    identity = {"id": item.get("call_id") or item["id"]}
    if kind is None:
        return {"type": "tool_call", "name": name, **identity, **told}
    return {"type": "server_tool_call", "name": name, **identity, "server_tool_call": {"type": kind, **told}}


def answered(response: Any, identity: str = "call_a") -> dict[str, Any]:
    """The part of a call's result."""
    return {"type": "tool_call_response", "response": response, "id": identity}


ITEMS: dict[str, tuple[dict[str, Any], str, list[Any]]] = {
    "easy message": ({"role": "user", "content": "Hi"}, "user", [TEXT]),
    "message": (
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Hi"}]},
        "developer",
        [TEXT],
    ),
    "answer": (message("Hi"), "assistant", [TEXT]),
    "image": (
        {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]},
        "user",
        [{"type": "blob", "modality": "image", "content": "", "size": 3, "mime_type": "image/png"}],
    ),
    "image's address": (
        {"role": "user", "content": [{"type": "input_image", "image_url": "https://x/y.png"}]},
        "user",
        [{"type": "uri", "modality": "image", "uri": "https://x/y.png"}],
    ),
    "file": (
        {"role": "user", "content": [{"type": "input_file", "file_id": "file_1"}]},
        "user",
        [{"type": "file", "modality": "document", "file_id": "file_1"}],
    ),
    "function": (ONE, "assistant", [call(ONE, "weather", {"city": "Oslo"})]),
    "custom": (
        responses_functions.CUSTOM,
        "assistant",
        [call(responses_functions.CUSTOM, "sql", "SELECT 1 {")],
    ),
    "computer": (
        responses_functions.COMPUTER,
        "assistant",
        [call(responses_functions.COMPUTER, "computer", {"type": "click", "x": 1, "y": 2})],
    ),
    "shell": (
        responses_functions.SHELL,
        "assistant",
        [call(responses_functions.SHELL, "shell", {"commands": ["ls"], "timeout_ms": 9})],
    ),
    "approval": (
        responses_functions.APPROVAL,
        "assistant",
        [call(responses_functions.APPROVAL, "delete", {"city": "Oslo"})],
    ),
    "web search": (
        responses_hosted.WEB,
        "assistant",
        [call(responses_hosted.WEB, "web_search", {"type": "search", "query": "oslo"}, "web_search")],
    ),
    "file search": (
        responses_hosted.FILES,
        "assistant",
        [call(responses_hosted.FILES, "file_search", ["oslo", "rome"], "file_search")],
    ),
    "mcp": (responses_hosted.MCP, "assistant", [call(responses_hosted.MCP, "roll", {"city": "Oslo"}, "mcp")]),
    "listed tools": (
        responses_hosted.LISTED,
        "assistant",
        [call(responses_hosted.LISTED, "mcp_list_tools", None, "mcp_list_tools")],
    ),
    "code": (
        responses_hosted.CODE,
        "assistant",
        [call(responses_hosted.CODE, "code_interpreter", "print(1)", "code_interpreter")],
    ),
    "picture": (
        responses_hosted.IMAGE,
        "assistant",
        [call(responses_hosted.IMAGE, "image_generation", None, "image_generation")],
    ),
    "result": (result("function_call_output", "rain"), "tool", [answered("rain")]),
    "result in parts": (
        result("custom_tool_call_output", [{"type": "input_text", "text": "Hi"}]),
        "tool",
        [answered([TEXT])],
    ),
    "screenshot": (
        result(
            "computer_call_output", {"type": "computer_screenshot", "image_url": "data:image/png;base64,AA"}
        ),
        "tool",
        [answered([{"type": "computer_screenshot"}])],
    ),
    "result of a program": (
        {"type": "program_output", "id": "p_1", "call_id": "call_a", "result": "Hi"},
        "tool",
        [answered("Hi")],
    ),
    "result without a call": (
        {"type": "local_shell_call_output", "id": "l_1", "output": "x"},
        "tool",
        [answered("x", "l_1")],
    ),
    "reasoning": (responses_texts.THOUGHT, "assistant", [{"type": "reasoning", "content": "Hm."}]),
    "summary": (responses_texts.SUMMARY, "assistant", [{"type": "reasoning", "content": "Hm."}]),
    "hidden reasoning": ({"type": "reasoning", "encrypted_content": "gAAA"}, "assistant", []),
    "compaction": (responses_texts.COMPACTED, "assistant", [{"type": "compaction"}]),
    "approved": (
        {"type": "mcp_approval_response", "approval_request_id": "m", "approve": True},
        "user",
        [{"type": "mcp_approval_response"}],
    ),
    "reference": ({"type": "item_reference", "id": "msg_1"}, "user", [{"type": "item_reference"}]),
    "unknown": ({"type": "hologram", "data": "x" * 99}, "user", [{"type": "hologram"}]),
}


@each_row(("item", "role", "expected"), ITEMS.values(), ids=ITEMS)
def test_item(item: dict[str, Any], role: str, expected: list[Any]) -> None:
    """Each kind of item, who it is from, and what is recorded of it."""
    assert inputs([item]) == [{"role": role, "parts": expected}]


@each_row("limit", [0, 1, 20, 8192])
def test_valid(limit: int) -> None:
    """All items together are messages by the schema, with texts of at most the limit; no data is inline."""
    found = inputs([item for item, _, _ in ITEMS.values()], limit)
    assert check_messages("input-messages", found) == []
    assert responses_hosted.BLOB[:9] not in repr(found)
    assert "gAAA" not in repr(found)
    assert longest([message["parts"] for message in found]) <= max(limit, 25)  # types are no content
