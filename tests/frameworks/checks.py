"""What must hold of each run; it must not know how anything was run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.e2e import story
from tests.e2e.processes import HOST

from .catalog import Framework
from .environment import Done
from .receiver import Received, Span
from .servers import CALL_IDS, PERSON, TOKENS, Request

DETECTED, COMPLETED = "toolspan.tool_call.detected", "toolspan.tool_call.completed"
_FORBIDDEN = ("toolspan:", "Failed to detach", "is not affected")


@dataclass(frozen=True)
class Run:
    """One turn of a framework: what was run, what the server saw, what was received."""

    framework: Framework
    server: str
    api: str
    port: int
    done: Done
    requests: list[Request] | None
    received: Received

    @property
    def spans(self) -> list[Span]:
        """The spans of inference, in the order of their beginning."""
        own = [span for span in self.received.spans if span.attributes.get("gen_ai.operation.name") == "chat"]
        return sorted(own, key=lambda span: span.started)

    @property
    def calls(self) -> list[str]:
        """The names of all calls that were detected."""
        return [
            event["gen_ai.tool.name"]
            for span in self.spans
            for name, event in span.events
            if name == DETECTED
        ]

    @property
    def tokens(self) -> list[tuple[int | None, int | None]]:
        """Input and output tokens of each span."""
        kinds = ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")
        return [(span.attributes.get(kinds[0]), span.attributes.get(kinds[1])) for span in self.spans]


def problems(run: Run) -> Iterator[str]:
    """All that does not hold."""
    yield from _application(run)
    yield from _spans(run)
    for at, span in enumerate(run.spans):
        yield from _span(run, span, at)
    yield from _tokens(run)


def _application(run: Run) -> Iterator[str]:
    if run.done.code:
        yield f"ended with {run.done.code}: {run.done.complaints[-1500:]}"
    answer = ", ".join(PERSON.values()) if run.framework.calls == (1,) else story.ANSWER
    if answer not in run.done.output:
        yield f"answered {run.done.output[-300:]!r} instead of {answer!r}"
    for words in _FORBIDDEN:
        if words in run.done.complaints:
            yield f"{words!r} is in its error output"


def _spans(run: Run) -> Iterator[str]:
    expected = len(run.framework.calls) if run.requests is None else len(run.requests)
    if len(run.spans) != expected:
        yield f"{len(run.spans)} spans for {expected} calls of the model"
    if run.requests is not None and [request.streamed for request in run.requests] != [
        bool(span.attributes.get("gen_ai.request.stream")) for span in run.spans
    ]:
        yield "the spans do not say which requests were streamed"


def _span(run: Run, span: Span, at: int) -> Iterator[str]:
    wanted = {"gen_ai.provider.name": "openai", "server.address": HOST, "server.port": run.port}
    wanted["openai.api.type"] = "chat_completions" if run.api == "chat" else "responses"
    for name, value in wanted.items():
        if span.attributes.get(name) != value:
            yield f"{name} is {span.attributes.get(name)!r}, not {value!r}"
    if span.scope != "toolspan":
        yield f"the span is {span.scope}'s"
    count = run.framework.calls[at] if at < len(run.framework.calls) else 0
    names = ["Person"] if run.framework.calls == (1,) else [name for name, _ in story.CALLS]
    for event_name in (DETECTED, COMPLETED):
        events = [event for name, event in span.events if name == event_name]
        if [event.get("gen_ai.tool.name") for event in events] != names[:count]:
            yield f"call {at}: {event_name} of {[event.get('gen_ai.tool.name') for event in events]}"
        ids = [event.get("gen_ai.tool.call.id") for event in events]
        if run.requests is not None and ids != list(CALL_IDS[:count]):
            yield f"call {at}: ids {ids}"
        if len({*ids}) != len(ids) or None in ids:
            yield f"call {at}: ids {ids}"
        if event_name == COMPLETED and not all(event["toolspan.tool_call.valid"] for event in events):
            yield f"call {at}: arguments that do not parse"


def _tokens(run: Run) -> Iterator[str]:
    told = [pair for pair in run.tokens if pair[0] is not None]
    if run.requests is not None:
        wanted = [TOKENS[at] for at, request in enumerate(run.requests[:2]) if request.asks_for_usage]
        if told != wanted:
            yield f"tokens {told}, not {wanted}"
    elif told and len(told) != len(run.spans):  # without a journal nobody knows what was asked for
        yield f"tokens {told} of {len(run.spans)} calls"
    series = run.received.histograms.get("gen_ai.client.token.usage", {})
    recorded = sum(count for count, _ in series.values()), sum(total for _, total in series.values())
    expected = 2 * len(told), sum(taken + (made or 0) for taken, made in told)
    if recorded != expected:
        yield f"gen_ai.client.token.usage has (count, sum) {recorded}, the spans {expected}"
