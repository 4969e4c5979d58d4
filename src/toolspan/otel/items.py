"""Input items of the Responses API as the convention's messages: calls, their results, reasoning.

It knows no plain message; those have a role and are chat's. Results that the server made are named, not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..wire import values
from ..wire.items import ANSWERED, call_item, item_texts
from .attributes import clean
from .parts import Json, call_part, reasoning_parts, response_part
from .tidy import call_arguments


def item_message(item: Mapping[str, Any], limit: int) -> Json | None:
    """The message that an item stands for; `None` for an item that is a message itself."""
    kind = values.text(item.get("type"))
    if kind is None or kind == "message" or "role" in item:
        return None
    if (call := call_item(item)) is not None:
        arguments = call_arguments(call.arguments, limit, call.kind)
        part = call_part(call.id, call.name, arguments, None if call.kind in ANSWERED else call.kind)
        return {"role": "assistant", "parts": [part]}
    if kind.endswith("_output"):
        identity = values.text(item.get("call_id")) or values.text(item.get("id"))
        return {
            "role": "tool",
            "parts": [response_part(identity, item.get("output", item.get("result")), limit)],
        }
    if kind == "reasoning":
        text = "".join(event.text for event in item_texts(item))
        return {"role": "assistant", "parts": reasoning_parts(text, limit)}
    return {"role": "assistant" if kind == "compaction" else "user", "parts": [{"type": clean(kind)}]}
