"""The instrumentors, one class for each SDK: they read the settings, patch the SDK and remove the patch."""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry._logs import LoggerProvider
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # upstream's file is untyped
from opentelemetry.metrics import MeterProvider

from . import guard, open_streams
from .accounting.monitor import usage
from .agent_loop.loop import Loop
from .log_lines.sink import Console
from .otel import active
from .otel.active import Instrumentation, Providers
from .otel.deferred_metrics import backlog
from .otel.dispatch import Sinks
from .sdk.family import (
    ANTHROPIC,
    CEREBRAS,
    GROQ,
    LITELLM,
    OPENAI,
    PERPLEXITY,
    TOGETHER,
    WRITER,
    Member,
    import_sdk,
    is_imported,
    is_installed,
    when_imported,
)
from .sdk.mcp import MCP
from .sdk.sinks import agents, executions, make_review, sinks
from .settings import Options, Settings, changed, read_settings

if TYPE_CHECKING:
    from typing_extensions import Unpack  # part of `typing` from Python 3.11 on; not needed at runtime

    from .sdk.patch import Patch

__all__ = [
    "AnthropicInstrumentor",
    "CerebrasInstrumentor",
    "GroqInstrumentor",
    "LiteLLMInstrumentor",
    "OpenAIInstrumentor",
    "PerplexityInstrumentor",
    "TogetherInstrumentor",
    "WriterInstrumentor",
    "instrument",
    "show",
    "uninstrument",
]

log = logging.getLogger("toolspan")

_AT_END = 1.0  # seconds for which `uninstrument()` waits for content that is being redacted
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
    _state = Instrumentation()
    _waits = False
    """Whether there is a hook on the SDK's import; a hook cannot be removed."""

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
        state = self._state
        keywords = {name: value for name, value in kwargs.items() if name not in _OF_THE_CHECK}
        providers = state.providers.changed(keywords)
        settings = changed(state.settings, keywords)
        same = all(map(operator.is_, providers, state.providers))
        if not (same and _equal(settings, state.settings)):
            self._apply(settings, providers)

    def _instrument(self, **kwargs: Any) -> None:
        """Patch the SDK; docs/settings.md lists the keywords."""
        self._state = Instrumentation()
        providers = Providers().changed(kwargs)
        self._apply(read_settings(kwargs), providers)

    def _apply(self, settings: Settings, providers: Providers) -> None:
        """Trace requests with these settings from now on."""
        state = self._state
        state.settings, state.providers = settings, providers
        if active.enter(state):
            guard.reset()  # errors of an earlier instrumentation are reported again
        # After an error, stages record nothing.
        state.tracer = guard.made("making the tracer of stages", providers.tracer) or trace.NoOpTracer()
        if not settings.enabled or (settings.silent and not any(providers)):
            self._remove()
        else:
            self._guarded(self._install)

    def _guarded(self, act: Callable[[], None]) -> None:
        """Call a function; on an error, trace no request."""
        try:
            act()
        except Exception as error:
            # Half a patch would trace some requests without the redaction that was asked for.
            self._remove()
            guard.report("instrumenting this version of the SDK", error)

    def _install(self) -> None:
        state = self._state
        state.on = True
        # The memory of tool calls outlives a second `instrument()`: their results may still come. It is
        # shared, because an agent may have its tools called by the models of several SDKs.
        state.loop = active.shared("loop") or Loop()
        state.loop.limit = state.settings.runaways
        self._review()
        state.executions, state.agents = executions(state), agents(state)
        guard.made("tracing MCP", MCP.install)
        usage.keep(active.usage_keys())
        if state.settings.log == "off":
            self._remove_console()
        elif state.console is None:
            state.console = active.shared("console") or guard.made("showing the stream log", Console)
        if is_imported(self.member):
            self._patch()
        elif not self._waits:
            # A process may never import the SDK: then it gets neither the SDK nor the sinks.
            self._waits = True
            when_imported(self.member, self._imported)

    def _imported(self) -> None:
        """Patch the SDK, unless the instrumentation was removed before the application imported the SDK."""
        if self._state.on:
            self._guarded(self._patch)

    def _patch(self) -> None:
        state = self._state
        dispatch = Sinks(sinks(state), guard.report, state.reviews[-1][1])
        state.patch = _installed(self.member, state, dispatch)

    def _review(self) -> None:
        """Make the review for the present callbacks; earlier reviews are kept for the open streams."""
        state = self._state
        settings = state.settings
        what = (settings.redact, settings.completion_hook, settings.tool_definitions)
        if state.reviews and _equal(state.reviews[-1][0], what):
            return
        found = make_review(settings)
        kept = [each for each in state.reviews if each[1].is_needed]
        while len(kept) >= _MOST_REVIEWS:
            kept.pop(0)[1].finish(_AT_END)
        state.reviews = (*kept, (what, found))

    def _uninstrument(self, **kwargs: Any) -> None:
        """Remove the patch at once, for every client; open streams still end their spans.

        The call waits up to a second for content that is being redacted.
        """
        last = active.leave(self._state)
        self._remove()
        for _, review in self._state.reviews:
            review.finish(_AT_END)
        # The application may shut the meter provider down next. Other SDKs go on with the same queue.
        backlog.catch_up()
        if last:
            backlog.stop()
            open_streams.remove()
        self._state = Instrumentation()

    def _remove(self) -> None:
        state = self._state
        state.on, state.executions, state.agents = False, None, None
        if not active.any_on():
            MCP.remove()
        if state.patch is not None:
            state.patch.remove()
            state.patch = None
        self._remove_console()

    def _remove_console(self) -> None:
        console, self._state.console = self._state.console, None
        if console is not None and active.shared("console") is None:
            console.remove()


