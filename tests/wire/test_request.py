"""The facts of a request's body: what is of a wrong type is left out, nothing is changed."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest

from toolspan.wire.hashing import digest
from toolspan.wire.request import Request, chat_request, take_messages

from ..table import each_row
from . import randoms
from .reading import FULL

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
SHELL = {"type": "custom", "custom": {"name": "shell"}}
BODY: dict[str, Any] = {
    "model": "m-1",
    "messages": [{"role": "user", "content": "Hi"}],
    "stream": True,
    "n": 2,
    "tools": [WEATHER, SHELL],
    "tool_choice": "auto",
    "max_tokens": 5,
    "temperature": 0,
    "top_p": 0.5,
    "top_k": 40,
    "frequency_penalty": -1,
    "presence_penalty": 1.5,
    "seed": 7,
    "stop": ["a", "b"],
    "response_format": {"type": "json_object"},
    "reasoning_effort": "low",
    "service_tier": "flex",
}


def facts(**body: Any) -> Request:
    """The facts of a body."""
    return chat_request(body, keep=False)


def test_every_fact_of_a_chat_request_is_read() -> None:
    """Every fact is read."""
    found = chat_request(BODY, keep=False)
    tools, found.tools = found.tools, None
    assert tools is not None
    assert (tools.names, tools.kinds) == (("weather", "shell"), ("function", "custom"))
    assert found == Request(
        model="m-1",
        stream=True,
        choices=2,
        message_count=1,
        tool_choice="auto",
        max_tokens=5,
        temperature=0.0,
        top_p=0.5,
        top_k=40,
        frequency_penalty=-1.0,
        presence_penalty=1.5,
        seed=7,
        stop=["a", "b"],
        output_type="json",
        reasoning_level="low",
        service_tier="flex",
        last=BODY["messages"][0],
    )
    assert (found.expected, found.last_role) == (2, "user")
    assert found.digest == digest(BODY["messages"][0])


def test_empty_chat_body_has_no_facts() -> None:
    """An empty body has no facts."""
    assert facts() == Request()


@pytest.mark.parametrize("keep", [True, False], ids=["keep", "drop"])
def test_messages_are_kept_only_where_content_is_captured(keep: bool) -> None:
    """The body's own list is kept where content is captured, and not elsewhere."""
    found = chat_request(BODY, keep=keep)
    assert found.messages is (BODY["messages"] if keep else None)
    assert found.message_count == 1


FIELDS = {
    "both-limits": ({"max_completion_tokens": 9, "max_tokens": 5}, "max_tokens", 9),
    "new-limit": ({"max_completion_tokens": 9}, "max_tokens", 9),
    "limit-text": ({"max_tokens": "9"}, "max_tokens", None),
    "limit-true": ({"max_tokens": True}, "max_tokens", None),
    "limit-huge": ({"max_tokens": 10**30}, "max_tokens", None),
    "temperature-true": ({"temperature": True}, "temperature", None),
    "temperature-text": ({"temperature": "1"}, "temperature", None),
    "model-number": ({"model": 4}, "model", None),
    "model-empty": ({"model": ""}, "model", None),
    "stream-one": ({"stream": 1}, "stream", False),
    "n-null": ({"n": None}, "choices", 1),
    "n-zero": ({"n": 0}, "choices", 1),
    "messages-tuple": ({"messages": ({}, {})}, "message_count", 2),
    "messages-text": ({"messages": "abc"}, "message_count", 0),
    "stop-text": ({"stop": "a"}, "stop", ["a"]),
    "stop-mixed": ({"stop": ["a", 1, None]}, "stop", ["a"]),
    "stop-number": ({"stop": 1}, "stop", []),
    "schema": ({"response_format": {"type": "json_schema", "json_schema": {}}}, "output_type", "json"),
    "text": ({"response_format": {"type": "text"}}, "output_type", "text"),
    "format-unknown": ({"response_format": {"type": "xml"}}, "output_type", None),
    "format-list": ({"response_format": {"type": ["text"]}}, "output_type", None),
    "audio": ({"modalities": ["text", "audio"]}, "output_type", "speech"),
    "text-only": ({"modalities": ["text"]}, "output_type", None),
    "choice-function": ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice", "f"),
    "choice-custom": ({"tool_choice": {"type": "custom", "custom": {"name": "c"}}}, "tool_choice", "c"),
    "choice-flat": ({"tool_choice": {"type": "function", "name": "f"}}, "tool_choice", "f"),
    "choice-type": ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice", "allowed_tools"),
    "choice-old": ({"function_call": {"name": "f"}}, "tool_choice", "f"),
    "choice-empty": ({"tool_choice": ""}, "tool_choice", None),
    "tools-empty": ({"tools": []}, "tools", None),
    "tools-text": ({"tools": "x"}, "tools", None),
}


