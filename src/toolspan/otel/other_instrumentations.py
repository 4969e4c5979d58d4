"""Detect another instrumentation that already traces the call, by its context keys or its current span.

Two inference spans for one call would count its tokens and its cost twice in every backend.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from opentelemetry import context, trace
from opentelemetry.trace import Span

from . import call_data
from . import semconv as names

# Only the names of other packages are used: importing them would make them requirements.
_SILENCE_KEY = "suppress_language_model_instrumentation"  # set by Traceloop's framework instrumentations
_OPERATIONS = call_data.INFERENCE | {"generate_content"}
_KINDS = {"LLM": call_data.INFERENCE, "EMBEDDING": {call_data.EMBEDDINGS}}  # OpenInference
_TYPES = {"chat": call_data.INFERENCE, "completion": call_data.INFERENCE}  # Traceloop
_MODELS = (names.REQUEST_MODEL, "llm.model_name")


class Outer(NamedTuple):
    """A call of another instrumentation; `span` is the current span if that belongs to this call."""

    span: Span | None


def outer_call(operation: str, outer_key: str, model: str | None) -> Outer | None:
    """Return the call of another instrumentation around this one; `None` if there is none.

    `outer_key` is the operation's, from `call_data.OPERATIONS`.
    """
    current = context.get_current()
    span = trace.get_current_span(current)
    marked = bool(current.get(outer_key) or current.get(_SILENCE_KEY))
    if _represents(span, operation, model, marked):
        return Outer(span)
    # A key without such a span: another span was made current in between, or the span is not sampled.
    return Outer(None) if marked else None


def _represents(span: Any, operation: str, model: str | None, marked: bool) -> bool:
    """Return whether a span has the operation and the model of this call."""
    # Unsampled spans have no attributes, so without a key they cannot be recognised.
    attributes = getattr(span, "attributes", None)
    scope = getattr(span, "instrumentation_scope", None)
    if not isinstance(attributes, Mapping) or getattr(scope, "name", None) == names.SCOPE:
        return False
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
