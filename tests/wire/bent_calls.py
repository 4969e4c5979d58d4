"""Tool calls that do not match the schema, and the expected outcome of each: `data/bent_calls.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

_FOUND = json.loads(Path(__file__).with_name("data").joinpath("bent_calls.json").read_text("utf-8"))
PARAMETERS: dict[str, Any] = _FOUND["parameters"]
CHAT_TOOL: dict[str, Any] = {"type": "function", "function": {"name": "book", "parameters": PARAMETERS}}
RESPONSES_TOOL: dict[str, Any] = {"type": "function", "name": "book", "parameters": PARAMETERS}


class Bent(NamedTuple):
    """One call: its arguments and the expected outcome; `ended` is whether its stream has a finish reason."""

    id: str
    arguments: str
    outcome: str
    path: str | None = None
    name: str = "book"
    ended: bool = True


CASES = [Bent(**row) for row in _FOUND["calls"]]
