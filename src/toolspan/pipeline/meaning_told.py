"""What the events of `toolspan.events` say, as they are and as plain JSON: what the chunks said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from ..wire.told import StreamEvent
from .marks import CONTENT, FINISH, REASONING, REFUSAL, TEXT, TOOL_CALL, Meaning, place

_Known = Mapping[str, Any]


def told_meaning(event: Any) -> Meaning | None:
    """What an event says, or its JSON; `None` if it is neither."""
    if event.__class__ in _KINDS:
        known: _Known = dict(zip(event._fields, event, strict=True))
    elif isinstance(event, dict) and ("choice" in event or "finish_reasons" in event):
        known = event
    else:
        return None
    try:
        return _RULES[known["type"]](known)
    except (KeyError, TypeError):  # somebody else's, with such a field
        return None


def _text(sort: str) -> Callable[[_Known], Meaning]:
    return lambda known: ((place(TEXT, known["choice"], None, sort), known["text"]),)


def _started(known: _Known) -> Meaning:
    return ((place(TOOL_CALL, known["choice"], known["index"]), "", known.get("id"), known.get("name")),)


def _piece(known: _Known) -> Meaning:
    return ((place(TOOL_CALL, known["choice"], known["index"]), known["delta"]),)


def _done(known: _Known) -> Meaning:
    reasons = enumerate(known["finish_reasons"])
    return tuple((place(FINISH, choice), reason) for choice, reason in reasons if reason)


def _nothing(known: _Known) -> Meaning:
    """What repeats what was told before, or speaks of none of it."""
    return ()


_RULES: Mapping[str, Callable[[_Known], Meaning]] = {
    "text.delta": _text(CONTENT),
    "reasoning.delta": _text(REASONING),
    "refusal.delta": _text(REFUSAL),
    "tool_call.started": _started,
    "tool_call.arguments.delta": _piece,
    "tool_call.completed": _nothing,
    "usage": _nothing,
    "error": _nothing,
    "done": _done,
}
_KINDS: frozenset[Any] = frozenset(get_args(StreamEvent))
