"""Parse one chunk: an SDK object, a dict, an event of `toolspan.events` or decoded JSON.

A chunk is parsed without the chunks before it. So it has the same parts, and the same fingerprint, at every
stage, even where an earlier stage dropped some of them. This is why the readers of `wire` are not used: they
number a tool call by the calls before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, get_args

from ..event_stream.events import StreamEvent
from ..wire import quirks, values
from ..wire.anthropic_messages import STREAMED
from ..wire.chat import ordinary_choice
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
# Tables instead of calls of `place` on the fast paths. An index that is null (Gemini, openai-python#2806),
# or beyond a table, raises KeyError there, and `parse_chunk` goes on to the general path.
_texts = {index: place(TEXT, index, None, CONTENT) for index in range(8)}
_calls = {(index, call): place(TOOL_CALL, index, call) for index in range(4) for call in range(32)}


def parse_chunk(body: Any) -> ParsedChunk:
    """Return the parts of an SDK object or a dict; if it is an envelope, the parts of the chunk in it."""
    try:
        fields = body if body.__class__ is dict else body.__dict__
        if choices := fields.get("choices"):
            (held,) = choices
            if (piece := ordinary_choice(held)) is not None:
                choice, call, text = piece
                if text:
                    return ((_texts[choice] if call is None else _calls[choice, call], text),)
        # Undeclared fields of an SDK object are not among these, but they are on the general path.
        elif found := parse_event(fields):
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


def _parse_any(body: Any) -> ParsedChunk:
    if (parsed := parse_typed_event(body)) is not None:
        return parsed
    fields = values.fields(body)
    if "choices" in fields:
        return parse_choices(fields["choices"])
    if (found := parse_event(fields)) is not None:
        return found
    inner = _nested(fields)
    return unknown(body) if inner is None else _parse_any(inner)


def _nested(envelope: Mapping[str, Any], depth: int = 2) -> Mapping[str, Any] | None:
    """Return the chunk that an envelope holds as an object, in any field, at most two levels deeper."""
    for value in list(envelope.values())[:_MOST_FIELDS]:
        if value.__class__ in _PLAIN:
            continue
        fields = values.fields(value)
        kind = str(fields.get("type"))
        if "choices" in fields or kind.startswith("response.") or kind in STREAMED:
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


# The id counts only with a name: servers and gateways repeat it with each piece or leave it out, and
# such a rewritten chunk is not an altered one.
def _call(index: int, delta: quirks.CallDelta) -> ChunkPart:
    where = place(TOOL_CALL, index, delta.index)
    if delta.arguments and not delta.name:
        return where, delta.arguments
    return where, delta.arguments, delta.id, delta.name


_TEXTS = {
    "response.output_text.delta": CONTENT,
    "response.text.delta": CONTENT,  # Realtime's beta, like the next
    "response.audio_transcript.delta": CONTENT,
    "response.audio.transcript.delta": CONTENT,
    "response.output_audio_transcript.delta": CONTENT,
    "response.reasoning_text.delta": REASONING,
    "response.reasoning_summary_text.delta": REASONING,
    "response.refusal.delta": REFUSAL,
}
_PIECES = (
    "response.function_call_arguments.delta",
    "response.custom_tool_call_input.delta",
    "response.mcp_call_arguments.delta",
    "response.code_interpreter_call_code.delta",
)
_ENDS = ("completed", "incomplete", "failed", "cancelled", "done")  # `response.done` is Realtime's


def parse_event(fields: Mapping[str, Any]) -> ParsedChunk | None:
    """Parse an event of the Responses or Messages API; `()` for one without new content, else `None`."""
    kind = fields.get("type")
    if kind.__class__ is not str:
        return None
    if not kind.startswith("response."):
        return _parse_message_event(kind, fields) if kind in STREAMED else None
    if (sort := _TEXTS.get(kind)) is not None:
        where, piece = place(TEXT, 0, None, sort), values.text(fields.get("delta"))
        return ((where, piece),) if piece else ()
    where = place(TOOL_CALL, 0, values.index_of(fields.get("output_index")))
    if kind in _PIECES:
        piece = quirks.arguments_text(fields.get("delta"))
        return ((where, piece),) if piece else ()
    # The `.done` events repeat whole texts and arguments: counted again, each would be in the digest twice.
    if kind == "response.output_item.added" and (item := call_item(fields.get("item"))) is not None:
        return ((where, "", item.id, item.name),)
    name = kind.removeprefix("response.")
    return ((place(FINISH), name),) if name in _ENDS else ()


def _parse_message_event(kind: str, fields: Mapping[str, Any]) -> ParsedChunk:
    """Parse an event of Anthropic's Messages API; `()` for one without new content."""
    where = place(TOOL_CALL, 0, values.index_of(fields.get("index")))
    delta = values.fields(fields.get("delta"))
    if kind == "message_delta":
        reason = quirks.finish_reason(delta.get("stop_reason"))
        return ((place(FINISH), reason),) if reason else ()
    block = values.fields(fields.get("content_block"))
    if str(block.get("type")).endswith("tool_use"):
        return ((where, "", values.text(block.get("id")), values.text(block.get("name"))),)
    if piece := quirks.arguments_text(delta.get("partial_json")):
        return ((where, piece),)
    for name, sort in (("text", CONTENT), ("thinking", REASONING)):
        if piece := values.text(delta.get(name)) or values.text(block.get(name)) or "":
            return ((place(TEXT, 0, None, sort), piece),)
    return ()


