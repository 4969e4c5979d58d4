"""The instrumentors, one class for each SDK: they build the sinks, patch the SDK and remove the patch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from opentelemetry import trace
from opentelemetry._logs import Logger, get_logger
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
from .sdk.family import OPENAI, Member, import_sdk
from .settings import Settings, changed, read_settings
from .tool_execution.execution import Executions, use

if TYPE_CHECKING:
    from .sdk.patch import Patch

_version = functools.cache(metadata.version)  # reads and parses a file; `instrument()` needs it ten times


_AT_END = 1.0  # seconds for which `uninstrument()` waits for content that is being redacted
_PROVIDERS = ("tracer_provider", "meter_provider", "logger_provider")
_OF_THE_CHECK = ("skip_dep_check", "raise_exception_on_conflict")  # of the SDK's version
_MOST_REVIEWS = 4  # callbacks of earlier settings that are kept for the streams that are still open


class SdkInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # untyped upstream
    """An instrumentor of one SDK, which a subclass names; OpenTelemetry makes each class a singleton."""

    member: Member
    _settings = Settings()
    _providers: Mapping[str, Any] = dict.fromkeys(_PROVIDERS)
    _loop: Loop | None = None
    _patch: Patch | None = None
    _reviews: tuple[tuple[object, Review], ...] = ()
    _console: Console | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return the SDK and its oldest tested version; the patch point is the same in all later ones."""
        return (f"{self.member.distribution} >= {self.member.oldest}",)

    def instrument(self, **kwargs: Any) -> None:
        """Instrument the SDK. A second call applies only its own keywords and keeps all other settings."""
        # `opentelemetry-instrument` has instrumented the SDK before the application's own code runs. The base
        # class ignores a second call: a redaction would have no effect, and content would leave the process.
        if not self.is_instrumented_by_opentelemetry:
            super().instrument(**kwargs)
            return
        keywords = {name: kwargs[name] for name in kwargs if name not in _OF_THE_CHECK}
        providers = {name: keywords.pop(name, None) or self._providers[name] for name in _PROVIDERS}
        settings = changed(self._settings, keywords)
        same = all(providers[name] is self._providers[name] for name in _PROVIDERS)
        if settings != self._settings or not same:
            self._apply(settings, providers)

    def _instrument(self, **kwargs: Any) -> None:
        """Patch the SDK; the README lists the keywords."""
        providers = {name: kwargs.pop(name, None) for name in _PROVIDERS}
        self._apply(read_settings(kwargs), providers)

    def _apply(self, settings: Settings, providers: Mapping[str, Any]) -> None:
        """Trace requests with these settings from now on; on an error, trace none."""
        guard.reset()
        self._settings, self._providers = settings, providers
        run.use(tracer(providers["tracer_provider"]), settings)
        try:
            if not settings.enabled or (settings.silent and not any(providers.values())):
                self._remove()
            else:
                self._install(settings, Providers(**providers))
        except Exception as error:
            # Half a patch would trace some requests without the redaction that was asked for.
            self._remove()
            guard.report("instrumenting this version of the SDK", error)

    def _install(self, settings: Settings, providers: Providers) -> None:
        # The memory of tool calls outlives a second `instrument()`: their results may still come.
        loop = self._loop = self._loop or Loop()
        review = self._review(settings)
        use(executions(settings, loop, review, providers), settings.baggage_keys)
        usage.keep(settings.usage_keys)
        if settings.log == "off":
            self._remove_console()
        elif self._console is None:
            self._console = _console()
        dispatch = Sinks(sinks(settings, providers), guard.report, review)
        self._patch = _installed(self.member, settings, dispatch, loop, self._patch)

    def _review(self, settings: Settings) -> Review:
        """Return the review for these callbacks; earlier reviews are kept for the open streams."""
        what = (settings.redact, settings.completion_hook, settings.tool_definitions)
        if self._reviews and self._reviews[-1][0] == what:
            return self._reviews[-1][1]
        found = make_review(settings)
        kept = [each for each in self._reviews if each[1].is_needed]
        while len(kept) >= _MOST_REVIEWS:
            kept.pop(0)[1].finish(_AT_END)
        self._reviews = (*kept, (what, found))
        return found

    def _uninstrument(self, **kwargs: Any) -> None:
        """Remove the patch at once, for every client; open streams still end their spans.

        The call waits up to a second for content that is being redacted.
        """
        run.use(None, None)
        self._remove()
        for _, review in self._reviews:
            review.finish(_AT_END)
        self._reviews, self._loop = (), None
        self._settings, self._providers = Settings(), dict.fromkeys(_PROVIDERS)
        backlog.stop()

    def _remove(self) -> None:
        use(None)
        if self._patch is not None:
            self._patch.remove()
            self._patch = None
        self._remove_console()

    def _remove_console(self) -> None:
        if self._console is not None:
            self._console.remove()
            self._console = None


class OpenAIInstrumentor(SdkInstrumentor):
    """The instrumentor of the OpenAI SDK, which traces each of its requests.

    `instrument(**settings)` takes the settings of the README and the providers of OpenTelemetry
    (`tracer_provider`, `meter_provider`, `logger_provider`; the global ones by default). It raises nothing: a
    value that cannot be used is logged, and the default holds.
    """

    member = OPENAI


