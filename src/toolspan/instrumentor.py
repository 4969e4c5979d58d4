"""`OpenAIInstrumentor`: builds the sinks from the settings, patches the SDK and removes the patch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry._logs import get_logger
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # upstream's file is untyped
from opentelemetry.metrics import Meter, get_meter

from . import guard
from .accounting.monitor import SpentSink, usage
from .accounting.totals import UsageTotal
from .agent_loop.loop import Loop
from .agent_loop.metrics import LoopMetricSink
from .agent_loop.repeated_requests import RepeatedRequestSink
from .cost.prices import Prices, load
from .cost.sink import CostSink
from .log_lines.sink import Console, StreamLogSink
from .otel import semconv
from .otel.content import completion_hook
from .otel.content.capture import Capture, spans_take_structures
from .otel.content.redaction import Redaction, Review
from .otel.deferred_metrics import Backlog, deferring
from .otel.dispatch import Sinks
from .otel.log import LogSink
from .otel.metrics import MetricSink
from .otel.sink import Sink
from .otel.span import SpanSink
from .pipeline import run
from .sdk.family import OPENAI, import_sdk
from .settings import Settings, changed, read_settings
from .tool_execution.execution import Executions, use

if TYPE_CHECKING:
    from .sdk.patch import Patch


_AT_END = 1.0  # seconds that content may still take when the instrumentation is taken out
_PROVIDERS = ("tracer_provider", "meter_provider", "logger_provider")
_OF_THE_CHECK = ("skip_dep_check", "raise_exception_on_conflict")  # of the SDK's version; done by then
_MOST_REVIEWS = 4  # which open streams may still need


class OpenAIInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # untyped upstream
    """Traces every request of the OpenAI SDK; one per process, as OpenTelemetry's instrumentors are."""

    _settings = Settings()
    _providers: Mapping[str, Any] = dict.fromkeys(_PROVIDERS)
    _loop: Loop | None = None
    _patch: Patch | None = None
    _reviews: tuple[tuple[object, Review], ...] = ()
    _console: Console | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """The SDK this instruments; there is no upper bound, because the seam is the same in all versions."""
        return (f"{OPENAI.distribution} >= {OPENAI.oldest}",)

    def instrument(self, **kwargs: Any) -> None:
        """Instrument the SDK; once more, apply the keywords that are given and keep all others.

        `opentelemetry-instrument` has instrumented the SDK before the application's own code runs: if that
        call were ignored, as OpenTelemetry's base class does, a redaction would have no effect.
        """
        if not self.is_instrumented_by_opentelemetry:
            super().instrument(**kwargs)
            return
        given = {name: kwargs[name] for name in kwargs if name not in _OF_THE_CHECK}
        providers = {name: given.pop(name, None) or self._providers[name] for name in _PROVIDERS}
        settings = changed(self._settings, given)
        if settings != self._settings or any(
            providers[name] is not self._providers[name] for name in _PROVIDERS
        ):
            self._apply(settings, providers)

    def _instrument(self, **kwargs: Any) -> None:
        """Put the seam in; see `toolspan.OpenAIInstrumentor.instrument` in the README for the keywords."""
        providers = {name: kwargs.pop(name, None) for name in _PROVIDERS}
        self._apply(read_settings(kwargs), providers)

    def _apply(self, settings: Settings, providers: Mapping[str, Any]) -> None:
        """Let requests be seen by these settings; the SDK is patched once. If that fails, none is seen."""
        guard.reset()
        self._settings, self._providers = settings, providers
        run.use(tracer(providers["tracer_provider"]), settings)
        try:
            if not settings.enabled or (settings.silent and not any(providers.values())):
                self._take_out()
            else:
                self._put_in(settings, providers)
        except Exception as error:
            self._take_out()
            guard.report("instrumenting this version of the SDK", error)

    def _put_in(self, settings: Settings, providers: Mapping[str, Any]) -> None:
        loop = self._loop = self._loop or Loop()
        looked_at = self._review(settings)
        use(executions(settings, loop, looked_at, **providers), settings.baggage_keys)
        usage.keep(settings.usage_keys)
        if settings.log == "off":
            self._quiet()
        elif self._console is None:
            self._console = _console()
        seen = Sinks(sinks(settings, **providers), guard.report, looked_at)
        self._patch = _installed(settings, seen, loop, self._patch)

    def _review(self, settings: Settings) -> Review:
        """The same one while the same callbacks see content; open streams may still need earlier ones."""
        what = (settings.redact, settings.completion_hook, settings.tool_definitions)
        if self._reviews and self._reviews[-1][0] == what:
            return self._reviews[-1][1]
        found = review(settings)
        kept = [each for each in self._reviews if each[1].is_needed]
        while len(kept) >= _MOST_REVIEWS:
            kept.pop(0)[1].finish(_AT_END)
        self._reviews = (*kept, (what, found))
        return found

    def _uninstrument(self, **kwargs: Any) -> None:
        """Take the seam out, at once, for every client; streams that are open still end their spans.

        Content that has still to be looked at holds it up for a second at most.
        """
        run.use(None, None)
        self._take_out()
        for _, looked_at in self._reviews:
            looked_at.finish(_AT_END)
        self._reviews, self._loop = (), None
        self._settings, self._providers = Settings(), dict.fromkeys(_PROVIDERS)
        backlog.stop()

    def _take_out(self) -> None:
        use(None)
        if self._patch is not None:
            self._patch.remove()
            self._patch = None
        self._quiet()

    def _quiet(self) -> None:
        if self._console is not None:
            self._console.remove()
            self._console = None


def _console() -> Console | None:
    try:
        return Console()
    except Exception as error:  # `logging` may be anyone's
        guard.report("showing the stream log", error)
        return None


def _installed(settings: Settings, sinks: Sinks, loop: Loop, patch: Patch | None) -> Patch:
    """The seam, put in if it is not; only here is the SDK imported."""
    from .sdk.patch import Patch
    from .sdk.requests import Exchange
    from .sdk.websocket import WebSocketPatch

    sdk = import_sdk(OPENAI)
    exchange = Exchange(sdk, settings, sinks, loop)
    if patch is not None:
        patch.use(exchange)
        return patch
    patch = Patch(sdk, exchange, WebSocketPatch(exchange))
    patch.install()
    return patch


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
        hook=completion_hook.find(settings.completion_hook, full=settings.tool_definitions == "full"),
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
    if settings.agent_loop:  # before the span, which begins with what it finds
        makers.insert(0, RepeatedRequestSink)
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
