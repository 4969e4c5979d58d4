"""Items of the Responses API, prompts, and parts of a message, in the convention's shape."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from toolspan.otel.content import messages as content_messages
from toolspan.otel.content.messages import content_parts, text_part
from toolspan.wire.request import completions_request, responses_request

from ...conformance.messages import check_messages
from ...table import each_row
from ...wire.response_shapes import ONE, message
from ...wire.responses_table import functions as responses_functions
from ...wire.responses_table import hosted as responses_hosted
from ...wire.responses_table import texts as responses_texts
from ..kept import longest

TEXT = {"type": "text", "content": "Hi"}


def inputs(value: Any, limit: int = 100) -> list[dict[str, Any]]:
    """Return the recorded form of this input."""
    return content_messages.input_messages(responses_request({"input": value}, keep=True), limit)


def parts(item: Any, limit: int = 100) -> list[dict[str, Any]]:
    """Return the parts of one item's message."""
    (found,) = inputs([item], limit)
    return found["parts"]


def result(kind: str, output: Any, **fields: Any) -> dict[str, Any]:
    """Return the result of a tool call."""
    return {"type": kind, "call_id": "call_a", "output": output, **fields}


def call(item: dict[str, Any], name: str, arguments: Any = None, kind: str | None = None) -> dict[str, Any]:
    """Return the part of a tool call; `kind` is that of a hosted call."""
    told = {} if arguments is None else {"arguments": arguments}
    identity = {"id": item.get("call_id") or item["id"]}
    if kind is None:
        return {"type": "tool_call", "name": name, **identity, **told}
    return {"type": "server_tool_call", "name": name, **identity, "server_tool_call": {"type": kind, **told}}


def answered(response: Any, identity: str = "call_a") -> dict[str, Any]:
    """Return the part of a tool call's result."""
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
def test_each_kind_of_item_has_role_and_parts(item: dict[str, Any], role: str, expected: list[Any]) -> None:
    """Each kind of item has its role and its recorded parts."""
    assert inputs([item]) == [{"role": role, "parts": expected}]


@each_row("limit", [0, 1, 20, 8192])
def test_all_items_together_are_valid_messages(limit: int) -> None:
    """All items together are valid by the schema, with limited texts and without inline data."""
    found = inputs([item for item, _, _ in ITEMS.values()], limit)
    assert check_messages("input-messages", found) == []
    assert responses_hosted.IMAGE["result"][:9] not in repr(found)
    assert "gAAA" not in repr(found)
    assert longest([message["parts"] for message in found]) <= max(limit, 25)  # types are no content


DATA = base64.b64encode(b"x" * 3000).decode()
DATA_URL = f"data:image/png;base64,{DATA}"


def test_a_text_becomes_a_text_part() -> None:
    """A text becomes a text part."""
    assert text_part("hello", 3) == {"type": "text", "content": "he…"}


def blob(modality: str, size: int, mime_type: str | None = None) -> dict[str, Any]:
    """Return the recorded form of inline data."""
    found: dict[str, Any] = {"type": "blob", "modality": modality, "content": "", "size": size}
    return {**found, "mime_type": mime_type} if mime_type else found


def uri(modality: str, address: str) -> dict[str, Any]:
    """Return the recorded form of a reference."""
    return {"type": "uri", "modality": modality, "uri": address}


PARTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "bare text": ("hi", {"type": "text", "content": "hi"}),
    "text": ({"type": "text", "text": "hi"}, {"type": "text", "content": "hi"}),
    "refusal": ({"type": "refusal", "refusal": "no"}, {"type": "text", "content": "no"}),
    "image": (
        {"type": "image_url", "image_url": {"url": "https://a.test/i"}},
        uri("image", "https://a.test/i"),
    ),
    "image, bare": ({"type": "image_url", "image_url": "https://a.test/i"}, uri("image", "https://a.test/i")),
    "input image": (
        {"type": "input_image", "image_url": "https://a.test/i"},
        uri("image", "https://a.test/i"),
    ),
    "video": (
        {"type": "video_url", "video_url": {"url": "https://a.test/v"}},
        uri("video", "https://a.test/v"),
    ),
    "sound": (
        {"type": "audio_url", "audio_url": {"url": "https://a.test/a"}},
        uri("audio", "https://a.test/a"),
    ),
    "image data": ({"type": "image_url", "image_url": {"url": DATA_URL}}, blob("image", 3000, "image/png")),
    "image data, bare": ({"type": "image_url", "image_url": DATA_URL}, blob("image", 3000, "image/png")),
    "data without a type": ({"type": "image_url", "image_url": "data:,abcd"}, blob("image", 3)),
    "no address": ({"type": "image_url"}, uri("image", "")),
    "audio": (
        {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}},
        blob("audio", 3000, "audio/wav"),
    ),
    "audio, no format": ({"type": "input_audio", "input_audio": {"data": DATA}}, blob("audio", 3000)),
    "audio, nothing": ({"type": "input_audio"}, blob("audio", 0)),
    "file": ({"type": "file", "file": {"file_data": DATA, "filename": "a.pdf"}}, blob("document", 3000)),
    "input file": ({"type": "input_file", "file_data": DATA}, blob("document", 3000)),
    "file by id": (
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "modality": "document", "file_id": "file-1"},
    ),
    "unknown": ({"type": "dance", "moves": [1]}, {"type": "dance"}),
    "nameless": ({"moves": [1]}, {"type": "unknown"}),
    "number": (7, {"type": "unknown"}),
}


