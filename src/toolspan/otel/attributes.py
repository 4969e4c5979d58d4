"""The attributes of a request and its response: parameters, usage, headers, place in the agent loop."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any, TypeAlias

from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

from ..guard import attribute
from ..wire.events import Started, Usage
from ..wire.headers import NO_LIMIT, Fields, Limit, read_head
from ..wire.providers import Endpoint
from ..wire.record import Outcome, Record
from ..wire.request import Request
from ..wire.usage import Cost
from ..wire.values import fields
from . import call_data
from . import semconv as names
from .call_data import CallData, Step, Turn

Value: TypeAlias = "str | bool | int | float | list[str]"
Attributes: TypeAlias = "dict[str, Value]"

_NUMBERS = (int, float, bool)
_MOST_NAMES = 128  # of called tools on one span: a response may have any number of calls
_PENDING = ("queued", "in_progress")


def clean(text: str) -> str:
    """Return text that every exporter can encode: a lone surrogate becomes a question mark."""
    # JSON may contain lone surrogates, and protobuf refuses them: one would lose the exporter's whole batch.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


@lru_cache(maxsize=64)
def server_attributes(endpoint: Endpoint) -> Mapping[str, str | int]:
    """Return the provider, and the address and port where they are known."""
    found: dict[str, str | int] = {names.PROVIDER_NAME: endpoint.provider}
    if endpoint.address is not None:
        found[names.SERVER_ADDRESS] = endpoint.address
        if endpoint.port is not None:
            found[names.SERVER_PORT] = endpoint.port
    return found


def at_start(call: CallData) -> Attributes:
    """Return all attributes that are known when the request is sent, also those for sampling."""
    request = call.request
    facts = vars(request)
    found: Attributes = {names.OPERATION_NAME: call.operation, **server_attributes(call.endpoint)}
    if call.api_type is not None:
        found[names.OPENAI_API_TYPE] = call.api_type
    # Only the facts that the request contains; the others are attributes of the class.
    for fact, value in facts.items():
        if (name := _PARAMETERS.get(fact)) is not None and value is not None:
            kind = type(value)
            plain = kind in _NUMBERS or (kind is str and value.isascii())
            found[name] = value if plain else _cleaned(value)
    if request.stream:
        found[names.REQUEST_STREAM] = True
    if call.traits.has_messages:
        found[names.REQUEST_MESSAGES] = request.message_count
    if call.attempt > 1:  # the ordinary request has no such attribute
        found[names.REQUEST_ATTEMPT] = call.attempt
    if (tools := facts.get("tools")) is not None:
        found[names.TOOLS_OFFERED] = len(tools.names)
        found[names.TOOLS_SIZE] = tools.size
        found[names.TOOLS_FINGERPRINT] = tools.fingerprint
    if not _SPECIAL.isdisjoint(facts):
        _special_parameters(request, found)
    if call.step is not None:
        _step(call.step, found)
    return found


_PARAMETERS = {
    "model": names.REQUEST_MODEL,
    "max_tokens": names.REQUEST_MAX_TOKENS,
    "temperature": names.REQUEST_TEMPERATURE,
    "top_p": names.REQUEST_TOP_P,
    "top_k": names.REQUEST_TOP_K,
    "frequency_penalty": names.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": names.REQUEST_PRESENCE_PENALTY,
    "seed": names.REQUEST_SEED,
    "output_type": names.OUTPUT_TYPE,
    "reasoning_level": names.REQUEST_REASONING_LEVEL,
    "tool_choice": names.REQUEST_TOOL_CHOICE,
    "conversation": names.CONVERSATION_ID,
    "previous_response": names.REQUEST_PREVIOUS_RESPONSE_ID,
    "prompt_name": names.PROMPT_NAME,
    "prompt_version": names.PROMPT_VERSION,
    "response": names.RESPONSE_ID,
    "cursor": names.REQUEST_STREAM_CURSOR,
    "encoding_formats": names.REQUEST_ENCODING_FORMATS,
    "dimensions": names.EMBEDDINGS_DIMENSION_COUNT,
}


_SPECIAL = frozenset(("choices", "stop", "service_tier"))


def _special_parameters(request: Request, found: Attributes) -> None:
    """Add the parameters that are recorded in some cases only, or that are no plain values."""
    if request.choices != 1:  # the convention: only if it is not 1
        found[names.REQUEST_CHOICE_COUNT] = request.choices
    if request.stop:
        found[names.REQUEST_STOP_SEQUENCES] = [clean(text) for text in request.stop]
    if request.service_tier not in (None, "auto"):  # the convention: only if it is not `auto`
        found[names.OPENAI_REQUEST_SERVICE_TIER] = clean(request.service_tier)


def _cleaned(value: Value) -> Value:
    if isinstance(value, list):
        return value if "".join(value).isascii() else [clean(text) for text in value]
    return clean(value) if isinstance(value, str) else value


def at_end(call: CallData) -> Attributes:
    """Return all attributes that are known at the end of the response, except the error's."""
    record, request = call.record, call.request
    found: Attributes = {}
    _identity(call, found)
    plain = call.traits.has_messages and (call.streamed or record.choices)  # as nearly always
    if call.outcome is not None and (plain or _is_finished(call)):
        reasons = record.reasons(request.expected)
        found[names.RESPONSE_FINISH_REASONS] = reasons if "".join(reasons).isascii() else _cleaned(reasons)
    add_usage(record.usage if call.shows_usage else None, found)
    if call.cost is not None and call.shows_usage:
        add_cost(call.cost, found)
    if record.calls:
        _calls(record, found, checked=request.checked)
    elif request.tools is not None:
        found[names.TOOL_CALLS_COUNT] = 0
    if request.stream:
        _stream(call, found)
    if call.outcome in (Outcome.CANCELLED, Outcome.FAILED):
        _without_success(call, found)
    if call.step is not None and call.step.before is not None:
        _growth(call.step, call.step.before, found)
    if call.retries:
        found[names.REQUEST_RETRIES] = call.retries
    if call.head:
        _head(call, call.head, found)
    return found


