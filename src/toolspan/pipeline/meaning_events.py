"""What an event of the Responses API or of Realtime says; it keeps nothing between events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..wire import quirks, values
from ..wire.items import call_item
from .marks import CONTENT, FINISH, REASONING, REFUSAL, TEXT, TOOL_CALL, Meaning, place

_TEXTS = {
    "output_text.delta": CONTENT,
    "text.delta": CONTENT,
    "audio_transcript.delta": CONTENT,
    "output_audio_transcript.delta": CONTENT,
    "reasoning_text.delta": REASONING,
    "reasoning_summary_text.delta": REASONING,
    "refusal.delta": REFUSAL,
}
_PIECES = (
    "function_call_arguments.delta",
    "custom_tool_call_input.delta",
    "mcp_call_arguments.delta",
    "code_interpreter_call_code.delta",
)
_ENDS = ("completed", "incomplete", "failed", "cancelled", "done")


_PLACES = {f"response.{name}": place(TEXT, 0, None, sort) for name, sort in _TEXTS.items()}
_CALLS = frozenset(f"response.{name}" for name in _PIECES)


def piece_meaning(known: Mapping[str, Any]) -> Meaning | None:
    """What an event says that only adds a piece to a text or to a call, as nearly all do; else `None`."""
    kind = known.get("type")
    where = _PLACES.get(kind)  # type: ignore[arg-type]  # anything may stand there
    if where is None:
        if kind not in _CALLS:
            return None
        where = place(TOOL_CALL, 0, values.index_of(known.get("output_index")))
    piece = known.get("delta")
    return ((where, piece),) if piece.__class__ is str and piece else None


def event_meaning(known: Mapping[str, Any], name: str) -> Meaning:
    """What the event `response.{name}` says; empty for notices, and for what repeats the pieces before."""
    call = values.index_of(known.get("output_index"))
    if name in _TEXTS or name in _PIECES:
        piece = quirks.arguments_text(known.get("delta"))
        where = place(TEXT, 0, None, _TEXTS[name]) if name in _TEXTS else place(TOOL_CALL, 0, call)
        return ((where, piece),) if piece else ()
    if name == "output_item.added" and (item := call_item(known.get("item"))) is not None:
        return ((place(TOOL_CALL, 0, call), "", item.id, item.name),)
    return ((place(FINISH), name),) if name in _ENDS else ()
