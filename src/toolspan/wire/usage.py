"""Read the token usage of an answer, merge its reports, and give its counts the conventions' meaning.

What a report may carry, and what decides:

* Servers use many names for one count, at the top or nested: `_TOP` lists them. Within a report the largest
  of them counts, because a server that fills one name may send zero under the other.
* A later report replaces the counts that it has. A count that it lacks, or reports as null or zero, stays:
  servers repeat the usage without its details, in parts, or as zeros.
* Output tokens contain the reasoning, input tokens contain what was read from a cache or written to it. A
  server that counts these beside is recognised by, in this order: a part that is larger than the whole; the
  total, if it is the sum with or without them; its provider, or Anthropic's names without a total.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from .events import Usage
from .values import count, fields, view

_Names: TypeAlias = "Mapping[str, str | _Names]"

_MODALITIES = ("text", "image", "audio")
_CACHE: _Names = {
    "cached_tokens": "cache_read",
    "cached_input_tokens": "cache_read",
    "cached_read_tokens": "cache_read",  # one-hub
    "cache_read_tokens": "cache_read",
    "cache_read_input_tokens": "cache_read",  # Anthropic, LiteLLM (litellm#39505)
    "cached_write_tokens": "cache_write",
    "cache_write_tokens": "cache_write",  # OpenRouter, OpenAI since GPT-5.6
    "cache_write_input_tokens": "cache_write",
    "cache_creation_tokens": "cache_write",
    "cache_creation_input_tokens": "cache_write",  # Anthropic; Qwen has it among the details
    # Anthropic's and Qwen's split of the tokens written, by how long they are kept.
    "cache_creation": {
        "ephemeral_5m_input_tokens": "short_write",
        "ephemeral_1h_input_tokens": "long_cache_write",
    },
}
_INPUT: _Names = {
    **_CACHE,
    **{f"{kind}_tokens": f"{kind}_input" for kind in _MODALITIES},
    # Realtime splits the cached tokens by modality.
    "cached_tokens_details": {f"{kind}_tokens": f"{kind}_cache_read" for kind in _MODALITIES},
}
_REASONING: _Names = {
    "reasoning_tokens": "reasoning",  # at the top: SGLang, Perplexity
    "reasoning_output_tokens": "reasoning",
    "thinking_tokens": "reasoning",
}
_OUTPUT: _Names = {**_REASONING, **{f"{kind}_tokens": f"{kind}_output" for kind in _MODALITIES}}
_TOP: _Names = {
    **_CACHE,
    **_REASONING,
    "prompt_tokens": "input",  # Chat Completions
    "input_tokens": "input",  # Responses, Anthropic
    "completion_tokens": "output",
    "output_tokens": "output",
    "total_tokens": "total",
    "prompt_tokens_details": _INPUT,
    "input_tokens_details": _INPUT,
    "input_token_details": _INPUT,  # Realtime
    "prompt_token_details": _INPUT,  # the Perplexity SDK's class
    "completion_tokens_details": _OUTPUT,
    "output_tokens_details": _OUTPUT,
    "output_token_details": _OUTPUT,
    "prompt_cache_hit_tokens": "cache_read",  # DeepSeek
    "num_cached_tokens": "cache_read",  # Mistral
    # The metrics at the end of Bedrock's streams (opik#6019).
    "inputTokenCount": "input",
    "outputTokenCount": "output",
    "cacheReadInputTokenCount": "cache_read",
    "cacheWriteInputTokenCount": "cache_write",
    # one-hub and others have no details, but one name for each part.
    **{f"input_{kind}_tokens": f"{kind}_input" for kind in _MODALITIES},
    **{f"output_{kind}_tokens": f"{kind}_output" for kind in _MODALITIES},
}
_ANTHROPIC = frozenset(("cache_read_input_tokens", "cache_creation_input_tokens"))

# Both report the reasoning beside `completion_tokens`: xAI in Chat Completions only (inspect_ai#5528), where
# its total contains the reasoning; so does Google's (CLIProxyAPI#5744).
_REASONING_BESIDE = frozenset(("x_ai", "gcp.gemini", "gcp.vertex_ai"))
# Google's total contains the thoughts even where no field reports them (any-llm#1290).
_THOUGHTS_IN_TOTAL = frozenset(("gcp.gemini", "gcp.vertex_ai"))
# The total of Perplexity's deep research does not contain the reasoning, which is billed all the same.
_REASONING_NOWHERE = frozenset(("perplexity",))
# Qwen reports a few more cached tokens than the input tokens that contain them (rust-genai#258).
_CACHE_CONTAINED = frozenset(("alibaba_cloud",))


_UNKNOWN = Usage()
_SMALL = 2**31


class UsageReports:
    """The usage of one answer, merged from all its reports; `provider` is the endpoint's.

    `cache_beside`: the input tokens are without those of caches, unless a total contradicts it.
    """

    __slots__ = ("_cache_beside", "_known", "_last", "_provider", "_reasoning_beside")

    def __init__(self, provider: str | None = None, *, cache_beside: bool = False) -> None:
        self._provider = provider
        self._known: dict[str, Any] = {}
        self._last = _UNKNOWN
        # Both hold until a total decides.
        self._reasoning_beside = provider in _REASONING_BESIDE or provider in _REASONING_NOWHERE
        self._cache_beside = cache_beside

    def read(self, value: object) -> Usage | None:
        """Return the usage after one more report, an SDK object or plain JSON; `None` if nothing changed."""
        known, extra = view(value)
        if extra is not known and extra:
            known = {**extra, **known}  # pydantic keeps apart what the SDK does not declare
        if self._last is _UNKNOWN and (plain := plain_usage(known)) is not None:
            self._known = {"input": plain.input, "output": plain.output, "total": known["total_tokens"]}
            self._last = plain
            return plain
        found = _counts(known)
        merged = self._known
        for name, part in found.items():
            # A zero of a later report only means that it lacks the count.
            if part or name not in merged:
                merged[name] = part
        if "output_tokens" in known:
            self._reasoning_beside = False  # the Responses API of these providers counts as OpenAI does
        if "input_tokens" in known and "total" not in found and not _ANTHROPIC.isdisjoint(known):
            self._cache_beside = True
        usage = self._usage()
        if usage == self._last:
            return None
        self._last = usage
        return usage

    def _usage(self) -> Usage:
        """Return the merged counts with the conventions' meaning."""
        known = self._known
        sent, made = known.get("input"), known.get("output")
        # Many servers report nothing but two counts.
        if len(known) > 2:
            cached = known.get("cache_read", 0) + known.get("cache_write", 0)
            thought = known.get("reasoning", 0)
            if sent is not None and cached:
                sent = self._input(sent, made or 0, cached, thought)
            made = self._output(sent, made, thought)
        return Usage._make(map({**known, "input": sent, "output": made}.get, Usage._fields))

    def _input(self, sent: int, made: int, cached: int, thought: int) -> int:
        """Return the input tokens with those that were read from a cache or written to it."""
        if self._provider in _CACHE_CONTAINED:
            return sent
        rest = self._rest(sent, made)
        # Where the cached tokens equal the reasoning, the latter is more likely beside.
        beside = rest in (cached, cached + thought) and rest != thought
        self._cache_beside = rest != 0 and (beside or self._cache_beside)
        return sent + cached if self._cache_beside or cached > sent else sent

    def _output(self, sent: int | None, made: int | None, thought: int) -> int | None:
        """Return the output tokens with the reasoning."""
        rest = self._rest(sent, made or 0)
        if rest and rest > 0 and (made is None or self._provider in _THOUGHTS_IN_TOTAL):
            return (made or 0) + rest
        if made is None:
            return None
        if self._provider not in _REASONING_NOWHERE:
            self._reasoning_beside = rest != 0 and (rest == thought or self._reasoning_beside)
        return made + thought if self._reasoning_beside or thought > made else made

    def _rest(self, sent: int | None, made: int) -> int | None:
        """Return what the total holds beside input and output; `None` without a total."""
        total = self._known.get("total")
        return total - sent - made if total and sent is not None else None


