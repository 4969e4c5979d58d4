"""The ids by which a call is found in a backend.

It knows no signal.
"""

from __future__ import annotations

from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

from .sinks import Observed


def trace_and_span(call: Observed) -> tuple[str | None, str | None]:
    """Trace id and span id in hexadecimal, as backends show them; `None` where there is no span."""
    if call.context is None:
        return None, None
    found = get_current_span(call.context).get_span_context()
    if not found.is_valid:
        return None, None
    return format_trace_id(found.trace_id), format_span_id(found.span_id)
