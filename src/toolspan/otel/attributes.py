"""Attributes: what a request and a record say, under their names; no content, no time, no span.

Values are of the types the convention asks for; what is not known is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from ..wire.record import Record
from ..wire.request import Request
from . import operations
from . import semconv as names
from .usage import add_cost, add_usage

if TYPE_CHECKING:
    from .sinks import Observed

Value: TypeAlias = "str | bool | int | float | list[str]"
Attributes: TypeAlias = "dict[str, Value]"

_MOST_NAMES = 128  # of called tools on one span
_PENDING = ("queued", "in_progress")


def clean(text: str) -> str:
    """Text that every exporter can encode: a lone surrogate becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def request_attributes(call: Observed) -> Attributes:
    """All that is known before the request is sent, the sampling-relevant ones among them."""
    request, endpoint = call.request, call.endpoint
    found: Attributes = {names.OPERATION_NAME: call.operation, names.PROVIDER_NAME: endpoint.provider}
    if request.model is not None:
        found[names.REQUEST_MODEL] = clean(request.model)
    if endpoint.address is not None:
        found[names.SERVER_ADDRESS] = endpoint.address
        if endpoint.port is not None:
            found[names.SERVER_PORT] = endpoint.port
    if call.api_type is not None:
        found[names.OPENAI_API_TYPE] = call.api_type
    if request.stream:
        found[names.REQUEST_STREAM] = True
    if call.operation in operations.INFERENCE:
        found[names.REQUEST_MESSAGES] = request.message_count
    if call.attempt > 1:
        found[names.REQUEST_ATTEMPT] = call.attempt
    _parameters(request, found)
    return found


_PARAMETERS = (
    (names.REQUEST_MAX_TOKENS, "max_tokens"),
    (names.REQUEST_TEMPERATURE, "temperature"),
    (names.REQUEST_TOP_P, "top_p"),
    (names.REQUEST_TOP_K, "top_k"),
    (names.REQUEST_FREQUENCY_PENALTY, "frequency_penalty"),
    (names.REQUEST_PRESENCE_PENALTY, "presence_penalty"),
    (names.REQUEST_SEED, "seed"),
    (names.OUTPUT_TYPE, "output_type"),
    (names.REQUEST_REASONING_LEVEL, "reasoning_level"),
    (names.REQUEST_TOOL_CHOICE, "tool_choice"),
    (names.CONVERSATION_ID, "conversation"),
    (names.REQUEST_PREVIOUS_RESPONSE_ID, "previous_response"),
    (names.PROMPT_NAME, "prompt_name"),
    (names.PROMPT_VERSION, "prompt_version"),
    (names.RESPONSE_ID, "response"),
    (names.REQUEST_STREAM_CURSOR, "cursor"),
    (names.REQUEST_ENCODING_FORMATS, "encoding_formats"),
    (names.EMBEDDINGS_DIMENSION_COUNT, "dimensions"),
)


def _parameters(request: Request, found: Attributes) -> None:
    for name, field in _PARAMETERS:
        value = getattr(request, field)
        if value is not None:
            found[name] = _cleaned(value)
    if request.choices != 1:
        found[names.REQUEST_CHOICE_COUNT] = request.choices
    if request.stop:
        found[names.REQUEST_STOP_SEQUENCES] = [clean(text) for text in request.stop]
    if request.service_tier not in (None, "auto"):
        found[names.OPENAI_REQUEST_SERVICE_TIER] = clean(request.service_tier)
    if request.tools is not None:
        found[names.TOOLS_OFFERED] = len(request.tools.names)
        found[names.TOOLS_SIZE] = request.tools.size
        found[names.TOOLS_FINGERPRINT] = request.tools.fingerprint


def _cleaned(value: Value) -> Value:
    if isinstance(value, list):
        return [clean(text) for text in value]
    return clean(value) if isinstance(value, str) else value


def response_attributes(call: Observed) -> Attributes:
    """All that is known at the end, but the error."""
    record, request = call.record, call.request
    found: Attributes = {}
    _identity(call, found)
    if call.outcome is not None and _is_finished(call):
        found[names.RESPONSE_FINISH_REASONS] = [clean(text) for text in record.reasons(request.expected)]
    add_usage(record.usage, found)
    add_cost(call.cost, found)
    _calls(record, found, offered=request.tools is not None)
    if request.checked and record.calls:
        found[names.TOOL_CALLS_VIOLATIONS] = sum(call.violation is not None for call in record.calls)
    if request.stream:
        _stream(call, found)
    return found


def _is_finished(call: Observed) -> bool:
    """Whether reasons are to be expected: a response that is fetched may still be in the making."""
    record = call.record
    if call.operation == operations.EMBEDDINGS:
        return False
    if call.operation == operations.FETCH_RESPONSE:
        return any(choice.reason for choice in record.choices.values())
    cancelled = record.started.status == "cancelled"
    return bool(call.streamed or record.choices or record.failure or cancelled)


def _identity(call: Observed, found: Attributes) -> None:
    started = call.record.started
    for name, value in (
        (names.RESPONSE_ID, started.id),
        (names.RESPONSE_MODEL, started.model),
        (names.OPENAI_RESPONSE_SERVICE_TIER, started.service_tier),
        (names.OPENAI_RESPONSE_SYSTEM_FINGERPRINT, started.system_fingerprint),
    ):
        if value is not None:
            found[name] = clean(value)
    fetched = call.operation == operations.FETCH_RESPONSE
    in_background = started.status in _PENDING and not call.streamed
    if started.status is not None and (fetched or in_background):
        found[names.RESPONSE_STATUS] = clean(started.status)
    if started.compacted and call.operation in operations.INFERENCE:
        found[names.CONVERSATION_COMPACTED] = True
    if started.dimensions is not None:
        found[names.EMBEDDINGS_DIMENSION_COUNT] = started.dimensions


def _calls(record: Record, found: Attributes, *, offered: bool) -> None:
    calls = record.calls
    if calls or offered:
        found[names.TOOL_CALLS_COUNT] = len(calls)
    if calls:
        found[names.TOOL_CALLS_NAMES] = [clean(call.name) for call in calls[:_MOST_NAMES] if call.name]
        found[names.TOOL_CALLS_INVALID] = sum(not call.valid for call in calls)


def _stream(call: Observed, found: Attributes) -> None:
    record = call.record
    found[names.STREAM_CHUNKS] = record.chunks
    if call.outcome is not None:
        found[names.STREAM_OUTCOME] = call.outcome.value
    inferred = call.operation in operations.INFERENCE
    if record.first_at is not None and call.began is not None and inferred:
        found[names.RESPONSE_TIME_TO_FIRST_CHUNK] = seconds(record.first_at - call.began_at)


def seconds(nanoseconds: int) -> float:
    """Nanoseconds as seconds; never negative."""
    return max(nanoseconds, 0) / 1e9
