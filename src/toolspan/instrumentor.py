"""`OpenAIInstrumentor`: makes the sinks for the given providers, puts the seam in and takes it out.

It knows no signal's content. Importing it imports neither the SDK nor an exporter.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # upstream's file is untyped

from . import guard, runs
from .assembly import backlog, executions, review, sinks, tracer
from .looks import use
from .otel.console import Console
from .otel.fanout import Sinks
from .otel.loop import Loop
from .otel.review import Review
from .settings import Settings, read_settings
from .spending import usage

if TYPE_CHECKING:
    from .openai.seam import Seam


_AT_END = 1.0  # seconds that content may still take when the instrumentation is taken out
_PROVIDERS = ("tracer_provider", "meter_provider", "logger_provider")


class OpenAIInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # untyped upstream
    """Traces every request of the OpenAI SDK; one per process, as OpenTelemetry's instrumentors are."""

    _seam: Seam | None = None
    _review: Review | None = None
    _console: Console | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """The SDK this instruments; there is no upper bound, because the seam is the same in all versions."""
        return ("openai >= 1.26.0",)

    def _instrument(self, **kwargs: Any) -> None:
        """Put the seam in; see `toolspan.OpenAIInstrumentor.instrument` in the README for the keywords."""
        guard.reset()
        providers = {name: kwargs.pop(name, None) for name in _PROVIDERS}
        settings = read_settings(kwargs)
        runs.use(tracer(providers["tracer_provider"]), settings)
        if not settings.enabled or (settings.silent and not any(providers.values())):
            return
        loop, looked_at = Loop(), review(settings)
        self._review = looked_at
        use(executions(settings, loop, looked_at, **providers), settings.baggage_keys)
        usage.keep(settings.usage_keys)
        self._console = _console() if settings.log != "off" else None
        told = Sinks(sinks(settings, **providers), guard.report, looked_at)
        try:
            self._seam = _installed(settings, told, loop)
        except Exception as error:
            guard.report("instrumenting this version of the SDK", error)

    def _uninstrument(self, **kwargs: Any) -> None:
        """Take the seam out, at once, for every client; streams that are open still end their spans.

        Content that has still to be looked at holds it up for a second at most.
        """
        use(None)
        runs.use(None, None)
        if self._seam is not None:
            self._seam.remove()
            self._seam = None
        if self._review is not None:
            self._review.finish(_AT_END)
            self._review = None
        if self._console is not None:
            self._console.remove()
            self._console = None
        backlog.stop()


def _console() -> Console | None:
    try:
        return Console()
    except Exception as error:  # `logging` may be anyone's
        guard.report("showing the stream log", error)
        return None


def _installed(settings: Settings, sinks: Sinks, loop: Loop) -> Seam:
    """The seam, put in; only here is the SDK imported."""
    from .openai.exchange import Exchange
    from .openai.seam import Seam
    from .openai.sockets import SocketSeam

    exchange = Exchange(settings, sinks, loop)
    seam = Seam(exchange, SocketSeam(exchange))
    seam.install()
    return seam
