"""Tolerances for servers that deviate from OpenAI's format, each with the server and the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from .events import Usage
from .values import NOTHING, count, fields, index_of, sequence, text

REASONING = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
"""Fields of reasoning as text: DeepSeek and Qwen, vLLM and Cerebras, Copilot, Ollama's proxies."""
REASONING_PARTS = ("reasoning_details", "thinking_blocks")
"""Fields of reasoning as a list of parts: OpenRouter and MiniMax (litellm#22392), LiteLLM."""
GENERAL = frozenset(
    ("error", "function_call", "message", "refusal", "usage", "x_groq", *REASONING, *REASONING_PARTS)
)
"""Fields that need the general path, in a chunk, a choice or a delta: a quirk that reads another adds it.

openai before 1.40 does not declare `refusal`; a choice's `usage` is Moonshot's.
"""


def carries_content(fields: Mapping[str, Any]) -> bool:
    """Return whether any field of `GENERAL` has a value: vLLM sends most of them as null in each chunk."""
    # Most chunks have none of the fields: the first test takes no loop.
    return not GENERAL.isdisjoint(fields) and any(
        fields[name] is not None for name in GENERAL & fields.keys()
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


def finish_reason(value: object) -> str | None:
    """Return a finish reason, at most 64 characters, or `None`."""
    # The reason becomes an attribute, so its length needs a bound.
    return value[:64] if isinstance(value, str) and value else None


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


def groq_usage(extra: Mapping[str, Any]) -> Usage | None:
    """Return the token counts under `x_groq` (litellm#7621)."""
    return usage(fields(extra.get("x_groq")).get("usage"))


def usage(value: object) -> Usage | None:
    """Return a usage object in any spelling, `None` if it holds no count and no cost.

    Chat has `prompt_tokens`, Responses `input_tokens`. Realtime names the details in the singular, and
    splits cached tokens by modality.
    """
    known = fields(value)
    if not known:
        return None
    inward = _details(known, "prompt_tokens_details", "input_tokens_details", "input_token_details")
    outward = _details(known, "completion_tokens_details", "output_tokens_details", "output_token_details")
    cached = count(inward.get("cached_tokens")) if inward else None
    if cached is None and "prompt_cache_hit_tokens" in known:  # DeepSeek's own name
        cached = count(known["prompt_cache_hit_tokens"])
    sent = _first(known, "prompt_tokens", "input_tokens")
    made = _first(known, "completion_tokens", "output_tokens")
    cost = reported(known)
    if not inward and not outward:  # many servers send totals only: nothing to find below
        return None if sent is made is cached is cost is None else Usage(sent, made, cached, cost=cost)
    kept = fields(inward.get("cached_tokens_details"))
    found = Usage(
        input=sent,
        output=made,
        cache_read=cached,
        cache_write=_first(inward, "cache_write_tokens", "cache_creation_tokens"),
        reasoning=count(outward.get("reasoning_tokens")),
        text_input=count(inward.get("text_tokens")),
        image_input=count(inward.get("image_tokens")),
        audio_input=count(inward.get("audio_tokens")),
        text_output=count(outward.get("text_tokens")),
        image_output=count(outward.get("image_tokens")),
        audio_output=count(outward.get("audio_tokens")),
        text_cache_read=count(kept.get("text_tokens")),
        image_cache_read=count(kept.get("image_tokens")),
        audio_cache_read=count(kept.get("audio_tokens")),
        cost=cost,
    )
    return found if any(part is not None for part in found) else None


def _details(known: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Return the first of these fields that is not null, as a mapping."""
    for name in names:
        value = known.get(name)
        if value is not None:
            return fields(value)
    return NOTHING


def _first(known: Mapping[str, Any], *names: str) -> int | None:
    """Return the first of these fields that holds a count."""
    for name in names:
        found = count(known.get(name))
        if found is not None:
            return found
    return None


_MOST = 1e6  # dollars; a larger figure is an error and would ruin every sum
_TICKS = 1e10  # xAI's ticks per dollar
_PLACES = frozenset(("cost", "cost_in_usd_ticks", "estimated_cost"))


class Cost(NamedTuple):
    """The cost of one request in US dollars; `source` is `provider` or `computed`.

    `input` and `output` are the parts of a computed cost; a fee per request is in neither.
    """

    amount: float
    source: str
    input: float | None = None
    output: float | None = None


def reported(usage: Mapping[str, Any]) -> float | None:
    """Return the cost that a usage object reports in US dollars, or `None`."""
    # Most usage objects report no cost: one test replaces four readers.
    if _PLACES.isdisjoint(usage):
        return None
    for read in _READERS:
        found = read(usage)
        if found is not None:
            return found
    return None


def openrouter_cost(usage: Mapping[str, Any]) -> float | None:
    """Return OpenRouter's `cost`, in credits of one dollar (langfuse-python#1311), or LiteLLM's.

    LiteLLM uses the same field (litellm#15053). With the caller's own key at the provider (BYOK), `cost` is
    only OpenRouter's fee, mostly 0, and the provider's charge is in `cost_details` (dd-trace-py#19324).
    Without BYOK, `cost` already includes that charge (automatos-ai#745).
    """
    fee = dollars(usage.get("cost"))
    upstream = dollars(fields(usage.get("cost_details")).get("upstream_inference_cost"))
    if fee is None or upstream is None or not (fee == 0 or usage.get("is_byok") is True):
        return fee
    return fee + upstream


def perplexity_cost(usage: Mapping[str, Any]) -> float | None:
    """Return Perplexity's `cost.total_cost`, which includes the fee per request (litellm#17887)."""
    return dollars(fields(usage.get("cost")).get("total_cost"))


def x_ai_cost(usage: Mapping[str, Any]) -> float | None:
    """Return the cost that xAI reports in ticks of 1e-10 dollars (promptfoo#10032)."""
    ticks = dollars(usage.get("cost_in_usd_ticks"), most=_MOST * _TICKS)
    return None if ticks is None else ticks / _TICKS


def deepinfra_cost(usage: Mapping[str, Any]) -> float | None:
    """Return DeepInfra's `estimated_cost`, which reflects the service tier (litellm#38802)."""
    return dollars(usage.get("estimated_cost"))


def litellm_cost(header: bytes | None) -> float | None:
    """Return the cost in LiteLLM's header; streams do not carry it (litellm#12689)."""
    try:
        return None if header is None else dollars(float(header))
    except ValueError:
        return None


def dollars(value: object, most: float = _MOST) -> float | None:
    """Return a number from 0 to `most` as a float; `None` for other values, `NaN` and booleans included."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value <= most else None  # `NaN` fails both comparisons


_Reader = Callable[[Mapping[str, Any]], "float | None"]
_READERS: tuple[_Reader, ...] = (openrouter_cost, perplexity_cost, x_ai_cost, deepinfra_cost)
