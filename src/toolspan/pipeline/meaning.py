"""What a chunk says, whatever it is made of: an SDK's object, a dict, or the JSON of either.

It keeps nothing between chunks, so that a chunk means the same at every stage, whatever was lost before it.
Ids, models and times are no part of the meaning: gateways rewrite them. Events of the Responses API are in
`meaning_events.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..wire import quirks, values
from .marks import (
    CONTENT,
    FINISH,
    OTHER,
    REASONING,
    REFUSAL,
    TEXT,
    TOOL_CALL,
    Mark,
    Meaning,
    place,
)
from .meaning_events import event_meaning, piece_meaning
from .meaning_told import told_meaning

_MOST = 4096  # characters of something that is no chunk of any API
_INSIDE = 16  # fields of an envelope in which a chunk is looked for
_PLAIN = frozenset((str, int, float, bool, type(None)))
_NO_CHOICES: Meaning = ((place(OTHER, 0, None, "choices"), ""),)
_BEYOND = frozenset(("reasoning_content", "reasoning", "refusal"))
_texts = {index: place(TEXT, index, None, CONTENT) for index in range(8)}
_calls = {(index, call): place(TOOL_CALL, index, call) for index in range(4) for call in range(32)}


def meaning_of(body: Any) -> Meaning:
    """What an SDK object or a dict says; of an envelope, what the chunk inside of it says."""
    try:
        known = body if body.__class__ is dict else body.__dict__
        choices = known.get("choices")
        if choices is None:
            found = piece_meaning(known)
        elif len(choices) != 1:
            found = None
        elif body.__class__ is dict:
            found = _dict_meaning(choices[0])
        else:
            choice = choices[0].__dict__
            if not choice:
                found = _undeclared_meaning(choices[0])
            else:
                delta = choice["delta"]
                found = _object_meaning(choice, delta.__dict__, delta.__pydantic_extra__)
        if found is not None:
            return found
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    return _whole(body)


def choices_meaning(choices: Any) -> Meaning:
    """What the value of `choices` says; a role, where that is all, and that there are none, are said too."""
    found: list[Mark] = []
    for position, choice in enumerate(values.sequence(choices)):
        fields = values.fields(choice)
        said = list(_choice(fields, position))
        if not said and (role := values.text(values.fields(fields.get("delta")).get("role"))):
            said.append((place(OTHER, 0, None, "role"), role[:_MOST]))
        found += said
    return tuple(found) if found or choices != [] else _NO_CHOICES


def plain(text: str) -> Meaning:
    """What a piece of plain text says: the same as a chunk with this content."""
    return ((_texts[0], text),) if text else ()


def _undeclared_meaning(choice: Any) -> Meaning | None:
    """Of LiteLLM's objects (1.108), which declare the fields neither of a choice nor of a delta."""
    fields = choice.__pydantic_extra__
    delta = fields["delta"].__pydantic_extra__
    return _object_meaning(fields, delta, delta)


def _object_meaning(
    choice: Mapping[str, Any], known: Mapping[str, Any], extra: Mapping[str, Any] | None
) -> Meaning | None:
    """Of an SDK's object: one piece of text or of a call's arguments and nothing else, as nearly all are.

    `known` are the fields of the choice's delta, `extra` those that were sent beyond them.
    """
    if extra and not _BEYOND.isdisjoint(extra):
        return None
    if choice["finish_reason"] is not None or known.get("function_call") or known.get("refusal"):
        return None
    entries, content = known["tool_calls"], known["content"]
    if not entries:
        return ((_texts[choice["index"]], content),) if content.__class__ is str and content else None
    if content or len(entries) != 1:
        return None
    entry = entries[0].__dict__
    function = entry["function"].__dict__
    piece = function["arguments"]
    if entry["id"] or function["name"] or piece.__class__ is not str or not piece:
        return None
    return ((_calls[choice["index"], entry["index"]], piece),)


def _dict_meaning(choice: Mapping[str, Any]) -> Meaning | None:
    """The same of a dict, which may lack what says nothing."""
    delta = choice["delta"]
    get = delta.get
    if choice.get("finish_reason") is not None or not _BEYOND.isdisjoint(delta) or get("function_call"):
        return None
    entries, content = get("tool_calls"), get("content")
    if not entries:
        return ((_texts[choice["index"]], content),) if content.__class__ is str and content else None
    if content or len(entries) != 1:
        return None
    entry = entries[0]
    function = entry["function"]
    piece = function["arguments"]
    if entry.get("id") or function.get("name") or piece.__class__ is not str or not piece:
        return None
    return ((_calls[choice["index"], entry["index"]], piece),)


def _whole(body: Any) -> Meaning:
    if (told := told_meaning(body)) is not None:
        return told
    known = values.fields(body)
    if "choices" in known:
        return choices_meaning(known["choices"])
    kind = known.get("type")
    if type(kind) is str and kind.startswith("response."):
        return event_meaning(known, kind.removeprefix("response."))
    inner = _inside(known)
    return unknown(body) if inner is None else _whole(inner)


def _inside(known: Mapping[str, Any], depth: int = 2) -> Mapping[str, Any] | None:
    """The chunk that an envelope holds as an object, wherever it stands."""
    for value in list(known.values())[:_INSIDE]:
        if value.__class__ in _PLAIN:
            continue
        fields = values.fields(value)
        if "choices" in fields or str(fields.get("type")).startswith("response."):
            return fields
        if fields and depth and (found := _inside(fields, depth - 1)) is not None:
            return found
    return None


def unknown(body: Any) -> Meaning:
    """What is no chunk of any API says what it is, as text of bounded length."""
    known = body if isinstance(body, (dict, list, tuple, str, int, float)) else dict(values.fields(body))
    return ((place(OTHER), repr(known)[:_MOST]),)


def _choice(known: Mapping[str, Any], position: int) -> Iterator[Mark]:
    found = values.index_of(known.get("index"))
    index = position if found is None else found
    whole = known.get("delta") is None
    message = values.fields(known.get("message") if whole else known["delta"])
    if thought := quirks.reasoning_text(message):
        yield place(TEXT, index, None, REASONING), thought
    for is_reasoning, piece in quirks.content_pieces(message.get("content")):
        yield place(TEXT, index, None, REASONING if is_reasoning else CONTENT), piece
    if text := values.text(known.get("text")):  # legacy completions
        yield place(TEXT, index, None, CONTENT), text
    if refusal := values.text(message.get("refusal")):
        yield place(TEXT, index, None, REFUSAL), refusal
    deltas = quirks.call_deltas(message.get("tool_calls") or (), whole)
    if (function := message.get("function_call")) is not None:
        deltas += quirks.function_call_deltas(function)
    for delta in deltas:
        yield _call(index, delta)
    if reason := quirks.finish_reason(known.get("finish_reason")):
        yield place(FINISH, index), reason


def _call(index: int, delta: quirks.CallDelta) -> Mark:
    """A piece of arguments alone has no id: servers and gateways repeat it or leave it out."""
    where = place(TOOL_CALL, index, delta.index)
    if delta.arguments and not delta.name:
        return where, delta.arguments
    return where, delta.arguments, delta.id, delta.name
