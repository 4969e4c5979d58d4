"""What applications give to a chat completion, well-formed and not.

It knows nothing of what is made of it.
"""

from __future__ import annotations

from typing import Any

import openai
from openai.types.chat import ChatCompletionMessage
from pydantic import BaseModel

from .features import has
from .wire import TOOL

MESSAGES: list[Any] = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Now?"}]
SAID = ChatCompletionMessage.model_validate(
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_9", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
)


class City(BaseModel):
    """A schema given as a class."""

    name: str


def circular() -> Any:
    value: dict[str, Any] = {"role": "user", "content": "x"}
    value["again"] = value
    return value


def deep(levels: int = 200) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


def _nothing(value: Any) -> dict[str, Any]:
    """`value`, which stands for «not given», for every optional parameter."""
    given = (
        "n",
        "stop",
        "tools",
        "tool_choice",
        "temperature",
        "top_p",
        "max_tokens",
        "seed",
        "response_format",
    )
    more = (
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "stream_options",
        "user",
        "functions",
        "stream",
    )
    return dict.fromkeys((*given, *more), value)


INPUTS: dict[str, Any] = {
    "generator": lambda: {"messages": (message for message in MESSAGES)},
    "iterator-of-tools": lambda: {"tools": iter([TOOL, TOOL])},
    "generator-as-content": lambda: {
        "messages": [{"role": "user", "content": ({"type": "text", "text": word} for word in "ab")}]
    },
    "tuple": lambda: {"messages": tuple(MESSAGES)},
    "not-given": lambda: _nothing(openai.NOT_GIVEN),
    "omit": lambda: _nothing(getattr(openai, "omit", openai.NOT_GIVEN)),
    "none": lambda: {"n": None, "temperature": None, "stop": None, "tools": None},
    "message-objects": lambda: {
        "messages": [*MESSAGES, SAID, {"role": "tool", "tool_call_id": "call_9", "content": ""}]
    },
    "extra-body": lambda: {"extra_body": {"top_k": 3, "nested": {"a": [1]}}, "extra_query": {"q": "1"}},
    "extra-headers": lambda: {"extra_headers": {"X-Mine": "1"}},
    "long-timeout": lambda: {"timeout": 33.0},
    "wrong-types": lambda: {"messages": "text", "model": 5, "n": "many", "stop": {"a": 1}, "tools": {"b": 2}},
    "no-messages": lambda: {"messages": []},
    "null-content": lambda: {"messages": [{"role": "assistant", "content": None}, None, 7, "text"]},
    "deep": lambda: {"messages": [{"role": "user", "content": deep()}]},
    "unknown-parts": lambda: {
        "messages": [{"role": "user", "content": [{"type": "hologram"}, {"image_url": "x"}]}]
    },
    "circular": lambda: {"messages": [circular()]},
    "not-json": lambda: {"messages": [{"role": "user", "content": {1, 2}}]},
    "bytes": lambda: {"messages": [{"role": "user", "content": b"raw"}]},
    "not-a-number": lambda: {"temperature": float("nan")},
    "surrogate": lambda: {"messages": [{"role": "user", "content": "half \ud83d"}]},
    "class-as-format": lambda: {"response_format": City},
}
if has("openai.pydantic_function_tool"):
    INPUTS["pydantic-tool"] = lambda: {"tools": [openai.pydantic_function_tool(City)]}