def _without_success(call: CallData, found: Attributes) -> None:
    """Add why the call has no whole answer."""
    if call.outcome is Outcome.CANCELLED:
        found[names.CANCELLED] = True
    else:
        found.update(error_facts(call.error, call.record))


_ODD = re.compile(r"[^\w.:/-]", re.ASCII)
_LONGEST_CODE = 64  # characters


def error_facts(error: BaseException | None, record: Record) -> Attributes:
    """Return the HTTP status of a failed request, and the provider's code and type of the error.

    None of them is content: a code or type that is no identifier may be a message, and is left out.
    """
    found: Attributes = {}
    status = attribute(error, "status_code")
    if type(status) is int:
        found[names.HTTP_STATUS] = status
    try:
        body = fields(attribute(error, "body"))
        told = fields(body.get("error")) or body  # openai's errors have the inner object, anthropic's both
        code, kind = told.get("code"), told.get("type")
    except Exception:  # a mapping of a foreign class
        code = kind = None
    if error is None and record.failure != names.ERROR_OTHER:
        code = record.failure
    for name, value in ((names.PROVIDER_ERROR_CODE, code), (names.PROVIDER_ERROR_TYPE, kind)):
        plain = str(value) if type(value) in (int, str) else ""
        if plain and len(plain) <= _LONGEST_CODE and not _ODD.search(plain):
            found[name] = plain
    return found


def _is_finished(call: CallData) -> bool:
    """Return whether the response should have finish reasons; then a missing one is recorded as `error`."""
    record = call.record
    # A response that is fetched may still be in progress; embeddings and the like have no choices.
    if not call.traits.has_messages:
        return call.operation == call_data.FETCH_RESPONSE and any(
            choice.reason for choice in record.choices.values()
        )
    cancelled = record.started.status == "cancelled"
    return bool(call.streamed or record.choices or record.failure or cancelled)


