"""Whether another instrumentation has a span open for the very call that is about to be made.

It knows the marks that others leave in the context and on their spans, and none of their packages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from opentelemetry import context, trace
from opentelemetry.trace import Span

from . import call_data
from . import semconv as names

_INFERENCE_KEY = "opentelemetry.genai.client.inference.context"  # OpenTelemetry's util-genai, since 1.1b0
_KEYS = {
    call_data.CHAT: _INFERENCE_KEY,
    call_data.TEXT_COMPLETION: _INFERENCE_KEY,
    call_data.EMBEDDINGS: "opentelemetry.genai.client.embedding.context",
    call_data.FETCH_RESPONSE: "opentelemetry.genai.client.fetch_response.context",
}
_SILENCE_KEY = "suppress_language_model_instrumentation"  # set by Traceloop's framework instrumentations
_OPERATIONS = call_data.INFERENCE | {"generate_content"}
_KINDS = {"LLM": call_data.INFERENCE, "EMBEDDING": {call_data.EMBEDDINGS}}  # OpenInference
_TYPES = {"chat": call_data.INFERENCE, "completion": call_data.INFERENCE}  # Traceloop
_MODELS = (names.REQUEST_MODEL, "llm.model_name")


class Outer(NamedTuple):
    """The other instrumentation's call; its span, if it is there to be enriched."""

    span: Span | None


def outer_call(operation: str, model: str | None) -> Outer | None:
    """The call of another instrumentation within which this one is made; `None` if there is none."""
    current = context.get_current()
    span = trace.get_current_span(current)
    marked = bool(current.get(_KEYS.get(operation, "")) or current.get(_SILENCE_KEY))
    if _stands_for(span, operation, model, marked):
        return Outer(span)
    return Outer(None) if marked else None


def _stands_for(span: Any, operation: str, model: str | None, marked: bool) -> bool:
    """Whether a span says that it is this call's: its operation is the same, and so is its model."""
    attributes = getattr(span, "attributes", None)
    scope = getattr(span, "instrumentation_scope", None)
    if not isinstance(attributes, Mapping) or getattr(scope, "name", None) == names.SCOPE:
        return False
    return _same_operation(attributes, operation) and (marked or _same_model(attributes, model))


def _same_operation(attributes: Mapping[str, Any], operation: str) -> bool:
    named = attributes.get(names.OPERATION_NAME)
    if named is not None:
        return named == operation or (named in _OPERATIONS and operation in call_data.INFERENCE)
    kind, type_ = attributes.get("openinference.span.kind"), attributes.get("llm.request.type")
    return operation in _KINDS.get(str(kind), ()) or operation in _TYPES.get(str(type_), ())


def _same_model(attributes: Mapping[str, Any], model: str | None) -> bool:
    """Gateways put a prefix before the model's name, so the end decides; a call may also have no name."""
    outer = next((str(attributes[name]) for name in _MODELS if attributes.get(name)), None)
    return outer is None or model is None or outer.endswith(model) or model.endswith(outer)
