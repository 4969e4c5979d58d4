"""Inputs that are texts, prompts or tokens, and calls whose arguments are text and not JSON."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan.otel.content import messages as content_messages
from toolspan.wire.request import completions_request

from ...table import each_row
from ...wire.responses_functions import CUSTOM
from ...wire.responses_hosted import CODE, PROGRAM
from .test_messages_items import TEXT, inputs, parts


@pytest.mark.parametrize("code", ["[1, 2]", "42", '"x"', "{}", "null", "print(1)"])
@pytest.mark.parametrize(
    ("item", "field"),
    [
        (CODE, "code"),
        (PROGRAM, "code"),
        (CUSTOM, "input"),
    ],
    ids=["code", "program", "custom"],
)
def test_code_is_text(item: dict[str, Any], field: str, code: str) -> None:
    """Code and free text are texts, even if they look like JSON."""
    (part,) = parts({**item, field: code})
    assert part.get("server_tool_call", part)["arguments"] == code


@each_row(
    ("value", "expected"),
    [("Hi", [{"role": "user", "parts": [TEXT]}]), ("", [{"role": "user", "parts": []}]), ([], []), (3, [])],
    ids=["text", "empty", "list", "number"],
)
def test_input_without_items(value: Any, expected: list[Any]) -> None:
    """A text is what the user says."""
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
def test_prompts(prompt: Any, texts: list[str]) -> None:
    """Prompts of legacy completions are the user's texts; tokens are not turned back into one."""
    found = content_messages.input_messages(completions_request({"prompt": prompt}, keep=True), 100)
    assert [part["content"] for each in found for part in each["parts"]] == texts
    assert {each["role"] for each in found} <= {"user"}
