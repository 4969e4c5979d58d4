"""Detect another instrumentation that already traces the call, by its context keys or its current span.

Two inference spans for one call would count its tokens and its cost twice in every backend.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from opentelemetry import context, trace
from opentelemetry.metrics import get_meter_provider
from opentelemetry.trace import Span

from ..guard import attribute
from . import call_data
from . import semconv as names

log = logging.getLogger("toolspan")

# Only the names of other packages are used: importing them would make them requirements.
_SILENCE_KEY = "suppress_language_model_instrumentation"  # set by Traceloop's framework instrumentations
_OPERATIONS = call_data.INFERENCE | {"generate_content"}
_KINDS = {"LLM": call_data.INFERENCE, "EMBEDDING": {call_data.EMBEDDINGS}}  # OpenInference
_TYPES = {"chat": call_data.INFERENCE, "completion": call_data.INFERENCE}  # Traceloop
_MODELS = (names.REQUEST_MODEL, "llm.model_name")


# Spans within the one that stands for the call, by the scope and the name: only the current span can be seen.
_INNER = {("livekit-agents", "llm_request_run")}
_TOKENS = {names.TOKEN_USAGE, names.INFERENCE_INPUT_TOKENS, names.INFERENCE_USAGE_INPUT}
_TIMES = {names.OPERATION_DURATION, names.INFERENCE_DURATION, names.EMBEDDINGS_DURATION}
_FIRST = {names.OPERATION_TIME_TO_FIRST_CHUNK, names.INFERENCE_TIME_TO_FIRST_CHUNK}


class Outer(NamedTuple):
    """A call of another instrumentation; `span` is the current span if that belongs to this call.

    `tokens`, `times` and `first`: whether the other one records the conventions' metrics of tokens, of
    times, and of the time to the first chunk.
    `hidden`: its span is not the current one and cannot be enriched, so that toolspan makes one.
    """

    span: Span | None
    tokens: bool = True
    times: bool = True
    first: bool = True
    hidden: bool = False


def outer_call(operation: str, outer_key: str, model: str | None) -> Outer | None:
    """Return the call of another instrumentation around this one; `None` if there is none.

    `outer_key` is the operation's, from `call_data.OPERATIONS`.
    """
    current = context.get_current()
    span = trace.get_current_span(current)
    kept, silenced = bool(current.get(outer_key)), bool(current.get(_SILENCE_KEY))
    if _represents(span, operation, model, kept or silenced):
        if kept or silenced:
            return Outer(span, first=kept)  # Traceloop has its own name for the time to the first chunk
        scope = getattr(getattr(span, "instrumentation_scope", None), "name", None)
        return Outer(span, *counted(str(scope)))
    # A key without such a span: another span was made current in between, or the span is not sampled.
    if kept:
        return Outer(None)
    return Outer(None, first=False, hidden=True) if silenced else None


@lru_cache(maxsize=64)
def counted(scope: str) -> tuple[bool, bool, bool]:
    """Return whether the instrumentation of a scope has metrics of tokens, of times and of the first chunk.

    OpenInference, Logfire, strands and Semantic Kernel make spans only: without toolspan's metrics the
    dashboards would be empty.
    """
    found = instruments_of(scope)
    if scope.startswith(_WITH_METRICS) and scope not in _WITHOUT_METRICS:
        found |= _TOKENS | _TIMES
    if scope.startswith(_WITH_FIRST):
        found |= _FIRST
    if scope in _WITH_TOKENS:
        found |= _TOKENS
    return not found.isdisjoint(_TOKENS), not found.isdisjoint(_TIMES), not found.isdisjoint(_FIRST)


def instruments_of(scope: str) -> set[str]:
    """Return the names of the instruments of a scope's meter."""
    found: set[str] = set()
    try:
        # Private fields of OpenTelemetry's SDK, because nothing public tells the instruments of a meter.
        for key, meter in getattr(get_meter_provider(), "_meters", {}).items():
            if key.name == scope:
                found |= {each.name for each in meter._instrument_id_instrument.values()}
    except Exception:  # another SDK, or another version of it
        return set()
    return found


_WITH_METRICS = ("opentelemetry.instrumentation.", "opentelemetry.util.genai", "opentelemetry.genai")
"""Scopes of OpenTelemetry's and Traceloop's instrumentations, which record both, by any meter provider."""
_WITHOUT_METRICS = ("opentelemetry.instrumentation.ag2",)
"""Frameworks that name their scope as those packages do, and make spans only: ag2's middleware."""
_WITH_FIRST = ("opentelemetry.instrumentation.genai.", "opentelemetry.util.genai", "opentelemetry.genai")
"""Those of them that record the time to the first chunk, too."""
_WITH_TOKENS = ("pydantic-ai",)
"""Scopes that record tokens by any meter provider, also by one that is not the global one."""


def _represents(span: Any, operation: str, model: str | None, marked: bool) -> bool:
    """Return whether a span has the operation and the model of this call."""
    # Unsampled spans have no attributes, so without a key they cannot be recognised.
    attributes = getattr(span, "attributes", None)
    scope = getattr(span, "instrumentation_scope", None)
    if not isinstance(attributes, Mapping) or getattr(scope, "name", None) == names.SCOPE:
        return False
    if (getattr(scope, "name", None), getattr(span, "name", None)) in _INNER:
        return operation in call_data.INFERENCE
    # The model tells the call's span from that of an agent around several calls; a key does that as well.
    return _same_operation(attributes, operation) and (marked or _same_model(attributes, model))


def _same_operation(attributes: Mapping[str, Any], operation: str) -> bool:
    named = attributes.get(names.OPERATION_NAME)
    # Frameworks name inference differently, such as `generate_content` for a chat.
    if named is not None:
        return named == operation or (named in _OPERATIONS and operation in call_data.INFERENCE)
    # OpenInference and Traceloop have names of their own for the operation.
    kind, type_ = attributes.get("openinference.span.kind"), attributes.get("llm.request.type")
    return operation in _KINDS.get(str(kind), ()) or operation in _TYPES.get(str(type_), ())


def _same_model(attributes: Mapping[str, Any], model: str | None) -> bool:
    """Return whether two model names may be the same; `None` matches every name."""
    outer = next((str(attributes[name]) for name in _MODELS if attributes.get(name)), None)
    # Gateways put a prefix before the name, such as `openai/gpt-4.1`, so the ends are compared.
    return outer is None or model is None or outer.endswith(model) or model.endswith(outer)


def logfire_alone(client: Any, *, suppressed: bool) -> bool:
    """Return whether Logfire's `instrument_openai()` traces the requests of this client alone; log it once.

    Logfire suppresses other instrumentations around its call. If Logfire was put in first, toolspan is around
    that call and is not suppressed: without this, both would make a span.
    """
    if attribute(client, "_is_instrumented_by_logfire") is not True:
        return False
    scope = attribute(attribute(trace.get_current_span(), "instrumentation_scope"), "name")
    if not suppressed and str(scope).startswith("logfire"):
        return False  # Logfire is around toolspan, and was told to suppress nothing: its span is enriched
    _log_logfire()
    return True


@lru_cache(maxsize=1)
def _log_logfire() -> None:
    log.warning(
        "toolspan: requests of clients that logfire.instrument_openai() instruments are not traced; to have "
        "both, call it after toolspan's instrument(), with suppress_other_instrumentation=False"
    )