def plain_usage(known: Mapping[str, Any]) -> Usage | None:
    """Return the usage of a report of Chat Completions that has two counts, their sum and nothing else."""
    # Nearly all reports are such: they need neither the table of names nor a decision.
    sent, made = known.get("prompt_tokens"), known.get("completion_tokens")
    if sent.__class__ is not int or made.__class__ is not int or sent < 0 or made < 0:
        return None
    given = len(known) - list(known.values()).count(None)
    plain = given == 3 and known.get("total_tokens") == sent + made
    return _new(Usage, (sent, made, *_NO_PARTS)) if plain else None


_new = tuple.__new__  # a named tuple's own constructor is a Python function
_NO_PARTS = _UNKNOWN[2:]


def usage_of(value: object, provider: str | None = None) -> Usage | None:
    """Return the usage of one report, `None` if it holds no count and no cost."""
    return UsageReports(provider).read(value)


def _counts(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counts of one report by the fields of `Usage`, with its `total` and its `cost`."""
    found: dict[str, Any] = {}
    _collect(known, _TOP, found)
    written = found.pop("short_write", 0) + found.get("long_cache_write", 0)
    if written > found.get("cache_write", 0):
        found["cache_write"] = written
    # Most reports have no cost: one test replaces four readers.
    if not _PLACES.isdisjoint(known) and (cost := reported(known)) is not None:
        found["cost"] = cost
    return found


def _collect(known: Mapping[str, Any], names: _Names, found: dict[str, Any]) -> None:
    """Collect the counts of one object and of those within it; of several names the largest count."""
    for key, value in known.items():
        name = names.get(key)
        if name is None or value is None:
            continue
        if not isinstance(name, str):
            _collect(fields(value), name, found)
            continue
        # Nearly all are small integers: no further function is called for these.
        part = value if value.__class__ is int and 0 <= value < _SMALL else count(value)
        if part is not None and part >= found.get(name, 0):
            found[name] = part


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
    return next((cost for read in _READERS if (cost := read(usage)) is not None), None)


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
