"""Parse one chunk: an SDK object, a dict, an event of `toolspan.events` or decoded JSON.

A chunk is parsed without the chunks before it. So it has the same parts, and the same fingerprint, at every
stage, even where an earlier stage dropped some of them. This is why the readers of `wire` are not used: they
number a tool call by the calls before it.
"""

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
    """The position of a part in the response: its kind, choice, tool call, and the sort of text."""

    kind: str
    choice: int = 0
    call: int | None = None
    sort: str = ""


ChunkPart: TypeAlias = "tuple[Any, ...]"
"""One part of a chunk: `(place, text)`; for a tool call that has a name `(place, text, id, name)`."""
ParsedChunk: TypeAlias = "tuple[ChunkPart, ...]"
"""All parts of a chunk; empty if it has no content."""

# Equal places are mostly the same object, so that `is` finds a row of chunks of one place. The cache is
# bounded because servers may count up the index for ever; two equal objects only make a row shorter.
place = lru_cache(maxsize=1024)(Place)
"""Return the place of this kind, choice, call and sort."""


def kind_of(parsed: ParsedChunk) -> str:
    """Return the kind that a chunk is counted as."""
    if len(parsed) == 1:
        return str(parsed[0][0].kind)
    # The part whose loss breaks most decides: without a finish chunk the whole response is incomplete.
    kinds = [part[0].kind for part in parsed]
    return next((kind for kind in (FINISH, TOOL_CALL, TEXT) if kind in kinds), OTHER)


_MOST = 4096  # characters kept of an object that is a chunk of no API
_MOST_FIELDS = 16  # fields of an envelope that are searched for a chunk
_PLAIN = frozenset((str, int, float, bool, type(None)))
# The chunk with the token usage, and Azure's first one, have no choices; both still count as chunks.
_NO_CHOICES: ParsedChunk = ((place(OTHER, 0, None, "choices"), ""),)
# Fields that the SDK's delta does not declare, or not in its oldest versions: the reasoning of DeepSeek, Qwen
# and vLLM, and refusals. A chunk that has one takes the general path.
_UNDECLARED = frozenset(("reasoning_content", "reasoning", "refusal"))
# Tables instead of calls of `place` on the fast paths. An index that is null (Gemini, openai-python#2806),
# or beyond a table, raises KeyError there, and `parse_chunk` goes on to the general path.
_texts = {index: place(TEXT, index, None, CONTENT) for index in range(8)}
_calls = {(index, call): place(TOOL_CALL, index, call) for index in range(4) for call in range(32)}


def parse_chunk(body: Any) -> ParsedChunk:
    """Return the parts of an SDK object or a dict; if it is an envelope, the parts of the chunk in it."""
    # Fast path for ordinary chunks: one choice with one piece of text or arguments. Objects are read by
    # `__dict__`: `getattr` of a name that a pydantic object lacks costs 3.3 µs, and a chunk may cost 3 µs.
    try:
        fields = body if body.__class__ is dict else body.__dict__
        choices = fields.get("choices")
        if choices is None:
            found = parse_delta_event(fields)
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
        pass  # an unusual chunk: the general path below accepts any shape
    return _parse_any(body)


def parse_choices(choices: Any) -> ParsedChunk:
    """Return the parts of the value of `choices`, in order."""
    found: list[ChunkPart] = []
    for position, choice in enumerate(values.sequence(choices)):
        fields = values.fields(choice)
        parts = list(_choice(fields, position))
        # A role is a part only if the choice has no other: a chunk of content equals the same chunk that
        # also repeats the role.
        if not parts and (role := values.text(values.fields(fields.get("delta")).get("role"))):
            parts.append((place(OTHER, 0, None, "role"), role[:_MOST]))
        found += parts
    return tuple(found) if found or choices != [] else _NO_CHOICES


def plain(text: str) -> ParsedChunk:
    """Return the part of a piece of plain text, equal to that of an API's chunk with the same text."""
    return ((_texts[0], text),) if text else ()


def _parse_undeclared(choice: Any) -> ParsedChunk | None:
    """Parse a choice of LiteLLM (1.108), whose choice and delta have undeclared fields only."""
    fields = choice.__pydantic_extra__
    delta = fields["delta"].__pydantic_extra__
    return _parse_object(fields, delta, delta)


