"""What applications give to the other APIs, well-formed and not.

It knows nothing of what is made of it.
"""

from __future__ import annotations

from typing import Any

import openai
from pydantic import BaseModel

from . import wire_responses
from .features import has
from .inputs_chat import City, circular, deep

NOT_GIVEN = openai.NOT_GIVEN
OMIT = getattr(openai, "omit", NOT_GIVEN)
_WORDS = """
instructions tools tool_choice temperature top_p max_output_tokens reasoning text conversation user store
previous_response_id prompt service_tier stream metadata background include
"""
_OPTIONAL = tuple(_WORDS.split())


class Item(BaseModel):
    """An item of the input given as an object, as those of the SDK are."""

    type: str = "function_call_output"
    call_id: str = "call_1"
    output: str = "x"


_CALL = wire_responses.call("get_weather", '{"city": "Bern"}')
_TOOLS: list[Any] = [
    {"type": "function", "name": "get_weather", "parameters": {}, "strict": False},
    {"type": "web_search"},
    {"type": "mcp", "server_label": "docs", "server_url": "http://docs.test", "require_approval": "never"},
    {"type": "custom", "name": "run"},
    {"type": "namespace", "name": "more", "tools": [{"name": "inner"}]},
    {"type": "hologram", 5: 6},
]

RESPONSES: dict[str, Any] = {
    "items": lambda: {
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "x"}]},
            {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AA=="}]},
            wire_responses.message("said"),
            _CALL,
            {"type": "function_call_output", "call_id": "call_0", "output": "sunny"},
            {"type": "item_reference", "id": "msg_1"},
        ]
    },
    "generator": lambda: {"input": (item for item in [{"role": "user", "content": "x"}])},
    "objects": lambda: {"input": [{"role": "user", "content": "x"}, Item()]},
    "tuple": lambda: {"input": ({"role": "user", "content": "x"},)},
    "no-input": lambda: {
        "input": NOT_GIVEN,
        "prompt": {"id": "pmpt_1", "version": "2", "variables": {"a": "b"}},
    },
    "null-input": lambda: {"input": None},
    "empty": lambda: {"input": [], "tools": []},
    "tools": lambda: {"tools": _TOOLS, "tool_choice": {"type": "mcp", "server_label": "docs"}},
    "iterator-of-tools": lambda: {"tools": iter(_TOOLS[:2])},
    "pydantic-tool": lambda: {"tools": [openai.pydantic_function_tool(City)]},
    "everything": lambda: {
        "instructions": "Be short.",
        "conversation": {"id": "conv_1"},
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "x", "schema": {}}},
        "metadata": {"a": "b"},
        "service_tier": "flex",
        "max_output_tokens": 5,
        "include": ["reasoning.encrypted_content"],
    },
    "not-given": lambda: dict.fromkeys(_OPTIONAL, NOT_GIVEN),
    "omit": lambda: dict.fromkeys(_OPTIONAL, OMIT),
    "none": lambda: dict.fromkeys(_OPTIONAL),
    "wrong-types": lambda: {"input": 5, "model": 6, "tools": {"a": 1}, "reasoning": "much", "prompt": "x"},
    "odd-items": lambda: {"input": [None, 7, "text", [1], {"type": None}, {"role": 5, "content": {"a": 1}}]},
    "deep": lambda: {"input": [{"role": "user", "content": deep()}]},
    "circular": lambda: {"input": [circular()]},
    "bytes": lambda: {"input": [{"role": "user", "content": b"raw"}]},
    "surrogate": lambda: {"input": "half \ud83d", "instructions": "\ud83d"},
    "extra-body": lambda: {"extra_body": {"top_k": 3, "input": "other"}, "extra_query": {"q": "1"}},
    "extra-headers": lambda: {"extra_headers": {"X-Mine": "1"}, "timeout": 33.0},
}
COMPLETIONS: dict[str, Any] = {
    "prompts": lambda: {"prompt": ["a", "b"], "n": 2, "stop": ["x", "y"], "max_tokens": 5, "seed": 1},
    "tokens": lambda: {"prompt": [1, 2, 3]},
    "lists-of-tokens": lambda: {"prompt": [[1, 2], [3]]},
    "odd-prompts": lambda: {"prompt": [None, {"a": 1}, 5, "x"]},
    "empty": lambda: {"prompt": []},
    "null": lambda: {"prompt": None, "n": None, "stop": None},
    "not-given": lambda: dict.fromkeys(("n", "stop", "stream", "echo", "best_of"), NOT_GIVEN),
    "generator": lambda: {"prompt": (word for word in "ab")},
    "surrogate": lambda: {"prompt": "half \ud83d"},
    "extra-body": lambda: {"extra_body": {"prompt": "other", "n": 3}},
}
EMBEDDINGS: dict[str, Any] = {
    "texts": lambda: {"input": ["a", "b"], "dimensions": 2, "encoding_format": "base64", "user": "u"},
    "tokens": lambda: {"input": [[1, 2], [3]]},
    "generator": lambda: {"input": (word for word in "ab")},
    "empty": lambda: {"input": []},
    "wrong-types": lambda: {"input": 5, "dimensions": "many", "encoding_format": 7},
    "not-given": lambda: dict.fromkeys(("dimensions", "encoding_format", "user"), NOT_GIVEN),
    "none": lambda: {"dimensions": None, "encoding_format": None},
    "surrogate": lambda: {"input": "half \ud83d"},
    "extra-body": lambda: {"extra_body": {"dimensions": -5, "model": ["x"]}},
}
FETCHED: dict[str, Any] = {
    "include": lambda: {"include": ["x", "y"], "extra_query": {"starting_after": "odd"}},
    "starting-after": lambda: {"starting_after": 5, "include_obfuscation": False},
    "wrong-types": lambda: {"starting_after": {"a": 1}, "extra_headers": {"X-Mine": "1"}},
    "no-id": lambda: {"response_id": ""},
    "extra-body": lambda: {"extra_body": {"model": "x"}},
}
if has("openai._utils.path_template"):  # before, the SDK made a query of this
    FETCHED["odd-id"] = lambda: {"response_id": "../é?#"}
