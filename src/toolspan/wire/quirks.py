"""Tolerances for servers that deviate from the format, one function each, with the server and the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from .events import Usage
from .values import NOTHING, count, fields, index_of, sequence, text

_TELLING = frozenset(("error", "reasoning", "reasoning_content", "refusal", "usage", "x_groq"))


def carries_content(*values: Any) -> bool:
    """Whether anything that was sent beyond the declared fields matters here; most of it does not."""
    return any(not _TELLING.isdisjoint(value.__pydantic_extra__ or ()) for value in values)


def counts_tokens(index: object, expected: int) -> bool:
    """Whether a choice's index counts tokens, as old TGI's did from 1 on (text-generation-inference#1648)."""
    return expected == 1 and index_of(index) not in (None, 0)


class CallDelta(NamedTuple):
    """One entry of `tool_calls`, in one shape for all servers. Empty strings have become `None`."""

    index: int | None  # type: ignore[assignment]  # hides a method of tuples that nobody needs here
    id: str | None
    name: str | None
    kind: str
    arguments: str


def call_delta(value: object, position: int | None = None) -> CallDelta | None:
    """One entry of `tool_calls`; `position` stands in for the index in a whole answer."""
    entry = fields(value)
    if not entry:
        return None
    kind, function = _function(entry)
    identity = text(entry.get("id")) or text(function.get("id"))  # llama.cpp#13774: id inside
    arguments = arguments_text(function.get("input" if kind == "custom" else "arguments"))
    name = text(function.get("name"))
    if not (identity or name or arguments) and position is None:
        return None  # Gemini sends deltas that hold nothing but a signature
    index = index_of(entry.get("index")) if position is None else position
    return CallDelta(index, identity, name, kind, arguments)


def call_deltas(entries: object, whole: bool) -> list[CallDelta]:
    """All entries of `tool_calls`; in a whole answer each is a call of its own."""
    found = [
        call_delta(entry, position if whole else None) for position, entry in enumerate(sequence(entries))
    ]
    return [delta for delta in found if delta is not None]


def _function(entry: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Which of the two kinds of call an entry is, and the fields that describe it."""
    custom = entry.get("custom")
    if custom is not None and (entry.get("type") == "custom" or not entry.get("function")):
        return "custom", fields(custom)
    return "function", fields(entry.get("function"))


def function_call_deltas(value: object) -> list[CallDelta]:
    """The deprecated `function_call`: at most one call, without index and id."""
    entry = fields(value)
    name, arguments = text(entry.get("name")), arguments_text(entry.get("arguments"))
    return [CallDelta(0, None, name, "function", arguments)] if name or arguments else []


ARGUMENTS: tuple[Callable[[str], str], ...] = ()
"""Quirks that change the text of arguments: each gets one piece, or the whole, and returns the plain text.

The fast paths take a piece as it is, so they are off while there is such a quirk; the general path asks each.
"""


def arguments_piece(piece: str) -> str:
    """Return what a piece of arguments stands for, by the quirks in `ARGUMENTS`."""
    for quirk in ARGUMENTS:
        piece = quirk(piece)
    return piece


def arguments_text(value: object) -> str:
    """Arguments as text: DashScope sends null (dd-trace-py#19386), MiniMax an object (oh-my-pi#1779)."""
    if isinstance(value, str):
        return arguments_piece(value) if ARGUMENTS else value
    if isinstance(value, (dict, list)):
        try:
            return json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            return ""
    return ""


def content_pieces(value: object, *, thinking: bool = False) -> Iterable[tuple[bool, str]]:
    """Content as (is reasoning, text): Mistral streams a list of parts, with `thinking` among them."""
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
    """Reasoning under either name: `reasoning_content` (DeepSeek, Qwen), `reasoning` (vLLM, Cerebras)."""
    return text(extra.get("reasoning_content")) or text(extra.get("reasoning"))


def finish_reason(value: object) -> str | None:
    """A finish reason of sane length."""
    found = text(value)
    return found[:64] if found else None


def failure_of(extra: Mapping[str, Any]) -> str | None:
    """The code of an error in a regular answer (OpenRouter, sentry-python#6216); never its message."""
    error = extra.get("error")
    if not error:
        return None
    code = fields(error).get("code")
    if type(code) is int:
        return str(code)
    plain = text(code)
    return plain if plain and len(plain) <= 64 and plain.replace("_", "").isalnum() else "_OTHER"


def groq_usage(extra: Mapping[str, Any]) -> Usage | None:
    """Token counts under `x_groq` (litellm#7621)."""
    return usage(fields(extra.get("x_groq")).get("usage"))


def usage(value: object) -> Usage | None:
    """A usage object in either spelling (chat's `prompt_tokens`, the Responses API's `input_tokens`).

    Realtime names the details in the singular, and has those of the cached tokens.
    """
    known = fields(value)
    if not known:
        return None
    inward = _details(known, "prompt_tokens_details", "input_tokens_details", "input_token_details")
    outward = _details(known, "completion_tokens_details", "output_tokens_details", "output_token_details")
    cached = count(inward.get("cached_tokens")) if inward else None
    if cached is None and "prompt_cache_hit_tokens" in known:  # DeepSeek
        cached = count(known["prompt_cache_hit_tokens"])
    taken = _first(known, "prompt_tokens", "input_tokens")
    made = _first(known, "completion_tokens", "output_tokens")
    cost = reported(known)
    if not inward and not outward:
        return None if taken is made is cached is cost is None else Usage(taken, made, cached, cost=cost)
    kept = fields(inward.get("cached_tokens_details"))
    found = Usage(
        input=taken,
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
    for name in names:
        value = known.get(name)
        if value is not None:
            return fields(value)
    return NOTHING


def _first(known: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        found = count(known.get(name))
        if found is not None:
            return found
    return None


_MOST = 1e6  # dollars; no request costs as much
_TICKS = 1e10  # of xAI, in one dollar
_PLACES = frozenset(("cost", "cost_in_usd_ticks", "estimated_cost"))


class Cost(NamedTuple):
    """The cost of one request in US dollars; `source` is `provider` or `computed`.

    `input` and `output` are the parts of a computed one; a fee for the request itself is in neither.
    """

    amount: float
    source: str
    input: float | None = None
    output: float | None = None


def reported(usage: Mapping[str, Any]) -> float | None:
    """The cost that a usage object names, in US dollars; `None` where it names none."""
    if _PLACES.isdisjoint(usage):
        return None
    for read in _READERS:
        found = read(usage)
        if found is not None:
            return found
    return None


def openrouter_cost(usage: Mapping[str, Any]) -> float | None:
    """OpenRouter's `cost`, in credits of one dollar (langfuse-python#1311); LiteLLM's too (litellm#15053).

    With the caller's own key at the provider (BYOK), it is OpenRouter's fee, mostly 0, and what the provider
    charges stands beside it (dd-trace-py#19324); without one the two must not be added (automatos-ai#745).
    """
    fee = dollars(usage.get("cost"))
    upstream = dollars(fields(usage.get("cost_details")).get("upstream_inference_cost"))
    if fee is None or upstream is None or not (fee == 0 or usage.get("is_byok") is True):
        return fee
    return fee + upstream


def perplexity_cost(usage: Mapping[str, Any]) -> float | None:
    """Perplexity's `cost` is an object; its total has the fee for each request in it (litellm#17887)."""
    return dollars(fields(usage.get("cost")).get("total_cost"))


def x_ai_cost(usage: Mapping[str, Any]) -> float | None:
    """What xAI has billed, in ten billionths of a dollar (promptfoo#10032)."""
    ticks = dollars(usage.get("cost_in_usd_ticks"), most=_MOST * _TICKS)
    return None if ticks is None else ticks / _TICKS


def deepinfra_cost(usage: Mapping[str, Any]) -> float | None:
    """DeepInfra's `estimated_cost`, at the tier that it served (litellm#38802)."""
    return dollars(usage.get("estimated_cost"))


def litellm_cost(header: bytes | None) -> float | None:
    """The value of LiteLLM's header `x-litellm-response-cost`; streams do not have it (litellm#12689)."""
    try:
        return None if header is None else dollars(float(header))
    except ValueError:
        return None


def dollars(value: object, most: float = _MOST) -> float | None:
    """An amount of sane size: a number, not negative, not `NaN`, and not `True`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value <= most else None


_Reader = Callable[[Mapping[str, Any]], "float | None"]
_READERS: tuple[_Reader, ...] = (openrouter_cost, perplexity_cost, x_ai_cost, deepinfra_cost)