@each_row(("body", "name", "expected"), FIELDS.values(), ids=FIELDS)
def test_each_field_is_read_in_each_of_its_forms(body: dict[str, Any], name: str, expected: object) -> None:
    """Each field is read in each of its forms; any other value is ignored."""
    found = getattr(chat_request(body, keep=False), name)
    assert found == expected
    assert type(found) is type(expected)


TOOLS = {
    "deprecated": ({"functions": [{"name": "f"}]}, ("f",), ("function",)),
    "flat": ({"tools": [{"type": "function", "name": "f"}]}, ("f",), ("function",)),
    "built-in": ({"tools": [{"type": "web_search"}]}, ("web_search",), ("web_search",)),
    "no-objects": ({"tools": [None, 1]}, ("function", "function"), ("function", "function")),
    "tuple": ({"tools": (WEATHER,)}, ("weather",), ("function",)),
}


@each_row(("body", "names", "kinds"), TOOLS.values(), ids=TOOLS)
def test_tool_names_and_kinds_are_read_in_every_form(
    body: dict[str, Any], names: tuple[str, ...], kinds: tuple[str, ...]
) -> None:
    """Names and kinds of the tools are read in each form that servers accept."""
    tools = chat_request(body, keep=False).tools
    assert tools is not None
    assert (tools.names, tools.kinds) == (names, kinds)


def test_fingerprint_changes_with_any_part_of_the_tools() -> None:
    """The fingerprint is the same for the same tools, and differs when anything in them does."""
    changed = copy.deepcopy(WEATHER)
    changed["function"]["parameters"]["type"] = "array"  # type: ignore[index]  # a dict by its values
    first, same, other = (facts(tools=[tool]).tools for tool in (WEATHER, copy.deepcopy(WEATHER), changed))
    assert first == same
    assert first is not None
    assert other is not None
    assert first.fingerprint != other.fingerprint


@each_row(
    "tool",
    [{"x": object}, {"x": "\ud800"}, {("a",): 1}, {"x": {1, 2}}],
    ids=["class", "surrogate", "key", "set"],
)
def test_tools_that_are_not_json_are_still_counted(tool: Any) -> None:
    """Tools that cannot be written as JSON are counted."""
    tools = facts(tools=[tool]).tools
    assert tools is not None
    assert tools.names == ("function",)


def test_tool_definition_that_contains_itself_has_no_size() -> None:
    """A definition that holds itself has no size."""
    tool: dict[str, Any] = {"name": "f"}
    tool["parameters"] = tool
    tools = facts(tools=[tool]).tools
    assert tools is not None
    assert (tools.names, tools.size) == (("f",), 0)


def test_random_chat_body_raises_nothing_and_is_not_changed() -> None:
    """No body raises, and none is changed."""
    rng = Random(6)
    for _ in range(20_000 if FULL else 300):
        body = {key: randoms.altered(rng, part, 0.2) for key, part in BODY.items()}
        before = repr(body)
        chat_request(body, keep=True)
        assert repr(body) == before


@each_row(
    ("messages", "role"),
    [
        ([{"role": "user"}, {"role": "tool"}], "tool"),
        ([{"type": "function_call_output"}], "function_call_output"),
        ([{"type": "message", "role": "user"}], "user"),
        ("What now?", "user"),
        ([{"role": 3}], None),
        (["What now?"], "user"),
        ([], None),
    ],
)
def test_role_of_the_last_message_is_read(messages: Any, role: str | None) -> None:
    """The role of the last message is read, or the type of an item that is not a message."""
    found = Request()
    take_messages(found, messages, keep=False)
    assert found.last_role == role
