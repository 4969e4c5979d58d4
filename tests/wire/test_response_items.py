"""Single output items: which are calls, and the facts of each call."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai._models import construct_type

from toolspan.wire.events import Reasoning, Refusal, Text
from toolspan.wire.response_items import ANSWERED, FREE_TEXT, HOSTED, NAMED, call_item, item_texts

from ..table import each_row
from .reading import plain
from .responses_reading import types
from .responses_table import BLOB, functions, hosted


def sdk_item(body: Any) -> Any:
    """The item as the SDK builds it, without validation."""
    return construct_type(type_=types.ResponseOutputItem, value=body)


BUILDERS = pytest.mark.parametrize("build", [plain, sdk_item], ids=["dict", "sdk"])
KINDS = {
    "function_call": "function",
    "custom_tool_call": "custom",
    "mcp_call": "mcp",
    "mcp_list_tools": "mcp_list_tools",
    "mcp_approval_request": "mcp_approval_request",
    "web_search_call": "web_search",
    "file_search_call": "file_search",
    "code_interpreter_call": "code_interpreter",
    "image_generation_call": "image_generation",
    "computer_call": "computer",
    "local_shell_call": "local_shell",
    "shell_call": "shell",
    "apply_patch_call": "apply_patch",
    "tool_search_call": "tool_search",
    "program": "program",
}
NO_CALLS = (
    "message",
    "reasoning",
    "compaction",
    "function_call_output",
    "computer_call_output",
    "custom_tool_call_output",
    "shell_call_output",
    "tool_search_output",
    "program_output",
    "mcp_approval_response",
    "additional_tools",
    "hologram",
    "",
)


@BUILDERS
@each_row(("type_", "kind"), KINDS.items(), ids=KINDS)
def test_each_call_item_has_its_kind_and_name(type_: str, kind: str, build: Any) -> None:
    """Each type of item that is a call has its kind; some have a name beside it."""
    found = call_item(build({"type": type_, "id": "i_1", "name": "n"}))
    assert found is not None
    assert (found.kind, found.id, found.ids) == (kind, "i_1", ("i_1",))
    assert found.name == ("n" if kind in NAMED else kind)


def test_sets_of_kinds_hold_every_kind_and_no_other() -> None:
    """The sets of kinds hold all there are, and name no other."""
    assert set(KINDS.values()) == HOSTED | NAMED
    assert set(KINDS.values()) >= ANSWERED | FREE_TEXT


@BUILDERS
@each_row("type_", NO_CALLS)
def test_messages_reasoning_and_results_are_not_calls(type_: str, build: Any) -> None:
    """Messages, reasoning, compactions, results of calls and unknown items are not calls."""
    assert call_item(build({"type": type_, "id": "i_1", "call_id": "c", "name": "n"})) is None


@each_row("item", [None, 3, "function_call", [], {}, {"type": 3}, {"type": ["x_call"]}], ids=repr)
def test_value_that_is_not_an_item_has_no_call_and_no_text(item: object) -> None:
    """What is no item is no call and has no text."""
    assert call_item(item) is None
    assert item_texts(item) == []


def test_call_is_found_by_call_id_and_by_item_id() -> None:
    """The application answers with `call_id`; events refer to either id."""
    found = call_item({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": 3})
    assert found is not None
    assert (found.id, found.ids, found.name) == ("call_1", ("fc_1", "call_1"), "")


@each_row(
    ("fields", "kind"),
    [
        ({"type": "shell_call", "environment": {"type": "container_auto"}}, "hosted_shell"),
        ({"type": "shell_call", "environment": {"type": "local"}}, "shell"),
        ({"type": "shell_call", "environment": "container"}, "shell"),
        ({"type": "tool_search_call", "execution": "server"}, "hosted_tool_search"),
        ({"type": "tool_search_call", "execution": "client"}, "tool_search"),
        ({"type": "function_call", "execution": "server"}, "function"),
    ],
    ids=["container", "local", "text", "server", "client", "function"],
)
def test_hosted_shell_and_tool_search_differ_by_kind_only(fields: dict[str, Any], kind: str) -> None:
    """Shells and tool searches may run at the server; their name is the same."""
    found = call_item(fields)
    assert found is not None
    assert found.kind == kind
    assert found.name in ("", kind.removeprefix("hosted_"))


@BUILDERS
def test_call_arguments_from_sdk_objects_have_no_empty_fields(build: Any) -> None:
    """A call's arguments are its text, or the JSON that was sent without the SDK's empty fields."""
    shells = functions.SHELL, hosted.CONTAINER, functions.COMPUTER_BATCH
    for item, field in zip(shells, ("action", "action", "actions"), strict=True):
        found = call_item(build(item))
        assert found is not None
        assert json.loads(found.arguments) == item[field]


@BUILDERS
@pytest.mark.parametrize("query", ["oslo", 3], ids=["valid", "invalid"])
def test_fields_unknown_to_the_sdk_are_arguments_too(query: Any, build: Any) -> None:
    """Fields that this SDK does not know are arguments too."""
    action = {"type": "search", "query": query, "new": {"a": 1}}
    found = call_item(build({"type": "web_search_call", "id": "ws_1", "action": action}))
    assert found is not None
    assert json.loads(found.arguments) == action


@each_row(
    ("value", "text"),
    [
        ("a", "a"),
        (None, ""),
        ([], "[]"),
        (3, "3"),
        ({"a": "é"}, '{"a": "é"}'),
        ({"a": object()}, '{"a": {}}'),
        ({("a",): 1}, ""),
    ],
    ids=["text", "null", "list", "number", "object", "no-json", "no-key"],
)
def test_arguments_that_cannot_be_json_are_left_out(value: object, text: str) -> None:
    """Arguments may be of any type; those that cannot be written as JSON are left out."""
    found = call_item({"type": "function_call", "arguments": value})
    assert found is not None
    assert found.arguments == text


def test_arguments_that_contain_themselves_are_left_out() -> None:
    """A value that contains itself or is nested too deeply is left out."""
    circle: list[Any] = []
    circle.append(circle)
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    for value in (circle, deep):
        found = call_item({"type": "function_call", "arguments": value})
        assert found is not None
        assert found.arguments == ""


@BUILDERS
def test_image_of_an_item_is_not_an_argument(build: Any) -> None:
    """An image is no argument."""
    found = call_item(build(hosted.IMAGE))
    assert found is not None
    assert BLOB not in repr(found)


@BUILDERS
@each_row(
    ("fields", "failed"),
    [
        ({"status": "failed"}, True),
        ({"error": {"message": "no"}}, True),
        ({"error": None, "status": "completed"}, False),
        ({"status": "incomplete"}, False),
    ],
    ids=["status", "error", "completed", "incomplete"],
)
def test_call_item_with_a_failed_status_or_error_has_failed(
    fields: dict[str, Any], failed: bool, build: Any
) -> None:
    """A call has failed where its item has a failed status or an error."""
    found = call_item(build({"type": "mcp_call", "id": "m", "name": "n", **fields}))
    assert found is not None
    assert found.failed is failed


TEXTS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "parts": (
        {
            "type": "message",
            "content": [{"type": "output_text", "text": "a"}, {"text": ""}, {"refusal": "b"}],
        },
        [Text(0, "a"), Refusal(0, "b")],
    ),
    "speech": ({"type": "message", "content": [{"type": "audio", "transcript": "a"}]}, [Text(0, "a")]),
    "one part": ({"type": "message", "content": {"text": "a"}}, [Text(0, "a")]),
    "no list": ({"type": "message", "content": 3}, []),
    "role": ({"type": "message", "role": "assistant", "content": [{"text": "a"}]}, [Text(0, "a")]),
    "the user's": ({"type": "message", "role": "user", "content": [{"text": "a"}]}, []),
    "the system's": ({"type": "message", "role": "system", "content": [{"text": "a"}]}, []),
    "thoughts": ({"type": "reasoning", "content": [{"text": "a"}, {"text": "b"}]}, [Reasoning(0, "ab")]),
    "summary": ({"type": "reasoning", "summary": [{"text": "a"}], "content": []}, [Reasoning(0, "a")]),
    "both": (
        {"type": "reasoning", "summary": [{"text": "a"}], "content": [{"text": "b"}]},
        [Reasoning(0, "b")],
    ),
    "encrypted": ({"type": "reasoning", "summary": [], "encrypted_content": "x"}, []),
}


@pytest.mark.parametrize("build", [plain, sdk_item], ids=["dict", "sdk"])
@each_row(("item", "texts"), TEXTS.values(), ids=TEXTS)
def test_only_the_models_own_texts_are_output(item: dict[str, Any], texts: list[Any], build: Any) -> None:
    """The model's own texts, reasoning and refusals are read in order; other roles are not output."""
    assert item_texts(build(item)) == texts