def parse_typed_event(event: Any) -> ParsedChunk | None:
    """Parse an event of `toolspan.events`, as an object or decoded from JSON; else return `None`."""
    if event.__class__ in _KINDS:
        fields: Mapping[str, Any] = event._asdict()
    elif isinstance(event, dict) and ("choice" in event or "finish_reasons" in event):
        fields = event
    else:
        return None
    try:
        rule = _RULES[fields["type"]]
        parts = () if rule is None else tuple(_typed_parts(fields, *rule))
    except (KeyError, TypeError):  # a dict of another schema that has such a field
        return None
    return parts if all(map(_is_valid, parts)) else None


def _typed_parts(fields: Mapping[str, Any], kind: str, sort: str, name: str) -> Iterator[ChunkPart]:
    if kind is FINISH:
        for choice, reason in enumerate(values.sequence(fields[name])):
            if reason:
                yield place(FINISH, choice), reason
    elif name == "id":
        yield place(kind, fields["choice"], fields["index"]), "", fields[name], fields.get("name")
    else:
        yield (
            place(kind, fields["choice"], fields["index"] if kind is TOOL_CALL else None, sort),
            fields[name],
        )


def _is_valid(part: ChunkPart) -> bool:
    """Return whether indexes and texts have the types of an event."""
    where, text, *named = part
    indexes = type(where.choice) is int and (type(where.call) is int) is (where.kind is TOOL_CALL)
    return indexes and isinstance(text, str) and all(each is None or isinstance(each, str) for each in named)


# One row per event type: the kind and the sort of its part, and the field that holds the text; `None` for
# events that repeat earlier ones, or have no content. tests/laws holds the table complete.
_RULES: Mapping[str, tuple[str, str, str] | None] = {
    "text.delta": (TEXT, CONTENT, "text"),
    "reasoning.delta": (TEXT, REASONING, "text"),
    "refusal.delta": (TEXT, REFUSAL, "text"),
    "tool_call.started": (TOOL_CALL, "", "id"),
    "tool_call.arguments.delta": (TOOL_CALL, "", "delta"),
    "tool_call.completed": None,
    "tool_call.corrected": None,
    "usage": None,
    "error": None,
    "done": (FINISH, "", "finish_reasons"),
}
_KINDS: frozenset[Any] = frozenset(get_args(StreamEvent))
