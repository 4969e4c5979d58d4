"""`OpenAIInstrumentor`: makes the sinks for the given providers, puts the seam in and takes it out.

It knows no signal's content. Importing it imports neither the SDK nor an exporter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # upstream's file is untyped

from . import guard, runs
from .assembly import backlog, executions, review, sinks, tracer
from .looks import use
from .otel.console import Console
from .otel.fanout import Sinks
from .otel.loop import Loop
from .otel.review import Review
from .settings import Settings, changed, read_settings
from .spending import usage

if TYPE_CHECKING:
    from .openai.seam import Seam


_AT_END = 1.0  # seconds that content may still take when the instrumentation is taken out
_PROVIDERS = ("tracer_provider", "meter_provider", "logger_provider")
_OF_THE_CHECK = ("skip_dep_check", "raise_exception_on_conflict")  # of the SDK's version; done by then
_MOST_REVIEWS = 4  # which open streams may still need


class OpenAIInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # untyped upstream
    """Traces every request of the OpenAI SDK; one per process, as OpenTelemetry's instrumentors are."""

    _settings = Settings()
    _providers: Mapping[str, Any] = dict.fromkeys(_PROVIDERS)
    _loop: Loop | None = None
    _seam: Seam | None = None
    _reviews: tuple[tuple[object, Review], ...] = ()
    _console: Console | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """The SDK this instruments; there is no upper bound, because the seam is the same in all versions."""
        return ("openai >= 1.26.0",)

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
        runs.use(tracer(providers["tracer_provider"]), settings)
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
        self._seam = _installed(settings, seen, loop, self._seam)

    def _review(self, settings: Settings) -> Review:
        """The same one while the same callbacks see content; open streams may still need earlier ones."""
        what = (settings.redact, settings.completion_hook, settings.tool_definitions)
        if self._reviews and self._reviews[-1][0] == what:
            return self._reviews[-1][1]
        found = review(settings)
        kept = [each for each in self._reviews if each[1].looks]
        while len(kept) >= _MOST_REVIEWS:
            kept.pop(0)[1].finish(_AT_END)
        self._reviews = (*kept, (what, found))
        return found

    def _uninstrument(self, **kwargs: Any) -> None:
        """Take the seam out, at once, for every client; streams that are open still end their spans.

        Content that has still to be looked at holds it up for a second at most.
        """
        runs.use(None, None)
        self._take_out()
        for _, looked_at in self._reviews:
            looked_at.finish(_AT_END)
        self._reviews, self._loop = (), None
        self._settings, self._providers = Settings(), dict.fromkeys(_PROVIDERS)
        backlog.stop()

    def _take_out(self) -> None:
        use(None)
        if self._seam is not None:
            self._seam.remove()
            self._seam = None
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


def _installed(settings: Settings, sinks: Sinks, loop: Loop, seam: Seam | None) -> Seam:
    """The seam, put in if it is not; only here is the SDK imported."""
    from .openai.exchange import Exchange
    from .openai.seam import Seam
    from .openai.sockets import SocketSeam

    exchange = Exchange(settings, sinks, loop)
    if seam is not None:
        seam.use(exchange)
        return seam
    seam = Seam(exchange, SocketSeam(exchange))
    seam.install()
    return seam
