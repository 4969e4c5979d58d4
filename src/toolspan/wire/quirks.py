"""Tolerances for servers that deviate from OpenAI's format, each with the server and the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from .values import fields, index_of, sequence, text

REASONING = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
"""Fields of reasoning as text: DeepSeek and Qwen, vLLM and Cerebras, Copilot, Ollama's proxies."""
REASONING_PARTS = ("reasoning_details", "thinking_blocks")
"""Fields of reasoning as a list of parts: OpenRouter and MiniMax (litellm#22392), LiteLLM."""
THOUGHTS = frozenset((*REASONING, *REASONING_PARTS))
GENERAL = THOUGHTS | {"error", "function_call", "message", "refusal", "usage", "x_groq"}
"""Fields that need the general path, in a chunk, a choice or a delta: a quirk that reads another adds it.

openai before 1.40 does not declare `refusal`; a choice's `usage` is Moonshot's.
"""


def carries_content(fields: Mapping[str, Any]) -> bool:
    """Return whether any field of `GENERAL` has a value: vLLM sends most of them as null in each chunk.

    For an SDK object's undeclared fields, a finish reason counts, too: Together's SDK declares none.
    """
    # Most chunks have none of the fields: the first test takes no loop.
    return fields.get("finish_reason") is not None or (
        not GENERAL.isdisjoint(fields) and any(fields[name] is not None for name in GENERAL & fields.keys())
    )


def counts_tokens(index: object, expected: int) -> bool:
    """Return whether a choice's index counts tokens, as in old TGI (text-generation-inference#1648)."""
    # With `n=1` the only correct index is 0. With more choices a count cannot be told from an index.
    return expected == 1 and index_of(index) not in (None, 0)


class CallDelta(NamedTuple):
    """One entry of `tool_calls`, normalised for all servers: empty strings are `None`."""

    index: int | None  # type: ignore[assignment]  # hides `tuple.index`, which is unused
    id: str | None
    name: str | None
    kind: str
    arguments: str
    is_object: bool = False  # whether the arguments came as an object, and so as a whole


def call_delta(value: object, position: int | None = None) -> CallDelta | None:
    """Return one entry of `tool_calls`, `None` if it is empty; `position` is its index in a whole answer."""
    entry = fields(value)
    if not entry:
        return None
    kind, function = _function(entry)
    identity = text(entry.get("id")) or text(function.get("id"))  # llama.cpp sent the id inside (#13774)
    sent = function.get("input" if kind == "custom" else "arguments")
    arguments = arguments_text(sent)
    name = text(function.get("name"))
    if not (identity or name or arguments) and position is None:
        return None  # Gemini sends entries with only a `thought_signature` (open-webui/computer#224)
    index = index_of(entry.get("index")) if position is None else position
    return CallDelta(index, identity, name, kind, arguments, not isinstance(sent, str) and bool(arguments))


def call_deltas(entries: object, whole: bool) -> list[CallDelta]:
    """Return all entries of `tool_calls`; in a whole answer each entry is a separate call."""
    found = [
        call_delta(entry, position if whole else None) for position, entry in enumerate(sequence(entries))
    ]
    return [delta for delta in found if delta is not None]


def _function(entry: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return a call's kind, `function` or `custom`, and the fields that describe it."""
    custom = entry.get("custom")
    # An entry may hold both fields, one of them null or empty: the type decides.
    if custom is not None and (entry.get("type") == "custom" or not entry.get("function")):
        return "custom", fields(custom)
    return "function", fields(entry.get("function"))


def function_call_deltas(value: object) -> list[CallDelta]:
    """Return the deprecated `function_call` as a list: at most one call, without index and id."""
    entry = fields(value)
    name, arguments = text(entry.get("name")), arguments_text(entry.get("arguments"))
    return [CallDelta(0, None, name, "function", arguments)] if name or arguments else []


ARGUMENTS: tuple[Callable[[str], str], ...] = ()
"""The quirks that change the text of arguments: functions from the text as sent to the plain text.

Each gets one piece, or all arguments. The fast paths read a piece unchanged, so they are not used while there
is such a quirk.
"""


def arguments_piece(piece: str) -> str:
    """Return what a piece of arguments stands for, by the quirks in `ARGUMENTS`."""
    for quirk in ARGUMENTS:
        piece = quirk(piece)
    return piece


def arguments_text(value: object) -> str:
    """Return arguments as text; DashScope sends null (dd-trace-py#19386), MiniMax objects (oh-my-pi#1779)."""
    if isinstance(value, str):
        return arguments_piece(value) if ARGUMENTS else value
    if isinstance(value, (dict, list)):
        try:
            return json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            return ""
    return ""


# Mistral streams a list of parts instead of a string, with `thinking` parts among them.
def content_pieces(value: object, *, thinking: bool = False) -> Iterable[tuple[bool, str]]:
    """Yield content as pairs (is reasoning, text)."""
    if isinstance(value, str):
        if value:
            yield thinking, value
        return
    for part in sequence(value):
        known = fields(part)
        if piece := text(known.get("text")):
            yield thinking, piece
        elif "thinking" in known and not thinking:
            yield from content_pieces(known["thinking"], thinking=True)


def reasoning_text(extra: Mapping[str, Any]) -> str | None:
    """Return reasoning from the first field that has some."""
    # vLLM and OpenRouter send the same text under several names, so only one of them is read.
    for name in REASONING:
        if name in extra and (found := text(extra[name])):
            return found
    for name in REASONING_PARTS:
        if name in extra and (found := "".join(map(_thought, sequence(extra[name])))):
            return found
    return None


def _thought(part: object) -> str:
    """Return the text of one part of reasoning; encrypted reasoning has none."""
    known = fields(part)
    return text(known.get("text")) or text(known.get("summary")) or text(known.get("thinking")) or ""


LONGEST_REASON = 64


def finish_reason(value: object) -> str | None:
    """Return a finish reason, at most `LONGEST_REASON` characters, or `None`."""
    # The reason becomes an attribute, so its length needs a bound.
    return value[:LONGEST_REASON] if isinstance(value, str) and value else None


def failure_of(extra: Mapping[str, Any]) -> str | None:
    """Return the code of an error in a regular answer (OpenRouter, sentry-python#6216), never its message."""
    error = extra.get("error")
    if not error:
        return None
    code = fields(error).get("code")
    if type(code) is int:
        return str(code)
    # Only an identifier is recorded: other text could be a message, which may hold content.
    plain = text(code)
    return plain if plain and len(plain) <= 64 and plain.replace("_", "").isalnum() else "_OTHER"
