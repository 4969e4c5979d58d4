"""The instrumentors, one class for each SDK: they build the sinks, patch the SDK and remove the patch."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Collection, Mapping
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from opentelemetry import trace
from opentelemetry._logs import Logger, LoggerProvider, get_logger
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # upstream's file is untyped
from opentelemetry.metrics import Meter, MeterProvider, get_meter

from . import guard
from .accounting.monitor import SpentSink, usage
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
from .settings import Options, Settings, changed, read_settings, shown
from .tool_execution.execution import Executions, use

if TYPE_CHECKING:
    from typing_extensions import Unpack  # part of `typing` from Python 3.11 on; not needed at runtime

    from .sdk.patch import Patch

log = logging.getLogger("toolspan")
_version = functools.cache(metadata.version)  # reads and parses a file; `instrument()` needs it ten times


_AT_END = 1.0  # seconds for which `uninstrument()` waits for content that is being redacted
_PROVIDERS = {
    "tracer_provider": "get_tracer",
    "meter_provider": "get_meter",
    "logger_provider": "get_logger",
}
_OF_THE_CHECK = ("skip_dep_check", "raise_exception_on_conflict")  # of the SDK's version
_MOST_REVIEWS = 4  # callbacks of earlier settings that are kept for the streams that are still open


class Keywords(Options, total=False):
    """All keywords of `instrument()`: the settings, OpenTelemetry's providers and the check of the SDK."""

    tracer_provider: trace.TracerProvider | None
    meter_provider: MeterProvider | None
    logger_provider: LoggerProvider | None
    skip_dep_check: bool
    raise_exception_on_conflict: bool


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

    def instrument(self, **kwargs: Unpack[Keywords]) -> None:
        """Instrument the SDK. A second call applies only its own keywords and keeps all other settings."""
        # `opentelemetry-instrument` has instrumented the SDK before the application's own code runs. The base
        # class ignores a second call: a redaction would have no effect, and content would leave the process.
        if not self.is_instrumented_by_opentelemetry:
            super().instrument(**kwargs)
            return
        keywords = {name: value for name, value in kwargs.items() if name not in _OF_THE_CHECK}
        providers = self._take_providers(keywords)
        settings = changed(self._settings, keywords)
        same = all(providers[name] is self._providers[name] for name in _PROVIDERS)
        if not (same and _equal(settings, self._settings)):
            self._apply(settings, providers)

    def _instrument(self, **kwargs: Any) -> None:
        """Patch the SDK; the README lists the keywords."""
        providers = self._take_providers(kwargs)
        self._apply(read_settings(kwargs), providers)

    def _take_providers(self, keywords: dict[str, Any]) -> dict[str, Any]:
        """Remove the providers from the keywords; return them, or the present one for each wrong one."""
        found = dict(self._providers)
        for name, method in _PROVIDERS.items():
            value = keywords.pop(name, None)
            if value is None:
                continue
            if callable(guard.attribute(value, method)):
                found[name] = value
            else:
                accepted = f"an object with the method {method}"
                log.error("toolspan: %s=%s ignored; accepted: %s", name, shown(value), accepted)
        return found

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
            self._console = _made("showing the stream log", Console)
        dispatch = Sinks(sinks(Parts(settings, providers, loop)), guard.report, review)
        self._patch = _installed(self.member, settings, dispatch, self._patch)

    def _review(self, settings: Settings) -> Review:
        """Return the review for these callbacks; earlier reviews are kept for the open streams."""
        what = (settings.redact, settings.completion_hook, settings.tool_definitions)
        if self._reviews and _equal(self._reviews[-1][0], what):
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
        # A foreign meter may have no observable instruments: then each measurement is made at once.
        return _made("deferring measurements", lambda: deferring(meter, backlog)) or meter


def _equal(one: object, other: object) -> bool:
    try:
        return one == other
    except Exception:  # `==` of a callback of the application's
        return False


