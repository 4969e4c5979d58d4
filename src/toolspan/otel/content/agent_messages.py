"""Input and output of an agent as messages of the GenAI conventions."""

from __future__ import annotations

from typing import Any

from ...wire import values
from ...wire.request import Request
from .capture import plain
from .messages import Json, content_parts, input_messages
from .truncate import dump


def input_of(value: Any, limit: int) -> list[Json]:
    """Return messages as they are, and any other value as one message of the user.

    `limit` is in characters per text.
    """
    if isinstance(value, (list, tuple)) and value and all("role" in values.fields(each) for each in value):
        return input_messages(Request(messages=value), limit)
    parts = content_parts(_text(value), limit)
    return [{"role": "user", "parts": parts}] if parts else []


def output_of(value: Any, limit: int) -> list[Json]:
    """Return any value as one message of the assistant; the texts of a generator are one text."""
    parts = content_parts(_text(value), limit)
    return [{"role": "assistant", "parts": parts, "finish_reason": "stop"}] if parts else []


def _text(value: Any) -> str:
    if value is None or value == []:
        return ""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return "".join(value)
    return value if isinstance(value, str) else dump(plain(value))
