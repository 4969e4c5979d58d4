"""`OpenAIInstrumentor`: makes the sinks for the given providers, puts the seam in and takes it out.

It knows no signal's content. Importing it imports neither the SDK nor an exporter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry._logs import get_logger
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # upstream's file is untyped
from opentelemetry.metrics import get_meter

from . import guard
from .looks import use
from .otel import completion, semconv
from .otel.capture import Capture, spans_take_structures
from .otel.cost import CostSink
from .otel.execution import Executions
from .otel.fanout import Sinks
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
from .settings import Settings, read_settings

if TYPE_CHECKING:
    from .openai.seam import Seam


_AT_END = 1.0  # seconds that content may still take when the instrumentation is taken out
_PROVIDERS = ("tracer_provider", "meter_provider", "logger_provider")


class OpenAIInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # untyped upstream
    """Traces every request of the OpenAI SDK; one per process, as OpenTelemetry's instrumentors are."""

    _seam: Seam | None = None
    _review: Review | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """The SDK this instruments; there is no upper bound, because the seam is the same in all versions."""
        return ("openai >= 1.26.0",)

    def _instrument(self, **kwargs: Any) -> None:
        """Put the seam in; see `toolspan.OpenAIInstrumentor.instrument` in the README for the keywords."""
        guard.reset()
        providers = {name: kwargs.pop(name, None) for name in _PROVIDERS}
        settings = read_settings(kwargs)
        if not settings.enabled or (settings.sdk_disabled and not any(providers.values())):
            return
        loop, review = Loop(), _reviewed(settings)
        self._review = review
        use(_executions(settings, loop, review, **providers), settings.baggage_keys)
        sinks = Sinks(_sinks(settings, **providers), guard.report, review)
        try:
            self._seam = _installed(settings, sinks, loop)
        except Exception as error:
            guard.report("instrumenting this version of the SDK", error)

    def _uninstrument(self, **kwargs: Any) -> None:
        """Take the seam out, at once, for every client; streams that are open still end their spans.

        Content that has still to be looked at holds it up for a second at most.
        """
        use(None)
        if self._seam is not None:
            self._seam.remove()
            self._seam = None
        if self._review is not None:
            self._review.finish(_AT_END)
            self._review = None


def _installed(settings: Settings, sinks: Sinks, loop: Loop) -> Seam:
    """The seam, put in; only here is the SDK imported."""
    from .openai.exchange import Exchange
    from .openai.seam import Seam
    from .openai.sockets import SocketSeam

    exchange = Exchange(settings, sinks, loop)
    seam = Seam(exchange, SocketSeam(exchange))
    seam.install()
    return seam


def _reviewed(settings: Settings) -> Review:
    """Who has to see content before it is recorded."""
    redaction = None if settings.redact is None else Redaction(settings.redact, guard.report)
    return Review(
        guard.report,
        redaction=redaction,
        hook=completion.find(settings.completion_hook, full=settings.tool_definitions == "full"),
    )


def _sinks(settings: Settings, tracer_provider: Any, meter_provider: Any, logger_provider: Any) -> list[Sink]:
    """One sink for each signal; one that cannot be made is reported and left out."""
    scope, own = semconv.SCOPE, version("toolspan")
    makers: list[Callable[[], Sink]] = [
        lambda: SpanSink(
            trace.get_tracer(scope, own, tracer_provider),
            events=settings.tool_events in ("span", "both"),
            capture=_span_capture(settings),
        ),
        lambda: MetricSink(
            get_meter(scope, own, meter_provider),
            generation=settings.metric_names,
            chunk_timing=settings.chunk_timing,
        ),
        lambda: LoopMetricSink(get_meter(scope, own, meter_provider)),
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
        makers.insert(0, lambda: CostSink(get_meter(scope, own, meter_provider), _prices(settings)))
    if settings.loop:  # before the span, which begins with what it finds
        makers.insert(0, SiblingSink)
    found: list[Sink] = []
    for make in makers:
        try:
            found.append(make())
        except Exception as error:
            guard.report("making a sink", error)
    return found


def _span_capture(settings: Settings) -> Capture:
    return Capture(
        on=settings.content_on_spans,
        structured=spans_take_structures(),
        limit=settings.content_limit,
        full=settings.tool_definitions == "full",
        total=settings.attribute_limit,
    )


def _executions(
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
            get_meter(scope, own, meter_provider),
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
