"""Single facts of request bodies that are no chat: prompts, tools, formats, ids, in each of their forms."""

from __future__ import annotations

from typing import Any

from toolspan.wire.request import (
    completions_request,
    embeddings_request,
    fetch_request,
    realtime_request,
    responses_request,
)

from ..table import each_row

READ = {
    "r": responses_request,
    "c": completions_request,
    "e": embeddings_request,
    "f": fetch_request,
    "l": realtime_request,
}
FIELDS: dict[str, tuple[str, dict[str, Any], str, object]] = {
    "input-text": ("r", {"input": "Hi"}, "message_count", 1),
    "input-empty": ("r", {"input": []}, "message_count", 0),
    "input-number": ("r", {"input": 3}, "message_count", 0),
    "input-tuple": ("r", {"input": ({}, {})}, "message_count", 2),
    "conversation-text": ("r", {"conversation": "conv_1"}, "conversation", "conv_1"),
    "conversation-number": ("r", {"conversation": 3}, "conversation", None),
    "conversation-without-id": ("r", {"conversation": {}}, "conversation", None),
    "previous-empty": ("r", {"previous_response_id": ""}, "previous_response", None),
    "prompt-without-version": ("r", {"prompt": {"id": "p"}}, "prompt_version", None),
    "version-without-prompt": ("r", {"prompt": {"version": "1"}}, "prompt_version", None),
    "prompt-text": ("r", {"prompt": "p"}, "prompt_name", None),
    "format-text": ("r", {"text": {"format": {"type": "text"}}}, "output_type", "text"),
    "format-object": ("r", {"text": {"format": {"type": "json_object"}}}, "output_type", "json"),
    "format-unknown": ("r", {"text": {"format": {"type": "grammar"}}}, "output_type", None),
    "format-flat": ("r", {"text": {"type": "json_object"}}, "output_type", None),
    "reasoning-text": ("r", {"reasoning": "low"}, "reasoning_level", None),
    "reasoning-null": ("r", {"reasoning": {"effort": None}}, "reasoning_level", None),
    "limit-inf": ("l", {"max_output_tokens": "inf"}, "max_tokens", None),
    "limit-of-the-beta": ("l", {"max_response_output_tokens": 7}, "max_tokens", 7),
    "modalities-of-the-beta": ("l", {"modalities": ["text"]}, "output_type", "text"),
    "modalities-number": ("l", {"modalities": 3}, "output_type", None),
    "choice-function": ("r", {"tool_choice": {"type": "function", "name": "f"}}, "tool_choice", "f"),
    "choice-hosted": ("r", {"tool_choice": {"type": "web_search"}}, "tool_choice", "web_search"),
    "choice-mcp": ("r", {"tool_choice": {"type": "mcp", "server_label": "d"}}, "tool_choice", "mcp"),
    "choice-allowed": (
        "r",
        {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}},
        "tool_choice",
        "allowed_tools",
    ),
    "cursor-text": ("f", {"starting_after": "ev_1"}, "cursor", "ev_1"),
    "cursor-zero": ("f", {"starting_after": 0}, "cursor", "0"),
    "cursor-true": ("f", {"starting_after": True}, "cursor", None),
    "cursor-huge": ("f", {"starting_after": 10**5000}, "cursor", None),
    "cursor-object": ("f", {"starting_after": {}}, "cursor", None),
    "id-number": ("f", {"response_id": 3}, "response", None),
    "one-prompt": ("c", {"prompt": "a"}, "prompts", 1),
    "one-prompt-in-a-list": ("c", {"prompt": ["a"]}, "prompts", 1),
    "prompts": ("c", {"prompt": ["a", "b", "c"]}, "prompts", 3),
    "prompts-tuple": ("c", {"prompt": ("a", "b")}, "prompts", 2),
    "tokens": ("c", {"prompt": [1, 2, 3]}, "prompts", 1),
    "tokens-of-two": ("c", {"prompt": [[1, 2], [3]]}, "prompts", 2),
    "tokens-counted": ("c", {"prompt": [1, 2, 3]}, "message_count", 1),
    "no-prompt": ("c", {"prompt": []}, "prompts", 1),
    "prompt-number": ("c", {"prompt": 3}, "message_count", 0),
    "expected": ("c", {"prompt": ["a", "b"], "n": 3}, "expected", 6),
    "format-of-embeddings": ("e", {"encoding_format": "float"}, "encoding_formats", ["float"]),
    "format-of-embeddings-number": ("e", {"encoding_format": 3}, "encoding_formats", None),
    "format-of-embeddings-empty": ("e", {"encoding_format": []}, "encoding_formats", None),
    "dimensions-text": ("e", {"dimensions": "3"}, "dimensions", None),
    "dimensions-negative": ("e", {"dimensions": -1}, "dimensions", None),
}


@each_row(("api", "body", "name", "expected"), FIELDS.values(), ids=FIELDS)
def test_each_responses_field_is_read_in_each_of_its_forms(
    api: str, body: dict[str, Any], name: str, expected: object
) -> None:
    """Each field is read in each of its forms; any other value is ignored."""
    found = getattr(READ[api](body, keep=False), name)
    assert found == expected
    assert type(found) is type(expected)


@each_row("instructions", [None, [], 3, [{"role": "developer", "content": "Be"}]], ids=repr)
def test_only_instructions_that_are_text_are_kept(instructions: Any) -> None:
    """Only instructions that are a text are kept."""
    assert responses_request({"instructions": instructions}, keep=True).instructions is None


NAMESPACE = {"type": "namespace", "name": "crm", "tools": [{"name": "f"}, {"type": "custom", "name": "g"}]}
TOOLS: dict[str, tuple[Any, tuple[str, ...], tuple[str, ...]]] = {
    "function": ({"type": "function", "name": "f"}, ("f",), ("function",)),
    "hosted": ({"type": "web_search"}, ("web_search",), ("web_search",)),
    "mcp": ({"type": "mcp", "server_label": "dice", "server_url": "https://x"}, ("dice",), ("mcp",)),
    "namespace": (NAMESPACE, ("f", "g"), ("function", "custom")),
    "empty namespace": ({"type": "namespace", "tools": []}, (), ()),
    "namespace of no list": ({"type": "namespace", "tools": 3}, (), ()),
    "namespace within": (
        {"type": "namespace", "tools": [{"type": "namespace", "name": "n", "tools": [{"name": "f"}]}]},
        ("n",),
        ("namespace",),
    ),
    "shell": ({"type": "shell", "environment": {"type": "local"}}, ("shell",), ("shell",)),
}


@each_row(("tool", "names", "kinds"), TOOLS.values(), ids=TOOLS)
def test_tools_of_the_responses_api_are_read_with_their_namespaces(
    tool: Any, names: tuple[str, ...], kinds: tuple[str, ...]
) -> None:
    """Names and kinds of the tools are those of the Responses API; a namespace has its own tools."""
    tools = responses_request({"tools": [tool]}, keep=False).tools
    assert tools is not None
    assert (tools.names, tools.kinds) == (names, kinds)


def test_namespace_that_contains_itself_has_no_tools() -> None:
    """A namespace that contains itself is read to no depth."""
    namespace: dict[str, Any] = {"type": "namespace", "name": "n"}
    namespace["tools"] = [namespace]
    deep: dict[str, Any] = {"type": "namespace"}
    for _ in range(5_000):
        deep = {"type": "namespace", "tools": [deep]}
    for tool in (namespace, deep):
        tools = responses_request({"tools": [tool]}, keep=False).tools
        assert tools is not None
        assert tools.size == 0
