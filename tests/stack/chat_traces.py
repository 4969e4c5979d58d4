"""Check the telemetry of the conversation in `chat.mjs`.

A question is known by its place in the conversation: its words are content, which is not recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

from tests.e2e.telemetry import Moment, Span, Telemetry

TWO_TOOLS, FAILING, DROPPED, BROKEN, LIMITED, HUNG = range(6)


class Question(NamedTuple):
    """The span of a question, and those of its turns and tools, by their start."""

    span: Span
    turns: list[Span]
    tools: dict[str, list[Span]]

    def events(self, name: str) -> list[Moment]:
        """The events of the question's own span."""
        return [event for event in self.span.events if event.name == name]


def question(telemetry: Telemetry, place: int) -> Question:
    """One of the questions; `LookupError` if there are not so many."""
    spans = sorted(telemetry.spans, key=lambda span: span.start)
    span = [span for span in spans if span.name == "answer question"][place]
    own = [each for each in spans if each.trace_id == span.trace_id]
    tools: dict[str, list[Span]] = {}
    for each in own:
        if each.name.startswith("execute_tool "):
            tools.setdefault(each.name.partition(" ")[2], []).append(each)
    return Question(span, [each for each in own if each.name.startswith("chat ")], tools)


def two_tools(telemetry: Telemetry) -> Iterator[str]:
    """A trace of its own, two requests; both tools at the same time, the first one while the model speaks."""
    asked = question(telemetry, TWO_TOOLS)
    if asked.span.trace_id in [span.trace_id for span in telemetry.spans if span.name == "WS /socket"]:
        yield "the question's span is in the socket's trace"
    if len(asked.turns) != 2:
        yield f"{len(asked.turns)} requests for one question with tools"
    (weather,), (clock,) = asked.tools["get_weather"], asked.tools["get_time"]
    if not (weather.start < clock.end and clock.start < weather.end):
        yield "the tools did not run at the same time"
    if not weather.start < asked.turns[0].end:
        yield "the first tool waited for the end of the stream"
    if not asked.turns[1].attributes.get("toolspan.loop.execution.saved", 0) > 0.1:
        yield "the second turn does not record the time saved by running tools in parallel"
    for tool in (weather, clock):
        if list(tool.links) != [asked.turns[0].span_id]:
            yield f"{tool.name} is not linked to the turn that called it"


def failing(telemetry: Telemetry) -> Iterator[str]:
    """The tool's span has the error; the model is told, and answers."""
    asked = question(telemetry, FAILING)
    (span,) = asked.tools["convert_money"]
    if (span.status, span.attributes.get("error.type")) != (2, "ConnectionError"):
        yield f"the failing tool's span has status {span.status}, type {span.attributes.get('error.type')}"
    records = [each for each in telemetry.logs if each.name == "gen_ai.execute_tool.exception"]
    if span.span_id not in [each.span_id for each in records]:
        yield "the exception has no log record"
    if asked.turns[-1].attributes.get("gen_ai.response.finish_reasons") != ["stop"]:
        yield "the model did not answer after the failure"


def dropped(telemetry: Telemetry) -> Iterator[str]:
    """The page is lost and comes back meanwhile; the slow tool gets its time and no more."""
    asked = question(telemetry, DROPPED)
    names = [event.name for event in asked.span.events if event.name.startswith("chat.page.")]
    if names != ["chat.page.lost", "chat.page.connected"]:
        yield f"the span has these events of the page's socket: {names}"
    (slow,) = asked.tools["find_hotels"]
    if slow.attributes.get("error.type") != "TimeoutError" or not 1.1 < (slow.end - slow.start) / 1e9 < 3:
        yield f"the slow tool took {(slow.end - slow.start) / 1e9:.2f} s, {slow.attributes.get('error.type')}"


def broken(telemetry: Telemetry) -> Iterator[str]:
    """The stream that broke off, the second attempt linked to it, and no tool run twice."""
    asked = question(telemetry, BROKEN)
    yield from _attempts(asked, ["openai.APIConnectionError"])
    if asked.turns[0].attributes.get("toolspan.stream.outcome") != "failed":
        yield "the broken stream is not recorded as broken"
    if len(asked.events("chat.tool.taken_over")) != 1 or [*map(len, asked.tools.values())] != [1, 1]:
        yield "a tool ran twice"


def limited(telemetry: Telemetry) -> Iterator[str]:
    """Two refusals and their waits, and the third attempt."""
    asked = question(telemetry, LIMITED)
    yield from _attempts(asked, ["openai.RateLimitError"] * 2)
    waits = [event.attributes["chat.wait"] for event in asked.events("chat.retry")]
    if waits != [0.4, 0.4]:
        yield f"the waits were {waits} s, not the 0.4 s that the server requested"


def hung(telemetry: Telemetry) -> Iterator[str]:
    """A time-out, and the second attempt."""
    yield from _attempts(question(telemetry, HUNG), ["openai.APITimeoutError"])


def _attempts(asked: Question, errors: list[str]) -> Iterator[str]:
    """One attempt for each error, then one that is answered; each linked to the one before."""
    found = asked.turns[: len(errors) + 1]
    if [span.attributes.get("error.type") for span in found] != [*errors, None]:
        yield f"attempts ended with {[span.attributes.get('error.type') for span in found]}"
    for number, (before, span) in enumerate(pairwise(found), start=2):
        link = span.links.get(before.span_id, {}).get("toolspan.link")
        if (link, span.attributes.get("toolspan.request.attempt")) != ("attempt", number):
            yield f"attempt {number} is not linked to the one before"
    if len(asked.events("chat.retry")) != len(errors):
        yield f"{len(asked.events('chat.retry'))} retries for {len(errors)} errors"


CHECKS: dict[str, Callable[[Telemetry], Iterator[str]]] = {
    "two tools at the same time": two_tools,
    "a failing tool": failing,
    "a page that is lost, and a slow tool": dropped,
    "an answer that breaks off": broken,
    "a rate limit": limited,
    "a server that hangs": hung,
}
