"""What one chunk contains: an SDK object, a dict, an event of `toolspan.events` or JSON text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, get_args

from ..event_stream.events import StreamEvent
from ..wire import quirks, values
from ..wire.response_items import call_item

TEXT, TOOL_CALL, FINISH, OTHER = "text", "tool_call", "finish", "other"
KINDS = (TEXT, TOOL_CALL, FINISH, OTHER)
CONTENT, REASONING, REFUSAL = "content", "reasoning", "refusal"


class Place(NamedTuple):
    """Where something is said: in which text or call of which choice. Equal places are the same object."""

    kind: str
    choice: int = 0
    call: int | None = None
    sort: str = ""


ChunkPart: TypeAlias = "tuple[Any, ...]"
"""One thing that a chunk says: its place and the words, and of a call that is named also id and name."""
ParsedChunk: TypeAlias = "tuple[ChunkPart, ...]"
"""All that a chunk says; empty if that is nothing."""

place = lru_cache(maxsize=1024)(Place)
"""The place of this kind, choice, call and sort."""


def kind_of(parsed: ParsedChunk) -> str:
    """The kind that a chunk is counted as: that of the weightiest thing it says."""
    if len(parsed) == 1:
        return str(parsed[0][0].kind)
    kinds = [mark[0].kind for mark in parsed]
    return next((kind for kind in (FINISH, TOOL_CALL, TEXT) if kind in kinds), OTHER)


_MOST = 4096  # characters of something that is no chunk of any API
_INSIDE = 16  # fields of an envelope in which a chunk is looked for
_PLAIN = frozenset((str, int, float, bool, type(None)))
_NO_CHOICES: ParsedChunk = ((place(OTHER, 0, None, "choices"), ""),)
_BEYOND = frozenset(("reasoning_content", "reasoning", "refusal"))
_texts = {index: place(TEXT, index, None, CONTENT) for index in range(8)}
_calls = {(index, call): place(TOOL_CALL, index, call) for index in range(4) for call in range(32)}


def parse_chunk(body: Any) -> ParsedChunk:
    """What an SDK object or a dict says; of an envelope, what the chunk inside of it says."""
    try:
        known = body if body.__class__ is dict else body.__dict__
        choices = known.get("choices")
        if choices is None:
            found = parse_delta_event(known)
        elif len(choices) != 1:
            found = None
        elif body.__class__ is dict:
            found = _parse_dict(choices[0])
        else:
            choice = choices[0].__dict__
            if not choice:
                found = _parse_undeclared(choices[0])
            else:
                delta = choice["delta"]
                found = _parse_object(choice, delta.__dict__, delta.__pydantic_extra__)
        if found is not None:
            return found
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    return _whole(body)


def parse_choices(choices: Any) -> ParsedChunk:
    """What the value of `choices` says; a role, where that is all, and that there are none, are said too."""
    found: list[ChunkPart] = []
    for position, choice in enumerate(values.sequence(choices)):
        fields = values.fields(choice)
        said = list(_choice(fields, position))
        if not said and (role := values.text(values.fields(fields.get("delta")).get("role"))):
            said.append((place(OTHER, 0, None, "role"), role[:_MOST]))
        found += said
    return tuple(found) if found or choices != [] else _NO_CHOICES


def plain(text: str) -> ParsedChunk:
    """What a piece of plain text says: the same as a chunk with this content."""
    return ((_texts[0], text),) if text else ()


def _parse_undeclared(choice: Any) -> ParsedChunk | None:
    """Of LiteLLM's objects (1.108), which declare the fields neither of a choice nor of a delta."""
    fields = choice.__pydantic_extra__
    delta = fields["delta"].__pydantic_extra__
    return _parse_object(fields, delta, delta)


def _parse_object(
    choice: Mapping[str, Any], known: Mapping[str, Any], extra: Mapping[str, Any] | None
) -> ParsedChunk | None:
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
    if content or len(entries) != 1 or quirks.ARGUMENTS:
        return None
    entry = entries[0].__dict__
    function = entry["function"].__dict__
    piece = function["arguments"]
    if entry["id"] or function["name"] or piece.__class__ is not str or not piece:
        return None
    return ((_calls[choice["index"], entry["index"]], piece),)


