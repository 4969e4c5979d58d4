"""Builds what sees each call: the sinks, the review of content and the recorder of tool executions."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

from opentelemetry import trace
from opentelemetry._logs import get_logger_provider
from opentelemetry.metrics import get_meter_provider

from .. import guard
from ..accounting.monitor import SpentSink, usage
from ..agent_loop.invoke_agent import Agents
from ..agent_loop.metrics import AgentMetrics, LoopMetricSink
from ..agent_loop.repeated_requests import RepeatedRequestSink
from ..agent_loop.runaways import Runaways
from ..cost.prices import Prices, load
from ..cost.sink import CostSink
from ..log_lines.sink import StreamLogSink
from ..otel.active import Instrumentation
from ..otel.call_data import CallData
from ..otel.content import completion_hook
from ..otel.content.capture import Capture
from ..otel.content.redaction import Redaction, Review
from ..otel.log import LogSink
from ..otel.metrics import MetricSink
from ..otel.sink import Sink
from ..otel.span import SpanSink
from ..settings import Settings
from ..tool_execution.execution import Executions

if TYPE_CHECKING:
    from ..otel.compat import OtherNames
    from .stream_usage import StreamUsage

log = logging.getLogger("toolspan")


def make_review(settings: Settings) -> Review:
    """Return the review of content before it is recorded: redaction, then the completion hook."""
    redaction = None if settings.redact is None else Redaction(settings.redact, guard.report)
    hook = completion_hook.find(settings.completion_hook, full=settings.tool_definitions == "full")
    return Review(guard.report, redaction=redaction, hook=hook)


_Maker: TypeAlias = Callable[[Instrumentation], "Sink | None"]


def sinks(state: Instrumentation) -> list[Sink]:
    """Return the sinks in the order of `_SINKS`; one that cannot be made is logged and left out."""
    found = [guard.made("making a sink", partial(make, state)) for make in _SINKS]
    return [sink for sink in found if sink is not None]


def _cost(state: Instrumentation) -> Sink | None:
    on = state.settings.cost != "off"
    return CostSink(state.providers.meter(), _prices(state.settings)) if on else None


def _span(state: Instrumentation) -> Sink | None:
    events = state.settings.tool_events in ("span", "both")
    sink = SpanSink(
        state.providers.tracer(),
        events=events,
        capture=Capture.on_spans(state.settings),
        others=_other_names(state.settings),
    )
    if not any(state.providers):
        # An attribute in the method's place, which removes itself: later requests cost nothing more.
        sink.opened = partial(_first_request, sink, state.settings)  # type: ignore[method-assign]
    return sink


def _first_request(sink: SpanSink, settings: Settings, call: CallData) -> None:
    """Log that telemetry goes nowhere, unless there is a global provider, or the calls serve another use."""
    vars(sink).pop("opened", None)  # two threads may be here at once
    # OpenTelemetry's stand-in for a provider that nobody has set is called `Proxy…`.
    kinds = map(type, (trace.get_tracer_provider(), get_meter_provider(), get_logger_provider()))
    nowhere = all(kind.__name__.lstrip("_").startswith("Proxy") for kind in kinds)
    if nowhere and settings.log == "off" and settings.on_event is None and not usage.has_budgets:
        _log_no_provider()
    sink.opened(call)


@lru_cache(maxsize=1)
def _log_no_provider() -> None:
    log.warning(
        "toolspan: no OpenTelemetry provider is set, so spans and metrics go nowhere; call toolspan.show() "
        "to see them in this terminal, or start the program with opentelemetry-instrument to send them"
    )


def _other_names(settings: Settings) -> OtherNames | None:
    if not settings.compat:
        return None
    from ..otel.compat import OtherNames  # noqa: PLC0415 - few applications need it

    return OtherNames(settings.compat)


def _metrics(state: Instrumentation) -> Sink | None:
    meter = state.providers.meter()
    return MetricSink(meter, versions=state.settings.semconv, chunk_timing=state.settings.chunk_timing)


def _log(state: Instrumentation) -> Sink | None:
    capture = Capture.on_events(state.settings)
    events = state.settings.tool_events in ("log", "both")
    return LogSink(
        state.providers.logger(),
        events=events,
        details=state.settings.details,
        capture=capture,
        versions=state.settings.semconv,
    )


def _stream_log(state: Instrumentation) -> Sink | None:
    if state.settings.log == "off":
        return None
    redacted = state.settings.redact is not None
    limit = state.settings.content_limit
    return StreamLogSink(state.settings.log, content=state.settings.content, redacted=redacted, limit=limit)


def stream_usage(settings: Settings) -> StreamUsage | None:
    """Return what asks for the usage of streams, if the setting is on."""
    if not settings.stream_usage:
        return None
    from .stream_usage import servers  # noqa: PLC0415 - few applications need it

    return servers


_SINKS: tuple[_Maker, ...] = (
    # The span begins with the attempt, the step and the links, so these come first.
    lambda state: RepeatedRequestSink(state.settings.runaways) if state.settings.agent_loop else None,
    lambda state: state.loop if state.settings.agent_loop else None,
    # Span, metrics and totals report what the call cost.
    _cost,
    _span,
    _metrics,
    lambda state: LoopMetricSink(state.providers.meter(), state.settings.on_runaway),
    _log,
    lambda state: SpentSink(usage),
    _stream_log,
    lambda state: stream_usage(state.settings),
)
"""The sinks in the order in which they see each call."""


def executions(state: Instrumentation) -> Executions | None:
    """Return the recorder of tool executions; `None` if it cannot be made."""
    meter = state.providers.meter
    return guard.made(
        "making the spans of tools",
        lambda: Executions(
            *_parts(state),
            meter=meter(),
            loop=state.loop,
            runaways=Runaways(meter(), state.settings.on_runaway),
        ),
    )


def agents(state: Instrumentation) -> Agents | None:
    """Return the recorder of agents; `None` if it cannot be made."""
    return guard.made(
        "making the spans of agents",
        lambda: Agents(*_parts(state), metrics=AgentMetrics(state.providers.meter())),
    )


def _parts(state: Instrumentation) -> tuple[Any, ...]:
    """Return what the spans of tools and of agents are made with."""
    return (
        state.providers.tracer(),
        state.providers.logger(),
        Capture.on_spans(state.settings),
        state.reviews[-1][1],
        state.settings.metric_attributes,
        _other_names(state.settings),
    )


def _prices(settings: Settings) -> Prices | None:
    """Return the prices, loaded now: their import takes half a second, too long for a request."""
    return guard.made("loading the prices", load) if settings.cost == "on" else None