_Made = TypeVar("_Made")


def _made(what: str, make: Callable[[], _Made]) -> _Made | None:
    """Return what a function makes; report an error and return `None` if it raises."""
    try:
        return make()
    except Exception as error:
        guard.report(what, error)
        return None


def _installed(member: Member, settings: Settings, sinks: Sinks, patch: Patch | None) -> Patch:
    """Return the installed patch.

    The SDK is imported only here, because other processes may not have it.
    """
    from .sdk.patch import Patch
    from .sdk.requests import Exchange
    from .sdk.websocket import WebSocketPatch

    sdk = import_sdk(member)
    exchange = Exchange(sdk, settings, sinks)
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
    return _made("making the tracer of stages", Providers(tracer_provider).tracer) or trace.NoOpTracer()


def make_review(settings: Settings) -> Review:
    """Return the review of content before it is recorded: redaction, then the completion hook."""
    redaction = None if settings.redact is None else Redaction(settings.redact, guard.report)
    hook = completion_hook.find(settings.completion_hook, full=settings.tool_definitions == "full")
    return Review(guard.report, redaction=redaction, hook=hook)


class Parts(NamedTuple):
    """What the sinks of one instrumentation are made of."""

    settings: Settings
    providers: Providers
    loop: Loop


_Maker: TypeAlias = Callable[[Parts], "Sink | None"]


def sinks(parts: Parts) -> list[Sink]:
    """Return the sinks in the order of `_SINKS`; one that cannot be made is logged and left out."""
    found = [_made("making a sink", partial(make, parts)) for make in _SINKS]
    return [sink for sink in found if sink is not None]


def _repeated_requests(parts: Parts) -> Sink | None:
    return RepeatedRequestSink() if parts.settings.agent_loop else None


def _loop(parts: Parts) -> Sink | None:
    return parts.loop if parts.settings.agent_loop else None


def _cost(parts: Parts) -> Sink | None:
    return (
        None if parts.settings.cost == "off" else CostSink(parts.providers.meter(), _prices(parts.settings))
    )


def _span(parts: Parts) -> Sink | None:
    events = parts.settings.tool_events in ("span", "both")
    return SpanSink(parts.providers.tracer(), events=events, capture=_span_capture(parts.settings))


def _metrics(parts: Parts) -> Sink | None:
    meter = parts.providers.meter()
    return MetricSink(meter, generation=parts.settings.metric_names, chunk_timing=parts.settings.chunk_timing)


def _loop_metrics(parts: Parts) -> Sink | None:
    return LoopMetricSink(parts.providers.meter())


def _log(parts: Parts) -> Sink | None:
    capture = Capture(
        on=parts.settings.content_on_events,
        structured=True,
        limit=parts.settings.content_limit,
        full=parts.settings.tool_definitions == "full",
    )
    events = parts.settings.tool_events in ("log", "both")
    return LogSink(parts.providers.logger(), events=events, details=parts.settings.details, capture=capture)


def _usage(parts: Parts) -> Sink | None:
    return SpentSink(usage)


def _stream_log(parts: Parts) -> Sink | None:
    if parts.settings.log == "off":
        return None
    redacted = parts.settings.redact is not None
    limit = parts.settings.content_limit
    return StreamLogSink(parts.settings.log, content=parts.settings.content, redacted=redacted, limit=limit)


_SINKS: tuple[_Maker, ...] = (
    # The span begins with the attempt, the step and the links, so these come first.
    _repeated_requests,
    _loop,
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

    def make() -> Executions:
        return Executions(
            providers.tracer(),
            providers.meter(),
            providers.logger(),
            loop,
            _span_capture(settings),
            review,
            settings.metric_attributes,
        )

    return _made("making the spans of tools", make)


def _prices(settings: Settings) -> Prices | None:
    """Return the prices, loaded now: their import takes half a second, too long for a request."""
    return _made("loading the prices", load) if settings.cost == "on" else None