class Providers(NamedTuple):
    """OpenTelemetry's providers; `None` stands for the global one."""

    tracer_provider: Any = None
    meter_provider: Any = None
    logger_provider: Any = None

    def tracer(self) -> trace.Tracer:
        """Return a tracer of toolspan's scope."""
        return trace.get_tracer(semconv.SCOPE, _version("toolspan"), self.tracer_provider)

    def logger(self) -> Logger:
        """Return a logger of toolspan's scope."""
        return get_logger(semconv.SCOPE, _version("toolspan"), self.logger_provider)

    def meter(self) -> Meter:
        """Return a meter that records its measurements at the next collection, not during a request."""
        meter = get_meter(semconv.SCOPE, _version("toolspan"), self.meter_provider)
        try:
            return deferring(meter, backlog)
        except Exception as error:
            # A foreign meter without observable instruments: each measurement is made at once.
            guard.report("deferring measurements", error)
            return meter


def _console() -> Console | None:
    try:
        return Console()
    except Exception as error:  # the application may have replaced anything in `logging`
        guard.report("showing the stream log", error)
        return None


def _installed(member: Member, settings: Settings, sinks: Sinks, loop: Loop, patch: Patch | None) -> Patch:
    """Return the installed patch.

    The SDK is imported only here, because other processes may not have it.
    """
    from .sdk.patch import Patch
    from .sdk.requests import Exchange
    from .sdk.websocket import WebSocketPatch

    sdk = import_sdk(member)
    exchange = Exchange(sdk, settings, sinks, loop)
    if patch is not None:
        # A wrapper around a wrapper would count each request twice.
        patch.use(exchange)
        return patch
    patch = Patch(sdk, exchange, WebSocketPatch(exchange))
    patch.install()
    return patch


backlog = Backlog(guard.report)
"""The queue of deferred measurements; one for the process, because a meter keeps its first callback."""


def tracer(tracer_provider: Any) -> trace.Tracer:
    """Return the tracer for the stages of pipelines; after an error, one that records nothing."""
    try:
        return Providers(tracer_provider).tracer()
    except Exception as error:
        guard.report("making the tracer of stages", error)
        return trace.NoOpTracer()


def make_review(settings: Settings) -> Review:
    """Return the review of content before it is recorded: redaction, then the completion hook."""
    redaction = None if settings.redact is None else Redaction(settings.redact, guard.report)
    hook = completion_hook.find(settings.completion_hook, full=settings.tool_definitions == "full")
    return Review(guard.report, redaction=redaction, hook=hook)


_Maker: TypeAlias = Callable[[Settings, Providers], "Sink | None"]


def sinks(settings: Settings, providers: Providers) -> list[Sink]:
    """Return the sinks in the order of `_SINKS`; one that cannot be made is logged and left out."""
    found: list[Sink] = []
    for make in _SINKS:
        try:
            sink = make(settings, providers)
        except Exception as error:
            guard.report("making a sink", error)
            continue
        found += [] if sink is None else [sink]
    return found


def _repeated_requests(settings: Settings, providers: Providers) -> Sink | None:
    return RepeatedRequestSink() if settings.agent_loop else None


def _cost(settings: Settings, providers: Providers) -> Sink | None:
    return None if settings.cost == "off" else CostSink(providers.meter(), _prices(settings))


def _span(settings: Settings, providers: Providers) -> Sink | None:
    events = settings.tool_events in ("span", "both")
    return SpanSink(providers.tracer(), events=events, capture=_span_capture(settings))


def _metrics(settings: Settings, providers: Providers) -> Sink | None:
    meter = providers.meter()
    return MetricSink(meter, generation=settings.metric_names, chunk_timing=settings.chunk_timing)


def _loop_metrics(settings: Settings, providers: Providers) -> Sink | None:
    return LoopMetricSink(providers.meter())


def _log(settings: Settings, providers: Providers) -> Sink | None:
    capture = Capture(
        on=settings.content_on_events,
        structured=True,
        limit=settings.content_limit,
        full=settings.tool_definitions == "full",
    )
    events = settings.tool_events in ("log", "both")
    return LogSink(providers.logger(), events=events, details=settings.details, capture=capture)


def _usage(settings: Settings, providers: Providers) -> Sink | None:
    return SpentSink(_spent)


def _stream_log(settings: Settings, providers: Providers) -> Sink | None:
    if settings.log == "off":
        return None
    redacted = settings.redact is not None
    limit = settings.content_limit
    return StreamLogSink(settings.log, content=settings.content, redacted=redacted, limit=limit)


_SINKS: tuple[_Maker, ...] = (
    # The span begins with the number of the attempt and the link to the one before: they come first.
    _repeated_requests,
    # Span, metrics and totals report what the call cost.
    _cost,
    _span,
    _metrics,
    _loop_metrics,
    _log,
    _usage,
    _stream_log,
)
"""The sinks in the order in which they see each call."""


def _spent(names: Mapping[str, str | None], used: tuple[Any, ...]) -> None:
    usage.add(names, UsageTotal(*used))


def _span_capture(settings: Settings) -> Capture:
    return Capture(
        on=settings.content_on_spans,
        structured=spans_take_structures(),
        limit=settings.content_limit,
        full=settings.tool_definitions == "full",
        total=settings.attribute_limit,
    )


def executions(settings: Settings, loop: Loop, review: Review, providers: Providers) -> Executions | None:
    """Return the recorder of tool executions; `None` if it cannot be made."""
    try:
        return Executions(
            providers.tracer(),
            providers.meter(),
            providers.logger(),
            loop,
            _span_capture(settings),
            review,
            settings.metric_attributes,
        )
    except Exception as error:
        guard.report("making the spans of tools", error)
        return None


def _prices(settings: Settings) -> Prices | None:
    """Return the prices, loaded now: their import takes half a second, too long for a request."""
    try:
        return load() if settings.cost == "on" else None
    except Exception as error:
        guard.report("loading the prices", error)
        return None
