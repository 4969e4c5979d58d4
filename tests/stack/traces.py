"""Check the examples' traces in Jaeger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .jaeger import Jaeger

Problems = Iterator[str]
Span = dict[str, Any]
DETECTED, COMPLETED = "toolspan.tool_call.detected", "toolspan.tool_call.completed"
TOLD = [(name, tool) for tool in ("get_weather", "get_time") for name in (DETECTED, COMPLETED)]


def tags(entry: Span, field: str = "tags") -> dict[str, Any]:
    """The attributes of a span, or of one of its events."""
    return {tag["key"]: tag["value"] for tag in entry[field]}


def events(span: Span) -> list[tuple[int, str, str]]:
    """The tool-call events of a span in the order in which they stand there: microsecond, name, tool."""
    found = [(entry["timestamp"], tags(entry, "fields")) for entry in span["logs"]]
    return [
        (at, fields["event"], fields["gen_ai.tool.name"])
        for at, fields in found
        if fields["event"] in (DETECTED, COMPLETED)
    ]


def told_in_order(span: Span) -> Problems:
    """Both calls detected and completed, one after the other, between the span's start and its end."""
    found = events(span)
    if [(name, tool) for _, name, tool in found] != TOLD:
        yield f"{span['operationName']}: the tool-call events are {found}"
    times = [span["startTime"], *(at for at, _, _ in found), span["startTime"] + span["duration"]]
    if times != sorted(times):
        yield f"{span['operationName']}: start, events and end are not in order: {times}"


def turns(jaeger: Jaeger, service: str) -> list[Span]:
    """The spans of the model's turns, by their start."""
    found = [span for trace in jaeger.traces(service) for span in trace["spans"]]
    return sorted(
        (span for span in found if tags(span).get("gen_ai.operation.name") == "chat"),
        key=lambda span: span["startTime"],
    )


def tools_ran(jaeger: Jaeger, service: str, turns: list[Span]) -> Problems:
    """Both executions, and the turn that brings the results, are linked to the turn that asked."""
    spans = [span for trace in jaeger.traces(service) for span in trace["spans"]]
    linked = [span for span in spans if turns[0]["spanID"] in {each["spanID"] for each in span["references"]}]
    names = sorted(span["operationName"] for span in linked)
    if names != sorted(["execute_tool get_time", "execute_tool get_weather", turns[1]["operationName"]]):
        yield f"{service}: the spans linked to the turn with tool calls are {names}"


def check_agent(jaeger: Jaeger, service: str) -> Problems:
    """Two turns of the model: the first with both calls, the second with none."""
    found = turns(jaeger, service)
    if len(found) != 2:
        yield f"{service}: Jaeger has {len(found)} turns, not 2"
        return
    yield from told_in_order(found[0])
    yield from tools_ran(jaeger, service, found)
    if events(found[1]):
        yield f"{service}: the second turn has tool-call events"


def check_service(jaeger: Jaeger, service: str) -> Problems:
    """One trace: the request to the service, and below it both turns of the model."""
    yield from check_agent(jaeger, service)
    asked = [
        trace
        for trace in jaeger.traces(service)
        if any(tags(s).get("http.route") == "/ask" for s in trace["spans"])
    ]
    if len(asked) != 1:
        yield f"{service}: {len(asked)} traces of /ask"
        return
    spans = {span["spanID"]: span for span in asked[0]["spans"]}
    for turn in (span for span in spans.values() if tags(span).get("gen_ai.operation.name") == "chat"):
        parents = [reference["spanID"] for reference in turn["references"]]
        if not parents or parents[0] not in spans:
            yield f"{service}: a turn of the model is not a child of the request"


def check_storm(jaeger: Jaeger, seen: dict[str, dict[str, int]]) -> Problems:
    """One span for each request that the application made; faults look like what they are."""
    found = turns(jaeger, "storm")
    if len(found) != sum(seen["requests"].values()):
        yield f"storm: Jaeger has {len(found)} spans of {sum(seen['requests'].values())} requests"
    for span in found:
        told = tags(span)
        model = told["gen_ai.request.model"]
        if bool(told.get("error")) != (model in ("broken", "cut", "exhausted", "late")):
            yield f"storm: a span of {model} has status error: {told.get('error')}"
        if model == "garbled" and told.get("toolspan.tool_calls.invalid") != 2:
            yield f"storm: a span of garbled has {told.get('toolspan.tool_calls.invalid')} invalid calls"
        if model in ("misnamed", "lacking", "mistyped") and told.get("toolspan.tool_calls.violations") != 2:
            yield f"storm: a span of {model} has {told.get('toolspan.tool_calls.violations')} violations"
        if model == "short" and told.get("toolspan.stream.outcome") != "truncated":
            yield f"storm: a span of short ended {told.get('toolspan.stream.outcome')}"
        if model in ("limited", "dawdling"):
            yield from told_in_order(span)


def check_exemplars(jaeger: Jaeger, exemplars: list[dict[str, str]]) -> Problems:
    """A point of a histogram leads to a trace that is there."""
    if not exemplars:
        yield "Prometheus has no exemplar"
    elif jaeger.trace(exemplars[0]["trace_id"]) is None:
        yield f"the exemplar's trace {exemplars[0]['trace_id']} is not in Jaeger"