def _parse_object(
    choice: Mapping[str, Any], delta: Mapping[str, Any], extra: Mapping[str, Any] | None
) -> ParsedChunk | None:
    """Parse an SDK object that has one piece of text or of arguments and no more; else return `None`.

    `delta` are the declared fields of the choice's delta, `extra` the undeclared ones.
    """
    if extra and not _UNDECLARED.isdisjoint(extra):
        return None
    if choice["finish_reason"] is not None or delta.get("function_call") or delta.get("refusal"):
        return None
    entries, content = delta["tool_calls"], delta["content"]
    if not entries:
        return ((_texts[choice["index"]], content),) if content.__class__ is str and content else None
    if content or len(entries) != 1 or quirks.ARGUMENTS:
        return None
    entry = entries[0].__dict__
    function = entry["function"].__dict__
    piece = function["arguments"]
    # An id or a name may begin another call at the same index; `quirks` decides that on the general path.
    if entry["id"] or function["name"] or piece.__class__ is not str or not piece:
        return None
    return ((_calls[choice["index"], entry["index"]], piece),)


def _parse_dict(choice: Mapping[str, Any]) -> ParsedChunk | None:
    """Parse a dict like `_parse_object` does."""
    # A second function, because servers omit null fields that objects always have: those are read by `get`.
    delta = choice["delta"]
    get = delta.get
    if choice.get("finish_reason") is not None or not _UNDECLARED.isdisjoint(delta) or get("function_call"):
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


def _parse_any(body: Any) -> ParsedChunk:
    if (parsed := parse_typed_event(body)) is not None:
        return parsed
    fields = values.fields(body)
    if "choices" in fields:
        return parse_choices(fields["choices"])
    kind = fields.get("type")
    if type(kind) is str and kind.startswith("response."):
        return parse_event(fields, kind.removeprefix("response."))
    inner = _nested(fields)
    return unknown(body) if inner is None else _parse_any(inner)


def _nested(envelope: Mapping[str, Any], depth: int = 2) -> Mapping[str, Any] | None:
    """Return the chunk that an envelope holds as an object, in any field, at most two levels deeper."""
    for value in list(envelope.values())[:_MOST_FIELDS]:
        if value.__class__ in _PLAIN:
            continue
        fields = values.fields(value)
        if "choices" in fields or str(fields.get("type")).startswith("response."):
            return fields
        if fields and depth and (found := _nested(fields, depth - 1)) is not None:
            return found
    return None


def unknown(body: Any) -> ParsedChunk:
    """Return one part of kind `other` for an object that is a chunk of no API."""
    # Its `repr`, shortened, so that two different objects differ at a stage, and equal ones match.
    value = body if isinstance(body, (dict, list, tuple, str, int, float)) else dict(values.fields(body))
    return ((place(OTHER), repr(value)[:_MOST]),)


def _choice(fields: Mapping[str, Any], position: int) -> Iterator[ChunkPart]:
    found = values.index_of(fields.get("index"))
    index = position if found is None else found
    whole = fields.get("delta") is None  # a whole response in one chunk has a message instead
    message = values.fields(fields.get("message") if whole else fields["delta"])
    if thought := quirks.reasoning_text(message):
        yield place(TEXT, index, None, REASONING), thought
    for is_reasoning, piece in quirks.content_pieces(message.get("content")):
        yield place(TEXT, index, None, REASONING if is_reasoning else CONTENT), piece
    if text := values.text(fields.get("text")):  # legacy completions
        yield place(TEXT, index, None, CONTENT), text
    if refusal := values.text(message.get("refusal")):
        yield place(TEXT, index, None, REFUSAL), refusal
    deltas = quirks.call_deltas(message.get("tool_calls") or (), whole)
    if (function := message.get("function_call")) is not None:
        deltas += quirks.function_call_deltas(function)
    for delta in deltas:
        yield _call(index, delta)
    if reason := quirks.finish_reason(fields.get("finish_reason")):
        yield place(FINISH, index), reason