_IDENTITY = (
    names.RESPONSE_ID,
    names.RESPONSE_MODEL,
    names.OPENAI_RESPONSE_SERVICE_TIER,
    names.OPENAI_RESPONSE_SYSTEM_FINGERPRINT,
)
"""The attributes of the fields in `wire.events.IDENTITY`, with which `Started` begins."""
_NOTHING_ELSE = Started(None, None)[len(_IDENTITY) :]


def _identity(call: CallData, found: Attributes) -> None:
    started = call.record.started
    for name, value in zip(_IDENTITY, started, strict=False):
        if value is not None:
            found[name] = value if value.__class__ is str and value.isascii() else _cleaned(value)
    if started[len(_IDENTITY) :] != _NOTHING_ELSE:
        _status(call, started, found)


def _status(call: CallData, started: Started, found: Attributes) -> None:
    """Add what only some APIs report: a status, a compacted conversation, the length of an embedding."""
    fetched = call.operation == call_data.FETCH_RESPONSE
    in_background = started.status in _PENDING and not call.streamed
    # For all other responses the finish reasons say the same.
    if started.status is not None and (fetched or in_background):
        found[names.RESPONSE_STATUS] = clean(started.status)
    if started.compacted and call.traits.has_messages:
        found[names.CONVERSATION_COMPACTED] = True
    if started.dimensions is not None:
        found[names.EMBEDDINGS_DIMENSION_COUNT] = started.dimensions


def _calls(record: Record, found: Attributes, *, checked: bool) -> None:
    named: list[str] = []
    invalid = violations = 0
    for call in record.calls:
        if call.name and len(named) < _MOST_NAMES:
            named.append(call.name)
        invalid += not call.valid
        violations += call.violation is not None
    found[names.TOOL_CALLS_COUNT] = len(record.calls)
    found[names.TOOL_CALLS_NAMES] = named if "".join(named).isascii() else _cleaned(named)
    found[names.TOOL_CALLS_INVALID] = invalid
    if checked:
        found[names.TOOL_CALLS_VIOLATIONS] = violations


def _stream(call: CallData, found: Attributes) -> None:
    record = call.record
    found[names.STREAM_CHUNKS] = record.chunks
    if call.outcome is not None:
        found[names.STREAM_OUTCOME] = call.outcome.value
    if record.first_at is not None and call.began is not None and call.traits.has_messages:
        found[names.RESPONSE_TIME_TO_FIRST_CHUNK] = seconds(record.first_at - call.began_at)


def seconds(nanoseconds: int) -> float:
    """Return nanoseconds as seconds; never negative, because histograms refuse negative values."""
    return max(nanoseconds, 0) / 1e9


_USAGE = (
    names.USAGE_INPUT_TOKENS,
    names.USAGE_OUTPUT_TOKENS,
    names.USAGE_CACHE_READ,
    names.USAGE_CACHE_WRITE,
    names.USAGE_REASONING,
    names.USAGE_TEXT_INPUT,
    names.USAGE_IMAGE_INPUT,
    names.USAGE_AUDIO_INPUT,
    names.USAGE_TEXT_OUTPUT,
    names.USAGE_IMAGE_OUTPUT,
    names.USAGE_AUDIO_OUTPUT,
    names.USAGE_TEXT_CACHE_READ,
    names.USAGE_IMAGE_CACHE_READ,
    names.USAGE_AUDIO_CACHE_READ,
)  # in the order of `Usage`


_NO_PARTS = Usage()[2:-1]
_TOTALS = _USAGE[:2]


def add_usage(usage: Usage | None, found: MutableMapping[str, Any]) -> None:
    """Add the token counts that the server reported, without parts of 0 tokens."""
    if usage is None:
        return
    if usage[2:-1] == _NO_PARTS and usage.input is not None and usage.output is not None:  # nearly always
        found[names.USAGE_INPUT_TOKENS], found[names.USAGE_OUTPUT_TOKENS] = usage.input, usage.output
        return
    # `strict=False`: `Usage` ends with the cost, which is no count.
    for name, value in zip(_USAGE, usage, strict=False):
        # 0.1 records a part only where the provider gives a count that is not zero (#548, #560).
        if value or (value is not None and name in _TOTALS):
            found[name] = value