class OpenAIInstrumentor(SdkInstrumentor):
    """The instrumentor of the OpenAI SDK, which traces each of its requests.

    `instrument(**settings)` takes the settings of docs/settings.md and the providers of OpenTelemetry
    (`tracer_provider`, `meter_provider`, `logger_provider`; the global ones by default). It raises nothing: a
    value that cannot be used is logged, and the default holds.
    """

    member = OPENAI


class GroqInstrumentor(SdkInstrumentor):
    """The instrumentor of the Groq SDK; `instrument` takes the keywords of `OpenAIInstrumentor`'s."""

    member = GROQ


class CerebrasInstrumentor(SdkInstrumentor):
    """The instrumentor of the Cerebras SDK; `instrument` takes the keywords of `OpenAIInstrumentor`'s."""

    member = CEREBRAS


class TogetherInstrumentor(SdkInstrumentor):
    """The instrumentor of the Together SDK; `instrument` takes the keywords of `OpenAIInstrumentor`'s."""

    member = TOGETHER


class PerplexityInstrumentor(SdkInstrumentor):
    """The instrumentor of the Perplexity SDK; `instrument` takes the keywords of `OpenAIInstrumentor`'s."""

    member = PERPLEXITY


class WriterInstrumentor(SdkInstrumentor):
    """The instrumentor of the Writer SDK; `instrument` takes the keywords of `OpenAIInstrumentor`'s."""

    member = WRITER


class AnthropicInstrumentor(SdkInstrumentor):
    """The instrumentor of the Anthropic SDK; `instrument` takes the keywords of `OpenAIInstrumentor`'s."""

    member = ANTHROPIC


class LiteLLMInstrumentor(SdkInstrumentor):
    """The instrumentor of LiteLLM; `instrument` takes the keywords of `OpenAIInstrumentor`'s."""

    member = LITELLM


INSTRUMENTORS: tuple[type[SdkInstrumentor], ...] = (
    OpenAIInstrumentor,
    GroqInstrumentor,
    CerebrasInstrumentor,
    TogetherInstrumentor,
    PerplexityInstrumentor,
    WriterInstrumentor,
    AnthropicInstrumentor,
    LiteLLMInstrumentor,
)


def instrument(**settings: Unpack[Keywords]) -> None:
    """Instrument all installed SDKs. None is imported: each is patched when the application imports it.

    The keywords are those of `OpenAIInstrumentor().instrument()`; like it, the function raises nothing. A
    second call applies only its own keywords, to all SDKs.
    """
    found = [each for each in INSTRUMENTORS if is_installed(each.member)]
    for each in found:
        each().instrument(**settings)
    if not found:
        known = ", ".join(each.member.distribution for each in INSTRUMENTORS)
        log.warning("toolspan: instrument() found no SDK; install one of: %s", known)


def show(*, content: bool = False, **settings: Unpack[Options]) -> None:
    """Print spans, events and metrics in this terminal, and instrument all installed SDKs.

    Where the application has set no OpenTelemetry provider, one that prints is set; a provider of
    OpenTelemetry's SDK gets the terminal as one more exporter. Events are printed while they happen, a trace
    at its end, the metrics when the program ends. All goes to standard error and needs `toolspan[terminal]`;
    without it, an error is logged. With `content`, messages, arguments and results are printed, too; this
    sets `capture_message_content`. The settings are those of `instrument()`. Raise `TypeError` if `content`
    is no `bool`.
    """
    if not isinstance(content, bool):
        raise TypeError(f"toolspan: show() takes content=True or False, not {guard.shown(content)}")
    if content:
        settings["capture_message_content"] = "span_only"
    instrument(**settings)
    state = active.newest()
    if state.settings.sdk_disabled:
        log.error("toolspan: show() prints nothing: OTEL_SDK_DISABLED is set; unset it")
        return
    try:
        from .terminal import view
    except ModuleNotFoundError as missing:
        log.error("toolspan: show() prints nothing: %s", str(missing).removeprefix("toolspan: "))
        return
    guard.made("setting up the terminal view", lambda: view.set_up(state.providers))


def uninstrument() -> None:
    """Remove the instrumentation of all SDKs; open streams still end their spans."""
    for each in INSTRUMENTORS:
        if each().is_instrumented_by_opentelemetry:
            each().uninstrument()


def _equal(one: object, other: object) -> bool:
    try:
        return one == other
    except Exception:  # `==` of a callback of the application's
        return False


def _installed(member: Member, state: Instrumentation, sinks: Sinks) -> Patch:
    """Return the installed patch.

    The SDK is imported only here, because other processes may not have it.
    """
    from .sdk.patch import Patch
    from .sdk.requests import Exchange
    from .sdk.websocket import WebSocketPatch

    patch: Patch | None = state.patch
    if member is LITELLM:
        from .sdk.litellm import LiteLLMExchange, LiteLLMPatch

        exchange: Exchange = LiteLLMExchange(state.settings, sinks)
        make: Callable[[], Patch] = partial(LiteLLMPatch, exchange)
    else:
        sdk = import_sdk(member)
        exchange = Exchange(sdk, state.settings, sinks)
        make = partial(Patch, sdk, exchange, WebSocketPatch(exchange))
    if patch is not None:
        # A wrapper around a wrapper would count each request twice.
        patch.use(exchange)
        return patch
    patch = make()
    patch.install()
    return patch
