"""Output items of the Responses API: which of them are tool calls, and what each says of its call.

It knows single items; their place in a stream is decided in `responses.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from . import quirks
from .events import Reasoning, Refusal, Text
from .values import fields, sequence, text, view

ANSWERED = frozenset(
    (
        "function",
        "custom",
        "computer",
        "shell",
        "local_shell",
        "apply_patch",
        "tool_search",
        "mcp_approval_request",
    )
)
"""Kinds of calls that the application answers; all others run at the server."""

NAMED = frozenset(("function", "custom", "mcp", "mcp_approval_request"))
"""Kinds of calls that have a name; all others are called as their kind."""
HOSTED = frozenset(
    ("web_search", "file_search", "code_interpreter", "image_generation", "mcp_list_tools", "program")
) | (ANSWERED - NAMED)
"""The kinds that are known and have no name."""
FREE_TEXT = frozenset(("custom", "code_interpreter", "program"))
"""Kinds whose arguments are no JSON."""

_CUSTOM = "custom_tool"  # what is left of `custom_tool_call`
_OTHER_TYPES = ("mcp_list_tools", "mcp_approval_request", "program")
_ARGUMENTS = {
    "custom": "input",
    "computer": "action",
    "local_shell": "action",
    "shell": "action",
    "hosted_shell": "action",
    "apply_patch": "operation",
    "web_search": "action",
    "file_search": "queries",
    "code_interpreter": "code",
    "program": "code",
    "image_generation": "",
    "mcp_list_tools": "",
}  # all others: `arguments`


class Item(NamedTuple):
    """A tool call as its item tells it; `ids` are all by which events may refer to it."""

    kind: str
    id: str | None
    name: str
    arguments: str
    ids: tuple[str, ...]
    failed: bool


def call_item(item: object) -> Item | None:
    """The call that an item is; `None` for messages, reasoning, compactions and the results of calls."""
    known = fields(item)
    kind = _kind(known)
    if kind is None:
        return None
    call_id, own_id = text(known.get("call_id")), text(known.get("id"))
    name = (text(known.get("name")) or "") if kind in NAMED else kind.removeprefix("hosted_")
    return Item(
        kind,
        call_id or own_id,  # with the first of the two the application answers
        name,
        _text(_arguments(known, kind)),
        tuple(identity for identity in (own_id, call_id) if identity),
        known.get("status") == "failed" or bool(known.get("error")),
    )


def _kind(known: Mapping[str, Any]) -> str | None:
    """The kind by the item's type; shells and searches may run at the server or at the application."""
    type_ = text(known.get("type")) or ""
    if type_.endswith("_call"):
        kind = type_.removesuffix("_call")
        kind = "custom" if kind == _CUSTOM else kind
    elif type_ in _OTHER_TYPES:
        return type_
    else:
        return None
    environment = text(fields(known.get("environment")).get("type")) or ""
    by_server = environment.startswith("container") or known.get("execution") == "server"
    return f"hosted_{kind}" if by_server and kind in ("shell", "tool_search") else kind


def _arguments(known: Mapping[str, Any], kind: str) -> object:
    """What the call is made with; the newer computer tool has several actions instead of one."""
    found = known.get(_ARGUMENTS.get(kind, "arguments"))
    if kind == "web_search" and found is not None:  # its sources are what was found
        return {key: part for key, part in _plain(found).items() if key != "sources"}
    return known.get("actions") if found is None and kind == "computer" else found


def _text(value: object) -> str:
    """Arguments as text; what is no text as the JSON it was."""
    if isinstance(value, str):
        return quirks.arguments_piece(value)
    if value is None:
        return ""
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError, RecursionError):
        return ""


def _plain(value: object) -> Mapping[str, Any]:
    """An SDK object as the JSON it was made of, without what was not sent."""
    known, extra = view(value)
    sent = getattr(value, "__pydantic_fields_set__", known)
    return {**{key: part for key, part in known.items() if key in sent}, **extra}


def item_texts(item: object) -> list[Text | Reasoning | Refusal]:
    """The texts of a message or of a reasoning item; Realtime's transcripts of speech are texts too."""
    known = fields(item)
    if known.get("type") == "reasoning":
        found = _joined(known.get("content")) or _joined(known.get("summary"))
        return [Reasoning(0, found)] if found else []
    texts: list[Text | Reasoning | Refusal] = []
    if known.get("role") not in (None, "assistant"):
        return texts  # a compaction hands the user's own messages back
    for part in map(fields, sequence(known.get("content"))):
        if refusal := text(part.get("refusal")):
            texts.append(Refusal(0, refusal))
        elif piece := text(part.get("text")) or text(part.get("transcript")):
            texts.append(Text(0, piece))
    return texts


def _joined(parts: object) -> str:
    return "".join(text(fields(part).get("text")) or "" for part in sequence(parts))