@each_row(("part", "expected"), PARTS.values(), ids=PARTS)
def test_each_form_of_a_content_part_is_recorded(part: Any, expected: dict[str, Any]) -> None:
    """Each form of a part that the API accepts has its recorded form."""
    assert content_parts([part], 100) == [expected]


@each_row(
    ("content", "expected"),
    [
        ("hi", [{"type": "text", "content": "hi"}]),
        ("", []),
        (None, []),
        (float("nan"), []),
        (b"bytes", []),
        ({"a"}, []),
        ({"type": "text", "text": "hi"}, [{"type": "text", "content": "hi"}]),
        (("a", "b"), [{"type": "text", "content": "a"}, {"type": "text", "content": "b"}]),
    ],
    ids=["text", "empty", "none", "nan", "bytes", "set", "one part", "tuple"],
)
def test_content_is_a_text_or_a_list_of_parts(content: Any, expected: list[Any]) -> None:
    """A text and a list of parts are content; anything else is none, without an error."""
    assert content_parts(content, 100) == expected


@pytest.mark.parametrize("scheme", ["data", "DATA", "Data"])
def test_inline_data_is_never_recorded(scheme: str) -> None:
    """Nothing of inline data is recorded, however its scheme is written."""
    part = {"type": "image_url", "image_url": {"url": f"{scheme}:image/png;base64,{DATA}"}}
    assert DATA[:8] not in json.dumps(content_parts([part], 8192))


def test_a_large_data_url_becomes_a_small_part() -> None:
    """A data URL of five megabytes becomes less than 200 characters."""
    url = "data:image/png;base64," + "A" * 5_000_000
    parts = content_parts([{"type": "image_url", "image_url": {"url": url}}], 8192)
    assert len(json.dumps(parts)) < 200
    assert parts[0]["size"] == 3_750_000


def test_texts_refusals_and_addresses_keep_the_limit() -> None:
    """Texts, refusals and addresses keep the limit."""
    long = "x" * 500
    parts = [
        long,
        {"type": "text", "text": long},
        {"type": "refusal", "refusal": long},
        {"type": "image_url", "image_url": long},
    ]
    sizes = [len(part.get("content") or part["uri"]) for part in content_parts(parts, 100)]
    assert sizes == [100, 100, 100, 100]


@pytest.mark.parametrize("code", ["[1, 2]", "42", '"x"', "{}", "null", "print(1)"])
@pytest.mark.parametrize(
    ("item", "field"),
    [
        (responses_hosted.CODE, "code"),
        (responses_hosted.PROGRAM, "code"),
        (responses_functions.CUSTOM, "input"),
    ],
    ids=["code", "program", "custom"],
)
def test_code_and_free_text_stay_text(item: dict[str, Any], field: str, code: str) -> None:
    """Code and free text are texts, even if they look like JSON."""
    (part,) = parts({**item, field: code})
    assert part.get("server_tool_call", part)["arguments"] == code


@each_row(
    ("value", "expected"),
    [("Hi", [{"role": "user", "parts": [TEXT]}]), ("", [{"role": "user", "parts": []}]), ([], []), (3, [])],
    ids=["text", "empty", "list", "number"],
)
def test_a_plain_text_input_is_a_user_message(value: Any, expected: list[Any]) -> None:
    """A plain text is a message of the user."""
    assert inputs(value) == expected


PROMPTS: dict[str, tuple[Any, list[str]]] = {
    "text": ("a", ["a"]),
    "one text": (["a"], ["a"]),
    "texts": (["a", "b"], ["a", "b"]),
    "tuple": (("a", "b"), ["a", "b"]),
    "tokens": ([1, 2, 3], []),
    "tokens of two": ([[1, 2], [3]], []),
    "mixed": (["a", [1, 2]], ["a"]),
    "none": ([], []),
    "number": (3, []),
}


@each_row(("prompt", "texts"), PROMPTS.values(), ids=PROMPTS)
def test_text_prompts_are_user_messages_and_tokens_are_not(prompt: Any, texts: list[str]) -> None:
    """Prompts of legacy completions are messages of the user; tokens have none."""
    found = content_messages.input_messages(completions_request({"prompt": prompt}, keep=True), 100)
    assert [part["content"] for each in found for part in each["parts"]] == texts
    assert {each["role"] for each in found} <= {"user"}