def _parse_dict(choice: Mapping[str, Any]) -> ParsedChunk | None:
    """The same of a dict, which may lack what says nothing."""
    delta = choice["delta"]
    get = delta.get
    if choice.get("finish_reason") is not None or not _BEYOND.isdisjoint(delta) or get("function_call"):
        return None
    entries, content = get("tool_calls"), get("content")
    if not entries:
        return ((_texts[choice["index"]], content),) if content.__class__ is str and content else None
    if content or len(entries) != 1 or quirks.ARGUMENTS:
        return None
    entry = entries[0]
    function = entry["function"]
    piece = function["arguments"]
    if entry.get("id") or function.get("name") or piece.__class__ is not str or not piece:
        return None
    return ((_calls[choice["index"], entry["index"]], piece),)


def _whole(body: Any) -> ParsedChunk:
    if (typed := parse_typed_event(body)) is not None:
        return typed
    known = values.fields(body)
    if "choices" in known:
        return parse_choices(known["choices"])
    kind = known.get("type")
    if type(kind) is str and kind.startswith("response."):
        return parse_event(known, kind.removeprefix("response."))
    inner = _nested(known)
    return unknown(body) if inner is None else _whole(inner)


def _nested(known: Mapping[str, Any], depth: int = 2) -> Mapping[str, Any] | None:
    """The chunk that an envelope holds as an object, wherever it stands."""
    for value in list(known.values())[:_INSIDE]:
        if value.__class__ in _PLAIN:
            continue
        fields = values.fields(value)
        if "choices" in fields or str(fields.get("type")).startswith("response."):
            return fields
        if fields and depth and (found := _nested(fields, depth - 1)) is not None:
            return found
    return None


def unknown(body: Any) -> ParsedChunk:
    """What is no chunk of any API says what it is, as text of bounded length."""
    known = body if isinstance(body, (dict, list, tuple, str, int, float)) else dict(values.fields(body))
    return ((place(OTHER), repr(known)[:_MOST]),)


def _choice(known: Mapping[str, Any], position: int) -> Iterator[ChunkPart]:
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


def _call(index: int, delta: quirks.CallDelta) -> ChunkPart:
    """A piece of arguments alone has no id: servers and gateways repeat it or leave it out."""
    where = place(TOOL_CALL, index, delta.index)
    if delta.arguments and not delta.name:
        return where, delta.arguments
    return where, delta.arguments, delta.id, delta.name


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


def parse_delta_event(known: Mapping[str, Any]) -> ParsedChunk | None:
    """What an event says that only adds a piece to a text or to a call, as nearly all do; else `None`."""
    kind = known.get("type")
    where = _PLACES.get(kind)  # type: ignore[arg-type]  # anything may stand there
    if where is None:
        if kind not in _CALLS or quirks.ARGUMENTS:
            return None
        where = place(TOOL_CALL, 0, values.index_of(known.get("output_index")))
    piece = known.get("delta")
    return ((where, piece),) if piece.__class__ is str and piece else None


def parse_event(known: Mapping[str, Any], name: str) -> ParsedChunk:
    """What the event `response.{name}` says; empty for notices, and for what repeats the pieces before."""
    call = values.index_of(known.get("output_index"))
    if name in _TEXTS or name in _PIECES:
        text = name in _TEXTS
        piece = values.text(known.get("delta")) if text else quirks.arguments_text(known.get("delta"))
        where = place(TEXT, 0, None, _TEXTS[name]) if text else place(TOOL_CALL, 0, call)
        return ((where, piece),) if piece else ()
    if name == "output_item.added" and (item := call_item(known.get("item"))) is not None:
        return ((place(TOOL_CALL, 0, call), "", item.id, item.name),)
    return ((place(FINISH), name),) if name in _ENDS else ()


_Known = Mapping[str, Any]


def parse_typed_event(event: Any) -> ParsedChunk | None:
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


def _text(sort: str) -> Callable[[_Known], ParsedChunk]:
    return lambda known: ((place(TEXT, known["choice"], None, sort), known["text"]),)


def _started(known: _Known) -> ParsedChunk:
    return ((place(TOOL_CALL, known["choice"], known["index"]), "", known.get("id"), known.get("name")),)


def _piece(known: _Known) -> ParsedChunk:
    return ((place(TOOL_CALL, known["choice"], known["index"]), known["delta"]),)


def _done(known: _Known) -> ParsedChunk:
    reasons = enumerate(known["finish_reasons"])
    return tuple((place(FINISH, choice), reason) for choice, reason in reasons if reason)


def _nothing(known: _Known) -> ParsedChunk:
    """What repeats what was told before, or speaks of none of it."""
    return ()


_RULES: Mapping[str, Callable[[_Known], ParsedChunk]] = {
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