def add_cost(cost: Cost | None, found: MutableMapping[str, Any]) -> None:
    """Add the cost, its currency and source, and the parts of a computed cost."""
    if cost is None:
        return
    found[names.COST_AMOUNT] = cost.amount
    found[names.COST_CURRENCY] = names.DOLLARS
    found[names.COST_SOURCE] = cost.source
    if cost.input is not None and cost.output is not None:
        found[names.COST_INPUT] = cost.input
        found[names.COST_OUTPUT] = cost.output


_REQUESTS = (names.LIMIT_REQUESTS, names.LIMIT_REQUESTS_REMAINING, names.LIMIT_REQUESTS_RESET)
_TOKENS = (names.LIMIT_TOKENS, names.LIMIT_TOKENS_REMAINING, names.LIMIT_TOKENS_RESET)


def _head(call: CallData, known: Fields, found: Attributes) -> None:
    """Add the request id and the rate limits of the last response."""
    at = call.wall(call.ended_at)
    # The time of the end turns dates in headers into seconds, where the server does not send its own time.
    head = read_head(known, None if at is None else at / 1e9)
    if head.id is not None:
        found[names.REQUEST_ID] = head.id
    if call.operation != call_data.FETCH_RESPONSE:  # rate limits are those of inference
        _limit(found, _REQUESTS, head.requests)
        _limit(found, _TOKENS, head.tokens)
        # `retry-after` of a success would look like a limit that was hit.
        if head.retry_after is not None and call.outcome is not None and call.outcome.is_error:
            found[names.RETRY_AFTER] = head.retry_after


def _limit(found: Attributes, keys: tuple[str, ...], limit: Limit) -> None:
    if limit is NO_LIMIT:
        return
    for key, value in zip(keys, limit, strict=True):
        if value is not None:
            found[key] = value


def _step(step: Step, found: Attributes) -> None:
    """Add a request's place in the agent loop, without counts that are 0."""
    if step.number is None:
        return
    found[names.LOOP_STEP] = step.number
    if step.answered:
        found[names.LOOP_ANSWERED] = step.answered
    if step.unanswered:
        found[names.LOOP_UNANSWERED] = step.unanswered
    if step.repeated:
        found[names.LOOP_REPEATED] = step.repeated
    if step.grown is not None:
        found[names.CONTEXT_MESSAGES_CHANGE] = step.grown
    if step.results and (executions := step.executions):
        found.update(_executions(executions))


def _executions(spans: list[tuple[int, int]]) -> Attributes:
    """Return the sum of the executions' times, the time in which any ran, and the difference."""
    total = sum(end - begin for begin, end in spans)
    wall, seen = 0, 0
    # In order of their beginnings, each adds only what lies after the latest end so far.
    for begin, end in sorted(spans):
        wall += max(end - max(begin, seen), 0)
        seen = max(seen, end)
    return {
        names.LOOP_EXECUTION_SUM: seconds(total),
        names.LOOP_EXECUTION_WALL: seconds(wall),
        names.LOOP_EXECUTION_SAVED: seconds(total - wall),
    }


def _growth(step: Step, before: Turn, found: Attributes) -> None:
    """Add the change of input tokens since the step before, if both counts are known."""
    if before.tokens is not None and step.turn.tokens is not None:
        found[names.CONTEXT_TOKENS_CHANGE] = step.turn.tokens - before.tokens


def trace_and_span(call: CallData) -> tuple[str | None, str | None]:
    """Return trace id and span id in hexadecimal, as backends show them; `None` without a span."""
    if call.context is None:
        return None, None
    found = get_current_span(call.context).get_span_context()
    if not found.is_valid:
        return None, None
    return format_trace_id(found.trace_id), format_span_id(found.span_id)
