"""Single output items that are no calls: the texts of messages, the thoughts of reasoning."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan.wire.events import Reasoning, Refusal, Text
from toolspan.wire.items import item_texts

from ..table import each_row
from .reading import plain
from .responses_reading import sdk_item

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
def test_texts(item: dict[str, Any], texts: list[Any], build: Any) -> None:
    """The model's own texts, thoughts and refusals, in their order; what others said is not its output."""
    assert item_texts(build(item)) == texts
