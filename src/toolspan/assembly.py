"""What an instrumentation is made of, by its settings: the sinks, who looks at content, who follows tools.

It knows neither the SDK nor any sink's content; what cannot be made is reported and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from opentelemetry import trace
from opentelemetry._logs import get_logger
from opentelemetry.metrics import Meter, get_meter

from . import guard
from .otel import completion, semconv
from .otel.backlog import Backlog
from .otel.capture import Capture, spans_take_structures
from .otel.cost import CostSink
from .otel.deferring import deferring
from .otel.execution import Executions
from .otel.log import LogSink
from .otel.loop import Loop
from .otel.loop_metrics import LoopMetricSink
from .otel.metrics import MetricSink
from .otel.prices import Prices, load
from .otel.redaction import Redaction
from .otel.review import Review
from .otel.siblings import SiblingSink
from .otel.sinks import Sink
from .otel.span import SpanSink
from .otel.spent import SpentSink
from .otel.stream_log import StreamLogSink
from .settings import Settings
from .spending import usage
from .totals import UsageTotal

backlog = Backlog(guard.report)
"""One for the process: a meter keeps the first callback that it was given."""


def _meter(own: str, meter_provider: Any) -> Meter:
    """A meter that lets no request wait for it; `own` is our version."""
    meter = get_meter(semconv.SCOPE, own, meter_provider)
    try:
        return deferring(meter, backlog)
    except Exception as error:  # it makes no such instruments: then each measurement is made at once
        guard.report("having measurements wait", error)
        return meter


def tracer(tracer_provider: Any) -> trace.Tracer:
    """What makes the spans of a pipeline's stages; one that makes none, if it cannot be made."""
    try:
        return trace.get_tracer(semconv.SCOPE, version("toolspan"), tracer_provider)
    except Exception as error:
        guard.report("making what tells of stages", error)
        return trace.NoOpTracer()


def review(settings: Settings) -> Review:
    """Who has to see content before it is recorded."""
    redaction = None if settings.redact is None else Redaction(settings.redact, guard.report)
    return Review(
        guard.report,
        redaction=redaction,
        hook=completion.find(settings.completion_hook, full=settings.tool_definitions == "full"),
    )


def sinks(settings: Settings, tracer_provider: Any, meter_provider: Any, logger_provider: Any) -> list[Sink]:
    """One sink for each signal; one that cannot be made is reported and left out."""
    scope, own = semconv.SCOPE, version("toolspan")
    makers: list[Callable[[], Sink]] = [
        lambda: SpanSink(
            trace.get_tracer(scope, own, tracer_provider),
            events=settings.tool_events in ("span", "both"),
            capture=_span_capture(settings),
        ),
        lambda: MetricSink(
            _meter(own, meter_provider),
            generation=settings.metric_names,
            chunk_timing=settings.chunk_timing,
        ),
        lambda: LoopMetricSink(_meter(own, meter_provider)),
        lambda: LogSink(
            get_logger(scope, own, logger_provider),
            events=settings.tool_events in ("log", "both"),
            details=settings.details,
            capture=Capture(
                on=settings.content_on_events,
                structured=True,
                limit=settings.content_limit,
                full=settings.tool_definitions == "full",
            ),
        ),
    ]
    if settings.cost != "off":  # before the sinks that tell of it
        makers.insert(0, lambda: CostSink(_meter(own, meter_provider), _prices(settings)))
    makers.append(lambda: SpentSink(_spent))  # it must know what the call cost
    if settings.log != "off":
        makers.append(lambda: _stream_log(settings))
    if settings.loop:  # before the span, which begins with what it finds
        makers.insert(0, SiblingSink)
    return _made(makers)


def _made(makers: list[Callable[[], Sink]]) -> list[Sink]:
    found: list[Sink] = []
    for make in makers:
        try:
            found.append(make())
        except Exception as error:
            guard.report("making a sink", error)
    return found


def _spent(names: Mapping[str, str | None], used: tuple[Any, ...]) -> None:
    usage.add(names, UsageTotal(*used))


def _stream_log(settings: Settings) -> Sink:
    return StreamLogSink(
        settings.log,
        content=settings.content,
        redacted=settings.redact is not None,
        limit=settings.content_limit,
    )


def _span_capture(settings: Settings) -> Capture:
    return Capture(
        on=settings.content_on_spans,
        structured=spans_take_structures(),
        limit=settings.content_limit,
        full=settings.tool_definitions == "full",
        total=settings.attribute_limit,
    )


def executions(
    settings: Settings,
    loop: Loop,
    review: Review,
    tracer_provider: Any,
    meter_provider: Any,
    logger_provider: Any,
) -> Executions | None:
    """Where executions of tools are told; nowhere, if it cannot be made."""
    scope, own = semconv.SCOPE, version("toolspan")
    try:
        return Executions(
            trace.get_tracer(scope, own, tracer_provider),
            _meter(own, meter_provider),
            get_logger(scope, own, logger_provider),
            loop,
            _span_capture(settings),
            review,
            settings.metric_attributes,
        )
    except Exception as error:
        guard.report("making what follows tools", error)
        return None


def _prices(settings: Settings) -> Prices | None:
    """What costs are computed with; it takes half a second to import, now and not in a request."""
    try:
        return load() if settings.cost == "on" else None
    except Exception as error:
        guard.report("loading the prices", error)
        return None
