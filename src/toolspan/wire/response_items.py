"""Read output items of the Responses API: which of them are tool calls, and their names and arguments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from . import quirks
from .events import Reasoning, Refusal, Text
from .values import fields, sequence, text, view, word

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
"""Kinds of calls whose result the application sends; all others run at the server."""

NAMED = frozenset(("function", "custom", "mcp", "mcp_approval_request"))
"""Kinds of calls that have a name; for all others, the kind is the name."""
HOSTED = frozenset(
    ("web_search", "file_search", "code_interpreter", "image_generation", "mcp_list_tools", "program")
) | (ANSWERED - NAMED)
"""The known kinds without a name."""
FREE_TEXT = frozenset(("custom", "code_interpreter", "program"))
"""Kinds whose arguments are not JSON."""

_CUSTOM = "custom_tool"  # the type `custom_tool_call` without its suffix
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
}  # an empty name: no arguments; all other kinds: `arguments`


class Item(NamedTuple):
    """A tool call as an item describes it; events may refer to it by its `call_id` and by its own id.

    `id` is whole, for the application; `call_id` and `own_id` are only compared, and bounded by `word`.
    """

    kind: str
    id: str | None
    name: str
    arguments: str
    failed: bool
    call_id: str | None = None
    own_id: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids by which events may refer to the call."""
        return tuple(identity for identity in (self.own_id, self.call_id) if identity)


def call_item(item: object) -> Item | None:
    """Return an item's tool call; `None` for messages, reasoning, compactions and results of calls."""
    known = fields(item)
    kind = _kind(known)
    if kind is None:
        return None
    call_id, own_id = text(known.get("call_id")), text(known.get("id"))
    name = (text(known.get("name")) or "") if kind in NAMED else kind.removeprefix("hosted_")
    return Item(
        kind,
        call_id or own_id,  # the application sends its result under `call_id`
        name,
        _text(_arguments(known, kind)),
        known.get("status") == "failed" or bool(known.get("error")),
        word(call_id),
        word(own_id),
    )


def item_ids(items: Iterable[object]) -> frozenset[str]:
    """Return the ids under which the application sends the results of these items' calls."""
    known = (fields(item) for item in items)
    found = (text(each.get("call_id")) or text(each.get("id")) for each in known)
    return frozenset(identity for identity in found if identity is not None)


# The same kind of tool may run at the server or in the application, which must send a result only for its
# own.
def _kind(known: Mapping[str, Any]) -> str | None:
    """Return the kind of a call by its item's type, `None` for other items."""
    type_ = word(known.get("type")) or ""
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
    """Return the field that holds a call's arguments."""
    found = known.get(_ARGUMENTS.get(kind, "arguments"))
    if kind == "web_search" and found is not None:  # its sources are results, not arguments
        return {key: part for key, part in _plain(found).items() if key != "sources"}
    # The newer computer tool has a list of actions instead of one.
    return known.get("actions") if found is None and kind == "computer" else found


def _text(value: object) -> str:
    """Return arguments as text, JSON for anything but a string."""
    if isinstance(value, str):
        return quirks.arguments_piece(value)
    if value is None:
        return ""
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError, RecursionError):
        return ""


def _plain(value: object) -> Mapping[str, Any]:
    """Return an SDK object as the JSON that the server sent, without the class's defaults."""
    known, extra = view(value)
    sent = getattr(value, "__pydantic_fields_set__", known)
    return {**{key: part for key, part in known.items() if key in sent}, **extra}


SUMMARY = "summary"
"""The source of a summary of reasoning; other texts have an empty one."""
TextKind: TypeAlias = "type[Text | Reasoning | Refusal]"
# Parts of a message that are reasoning; Mistral's have `thinking` instead of `text`.
_THOUGHTS = frozenset(("reasoning", "reasoning_text", "summary_text", "thinking"))
_WORDS = ("text", "transcript", "value", "content", "thinking", "reasoning")
_DEEPEST = 4


def words(value: object, depth: int = 0) -> str:
    """Return a text that is a string, an object with one, or a list of these."""
    if isinstance(value, str):
        return value
    if depth == _DEEPEST:
        return ""
    found = []
    for part in sequence(value):
        known = fields(part)
        inner = (
            part if isinstance(part, str) else next((known[key] for key in _WORDS if known.get(key)), None)
        )
        found.append(words(inner, depth + 1))
    return "".join(found)


def part_texts(known: Mapping[str, Any]) -> list[Text | Reasoning | Refusal]:
    """Return the texts of one part of a message."""
    if refusal := words(known.get("refusal")):
        return [Refusal(0, refusal)]
    found = words(known)
    kind = Reasoning if text(known.get("type")) in _THOUGHTS else Text
    return [kind(0, found)] if found else []


def item_texts(item: object) -> list[Text | Reasoning | Refusal]:
    """Return the texts of a message or a reasoning item, transcripts of speech included."""
    known = fields(item)
    if known.get("type") == "reasoning":
        # An item may hold the reasoning, its summary or both; both would record one thought twice.
        found = next(iter(_thoughts(known).values()), "")
        return [Reasoning(0, found)] if found else []
    if known.get("role") not in (None, "assistant"):
        return []  # a compaction returns the user's own messages too
    content = known.get("content")
    if isinstance(content, str):
        return [Text(0, content)] if content else []
    return [found for part in sequence(content) for found in part_texts(fields(part))]


def whole_texts(item: object) -> dict[TextKind, dict[str, str]]:
    """Return the texts of an item, all parts joined, by kind and source."""
    known = fields(item)
    if known.get("type") == "reasoning":
        thoughts = _thoughts(known)
        return {Reasoning: thoughts} if thoughts else {}
    found: dict[TextKind, dict[str, str]] = {}
    for event in item_texts(known):
        held = found.setdefault(type(event), {"": ""})
        held[""] += event.text
    return found


def _thoughts(known: Mapping[str, Any]) -> dict[str, str]:
    """Return the reasoning of an item and its summary, without the one that is empty."""
    texts = {
        "": words(known.get("content")) or words(known.get("text")),
        SUMMARY: words(known.get("summary")),
    }
    return {source: text for source, text in texts.items() if text}
