"""Our messages as util-genai's types; what a redaction made of them is no reason to fail."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from toolspan.otel.content.completion_hook import input_message, output_message, part, tool_definition

from ...table import each_row

PARTS: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"type": "text", "content": "a"}, "TextPart", {"content": "a"}),
    ({"type": "reasoning", "content": "a"}, "ReasoningPart", {"content": "a"}),
    ({"type": "text", "content": {"a": 1}}, "TextPart", {"content": '{"a":1}'}),
    ({"type": "text"}, "TextPart", {"content": ""}),
    (
        {"type": "tool_call", "id": "c", "name": "f", "arguments": {"a": 1}},
        "ToolCallRequestPart",
        {"id": "c", "name": "f", "arguments": {"a": 1}},
    ),
    ({"type": "tool_call"}, "ToolCallRequestPart", {"id": None, "name": "", "arguments": None}),
    (
        {"type": "tool_call_response", "id": "c", "response": "r"},
        "ToolCallResponsePart",
        {"id": "c", "response": "r"},
    ),
    (
        {"type": "server_tool_call", "name": "s", "server_tool_call": {"type": "web_search"}},
        "ServerToolCallPart",
        {"id": None, "name": "s", "server_tool_call": {"type": "web_search"}},
    ),
    (
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "", "size": 9},
        "BlobPart",
        {"modality": "image", "mime_type": "image/png", "content": b""},
    ),
    (
        {"type": "file", "modality": "document", "file_id": "f"},
        "FilePart",
        {"modality": "document", "mime_type": None, "file_id": "f"},
    ),
    (
        {"type": "uri", "modality": "image", "uri": "u"},
        "UriPart",
        {"modality": "image", "mime_type": None, "uri": "u"},
    ),
    ({"type": "compaction"}, "CompactionPart", {"id": None, "content": None}),
    ({"type": "item_reference", "more": 1}, "GenericPart", {}),
    ({}, "GenericPart", {"type": "unknown"}),
]


@each_row(("given", "name", "expected"), PARTS, ids=[str(given) for given, _, _ in PARTS])
def test_parts(given: dict[str, Any], name: str, expected: dict[str, Any]) -> None:
    """Each kind of part has its type, whose fields are what the part says."""
    found = part(given)
    assert type(found).__name__ == name
    assert asdict(found) == {**({"type": given["type"]} if "type" in given else {}), **expected}


def test_messages() -> None:
    """Role, parts, name and reason; what is no part is none."""
    found = input_message({"role": "user", "name": "ann", "parts": [{"type": "text", "content": "a"}, "odd"]})
    assert (found.role, found.name, len(found.parts)) == ("user", "ann", 1)
    found = output_message({"role": "assistant", "parts": "odd", "finish_reason": "stop"})
    assert (found.role, found.parts, found.finish_reason) == ("assistant", [], "stop")
    assert (input_message({}).role, output_message({}).finish_reason) == ("user", None)


def test_tools() -> None:
    """Functions with what is known of them, others by kind and name."""
    found = tool_definition({"type": "function", "name": "f", "description": "d", "parameters": {"a": 1}})
    assert asdict(found) == {"type": "function", "name": "f", "description": "d", "parameters": {"a": 1}}
    assert asdict(tool_definition({"type": "mcp", "name": "docs"})) == {"type": "mcp", "name": "docs"}
    assert asdict(tool_definition({})) == {"type": "unknown", "name": ""}
