"""Check the telemetry of one run.

A check yields a line for each thing that is wrong, and nothing when all is well.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from . import story
from .application import SERVICE, Seen
from .processes import HOST
from .telemetry import CLIENT, Moment, Span, Telemetry

DETECTED, COMPLETED = "toolspan.tool_call.detected", "toolspan.tool_call.completed"
NAMES = [name for name, _ in story.CALLS]
FINISHED = (["tool_calls"], ["stop"])
Problems = Iterator[str]


@dataclass(frozen=True)
class Run:
    """One run of the agent: what the application saw, what was received, and of which model and server."""

    seen: Seen
    telemetry: Telemetry
    port: int
    host: str = HOST
    model: str = "scripted"
    service: str = SERVICE
    scope: str = "toolspan"
    """Whose spans they are; those of another scope are enriched with attributes of `toolspan.*`."""

    @property
    def turns(self) -> list[Span]:
        """The inference spans, in the order of the turns."""
        found = [each for each in self.telemetry.spans if (each.scope, each.kind) == (self.scope, CLIENT)]
        return sorted(found, key=lambda span: span.start)

    @property
    def tool_events(self) -> list[Moment]:
        """The tool-call events on the first turn's span, as they stand there."""
        return [event for event in self.turns[0].events if event.name in (DETECTED, COMPLETED)]


def differ(what: str, found: Any, wanted: Any) -> Problems:
    """A problem if the two are not equal."""
    if found != wanted:
        yield f"{what} is {found!r}, not {wanted!r}"


def application(run: Run) -> Problems:
    """The application got what it would have got without us."""
    yield from differ("the answer", run.seen.answer, story.ANSWER)
    calls = [[name for _, name in turn] for turn in run.seen.calls]
    yield from differ("the calls per turn", calls, [NAMES, []])


def spans(run: Run) -> Problems:
    """One CLIENT span for each of the two turns, and no other span at all."""
    yield from differ("the number of spans", len(run.telemetry.spans), 2)
    yield from differ("the number of inference spans", len(run.turns), 2)
    yield from differ("the service", run.telemetry.service_names, {run.service})


def attributes(run: Run) -> Problems:
    """What each span says of its request and of its answer."""
    for number, (span, tokens, finished) in enumerate(zip(run.turns, run.seen.tokens, FINISHED, strict=True)):
        wanted = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": run.model,
            "gen_ai.response.finish_reasons": finished,
            "gen_ai.usage.input_tokens": tokens["input"],
            "gen_ai.usage.output_tokens": tokens["output"],
            "server.address": run.host,
            "server.port": run.port,
            "toolspan.stream.outcome": "completed",
        }
        if run.scope == "toolspan":
            yield from differ(f"the status of turn {number + 1}", span.status, 0)
        else:
            del wanted["gen_ai.response.finish_reasons"]  # its owner does not set them
        for name, value in wanted.items():
            yield from differ(f"{name} of turn {number + 1}", span.attributes.get(name), value)
        yield from _positive(span, number)


def _positive(span: Span, number: int) -> Problems:
    first_chunk = span.attributes.get("gen_ai.response.time_to_first_chunk", 0)
    if not 0 < first_chunk < (span.end - span.start) / 1e9:
        yield f"the first chunk of turn {number + 1} came after {first_chunk!r} s"
    for name in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"):
        if not span.attributes.get(name, 0) > 0:
            yield f"{name} of turn {number + 1} is not positive"


def tool_events(run: Run) -> Problems:
    """Each call detected and completed once, with its id and name, while the answer still streamed."""
    events = run.tool_events
    yield from differ("the tool events", [each.name for each in events], [DETECTED, COMPLETED] * 2)
    wanted = [call for call in run.seen.calls[0] for _ in (DETECTED, COMPLETED)]
    yield from differ("the calls of the tool events", [call(each) for each in events], wanted)
    if not all(call_id for call_id, _ in wanted):
        yield "a tool call has no id"
    times = [run.turns[0].start, *(each.time for each in events), run.turns[0].end]
    if times != sorted(set(times)):
        yield f"start, events and end are not in order: {[time - times[0] for time in times]} ns"
    later = [each.name for each in run.turns[1].events if each.name in (DETECTED, COMPLETED)]
    yield from differ("the tool events of the second turn", later, [])


def call(event: Moment) -> tuple[Any, Any]:
    """The id and the tool that an event names."""
    return event.attributes.get("gen_ai.tool.call.id"), event.attributes.get("gen_ai.tool.name")


def log_events(run: Run) -> Problems:
    """The same events as log records, at the same times, tied to the same span."""
    first = run.turns[0]
    found = [each for each in run.telemetry.logs if each.name in (DETECTED, COMPLETED)]
    wanted = [(each.name, each.time, call(each)) for each in run.tool_events]
    yield from differ("the log events", [(each.name, each.time, call(each)) for each in found], wanted)
    spans_of_logs = {(each.trace_id, each.span_id) for each in found}
    yield from differ("the span of the log events", spans_of_logs, {(first.trace_id, first.span_id)})


def metrics(run: Run) -> Problems:
    """Two operations, all their tokens, two calls."""
    for name in ("duration", "time_to_first_chunk"):
        yield from differ(f"the count of {name}", _total(run, f"gen_ai.client.inference.{name}", "count"), 2)
    for kind in ("input", "output"):
        wanted = sum(tokens[kind] for tokens in run.seen.tokens)
        found = _total(run, f"gen_ai.client.inference.operation.{kind}_tokens", "sum")
        yield from differ(f"the sum of {kind} tokens", found, wanted)
    yield from differ("the count of tool calls", _total(run, "toolspan.tool_calls", "asInt"), 2)


def _total(run: Run, metric: str, value: str, **labels: str) -> int:
    points = run.telemetry.metrics.get(metric, [])
    chosen = [point for point in points if labels.items() <= point["attributes"].items()]
    return sum(int(point[value]) for point in chosen)


def privacy(run: Run) -> Problems:
    """No word of the question, instructions, arguments, results or answer left the process."""
    for line in run.telemetry.raw.splitlines():
        at = line.find(story.PRIVATE)
        if at >= 0:
            yield f"private text was sent: …{line[max(0, at - 80) : at + 40]}…"


Group = Callable[[Run], Problems]
GROUPS: list[tuple[str, Group]] = [
    ("the application got its two calls and its answer", application),
    ("one CLIENT span per turn of the model", spans),
    ("request, usage, finish reasons, outcome and server", attributes),
    ("tool calls detected and completed while streaming", tool_events),
    ("the same events as logs, tied to the span", log_events),
    ("durations, first chunks, tokens and tool calls as metrics", metrics),
    ("no private text in anything received", privacy),
]