def _call(index: int, delta: quirks.CallDelta) -> ChunkPart:
    # The id counts only with a name: servers and gateways repeat it with each piece or leave it out, and
    # such a rewritten chunk is not an altered one.
    where = place(TOOL_CALL, index, delta.index)
    if delta.arguments and not delta.name:
        return where, delta.arguments
    return where, delta.arguments, delta.id, delta.name


_TEXTS = {
    "output_text.delta": CONTENT,
    "text.delta": CONTENT,  # Realtime's beta, like the next
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
_ENDS = ("completed", "incomplete", "failed", "cancelled", "done")  # `response.done` is Realtime's


_PLACES = {f"response.{name}": place(TEXT, 0, None, sort) for name, sort in _TEXTS.items()}
_CALLS = frozenset(f"response.{name}" for name in _PIECES)


def parse_delta_event(fields: Mapping[str, Any]) -> ParsedChunk | None:
    """Parse an event of the Responses API that adds a piece to a text or a tool call; else return `None`."""
    kind = fields.get("type")
    where = _PLACES.get(kind)  # type: ignore[arg-type]  # any value may stand there
    if where is None:
        if kind not in _CALLS or quirks.ARGUMENTS:
            return None
        where = place(TOOL_CALL, 0, values.index_of(fields.get("output_index")))
    piece = fields.get("delta")
    return ((where, piece),) if piece.__class__ is str and piece else None


def parse_event(fields: Mapping[str, Any], name: str) -> ParsedChunk:
    """Parse the event `response.{name}`; the result is empty for an event without new content."""
    call = values.index_of(fields.get("output_index"))
    if name in _TEXTS or name in _PIECES:
        text = name in _TEXTS
        piece = values.text(fields.get("delta")) if text else quirks.arguments_text(fields.get("delta"))
        where = place(TEXT, 0, None, _TEXTS[name]) if text else place(TOOL_CALL, 0, call)
        return ((where, piece),) if piece else ()
    # The `.done` events repeat whole texts and arguments: counted again, each would be in the digest twice.
    if name == "output_item.added" and (item := call_item(fields.get("item"))) is not None:
        return ((place(TOOL_CALL, 0, call), "", item.id, item.name),)
    return ((place(FINISH), name),) if name in _ENDS else ()


_Fields = Mapping[str, Any]


def parse_typed_event(event: Any) -> ParsedChunk | None:
    """Parse an event of `toolspan.events`, as an object or decoded from JSON; else return `None`."""
    if event.__class__ in _KINDS:
        fields: _Fields = dict(zip(event._fields, event, strict=True))
    elif isinstance(event, dict) and ("choice" in event or "finish_reasons" in event):
        fields = event
    else:
        return None
    try:
        return _RULES[fields["type"]](fields)
    except (KeyError, TypeError):  # a dict of another schema that has such a field
        return None


def _text(sort: str) -> Callable[[_Fields], ParsedChunk]:
    return lambda fields: ((place(TEXT, fields["choice"], None, sort), fields["text"]),)


def _started(fields: _Fields) -> ParsedChunk:
    return ((place(TOOL_CALL, fields["choice"], fields["index"]), "", fields.get("id"), fields.get("name")),)


def _piece(fields: _Fields) -> ParsedChunk:
    return ((place(TOOL_CALL, fields["choice"], fields["index"]), fields["delta"]),)


def _done(fields: _Fields) -> ParsedChunk:
    reasons = enumerate(fields["finish_reasons"])
    return tuple((place(FINISH, choice), reason) for choice, reason in reasons if reason)


def _nothing(fields: _Fields) -> ParsedChunk:
    """Return no part: the event repeats earlier ones, or has no content."""
    return ()


# One row per event type; tests/laws holds the table complete.
_RULES: Mapping[str, Callable[[_Fields], ParsedChunk]] = {
    "text.delta": _text(CONTENT),
    "reasoning.delta": _text(REASONING),
    "refusal.delta": _text(REFUSAL),
    "tool_call.started": _started,
    "tool_call.arguments.delta": _piece,
    "tool_call.completed": _nothing,
    "tool_call.corrected": _nothing,
    "usage": _nothing,
    "error": _nothing,
    "done": _done,
}
_KINDS: frozenset[Any] = frozenset(get_args(StreamEvent))
