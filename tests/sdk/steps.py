"""Streams step by step, from `data/steps.json`: each chunk, and the span events that it causes.

A row of the file is the span events, each with the index of its tool call, and the chunk that causes them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Steps = list[tuple[dict[str, Any], list[tuple[str, "int | None"]]]]

DETECTED, COMPLETED, TEXT = (
    "toolspan.tool_call.detected",
    "toolspan.tool_call.completed",
    "toolspan.text.started",
)
_NAMES = {"detected": DETECTED, "completed": COMPLETED, "text": TEXT}
_DATA = json.loads((Path(__file__).parent / "data" / "steps.json").read_text(encoding="utf-8"))


def _steps(rows: list[Any]) -> Steps:
    return [(chunk, [(_NAMES[name], index) for name, index in events]) for *events, chunk in rows]


CHAT, RESPONSES = _steps(_DATA["chat"]), _steps(_DATA["responses"])
BY_API = {"chat": CHAT, "responses": RESPONSES, "fetched": RESPONSES}
SEARCH: dict[str, Any] = next(
    chunk["item"]
    for chunk, _ in reversed(RESPONSES)
    if chunk.get("item", {}).get("type") == "web_search_call"
)
"""The web search, complete."""
