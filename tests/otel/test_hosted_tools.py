"""Tool calls that the server runs: their events, metrics and names."""

from __future__ import annotations

import random
from typing import Any

import pytest

from toolspan.otel import semconv as names

from ..wire.response_shapes import ONE, Case, begins, done, ends, function
from ..wire.responses_table import functions as responses_functions
from ..wire.responses_table import hosted as responses_hosted
from .apis import ASK_RESPONSE, FETCH, RESPONSES, STREAM_RESPONSE
from .lab import Lab, new_call, run

HOSTED = [case for case in responses_hosted.CASES if "failed" not in case.id]
ASKED = responses_functions.CASES
OFFERED = [{"type": "function", "name": "weather"}, {"type": "custom", "name": "sql"}, {"type": "web_search"}]


def labels(lab: Lab, name: str) -> list[dict[str, Any]]:
    """Return the attributes of a metric's points."""
    return [dict(point.attributes) for point in lab.points(name)]


def called(lab: Lab, *items: dict[str, Any], **body: Any) -> set[str]:
    """Return the names under which the calls of one whole response are counted."""
    answer = {"id": "resp_1", "status": "completed", "output": list(items)}
    run(new_call({**ASK_RESPONSE, **body}, lab.metric_sink(), api=RESPONSES), answer)
    return {point["gen_ai.tool.name"] for point in labels(lab, names.TOOL_CALLS)}


@pytest.mark.parametrize("case", HOSTED, ids=[case.id for case in HOSTED])
def test_a_hosted_call_is_counted_without_argument_metrics(lab: Lab, case: Case) -> None:
    """A hosted call is counted and detected, without duration and size of its arguments."""
    run(new_call(STREAM_RESPONSE, lab.span_sink(), lab.metric_sink(), api=RESPONSES), *case.events)
    assert not {names.CALL_ARGUMENTS_DURATION, names.CALL_ARGUMENTS_SIZE} & set(lab.metrics())
    assert [point.count for point in lab.points(names.CALL_TIME_TO_DETECT)] == [1]
    (counted,) = labels(lab, names.TOOL_CALLS)
    assert counted["gen_ai.tool.type"] in ("extension", "datastore")
    assert counted["gen_ai.tool.name"] == case.calls[0].name
    assert lab.span.attributes["gen_ai.response.finish_reasons"] == ("stop",)


@pytest.mark.parametrize("case", ASKED, ids=[case.id for case in ASKED])
def test_a_call_for_the_application_has_all_metrics(lab: Lab, case: Case) -> None:
    """A call that the application answers has all four metrics and is a function."""
    run(new_call(STREAM_RESPONSE, lab.span_sink(), lab.metric_sink(), api=RESPONSES), *case.events)
    sizes = lab.points(names.CALL_ARGUMENTS_SIZE)
    assert sum(point.sum for point in sizes) == sum(len(call.arguments) for call in case.calls)
    assert sum(point.count for point in lab.points(names.CALL_ARGUMENTS_DURATION)) == len(case.calls)
    assert {point["gen_ai.tool.type"] for point in labels(lab, names.TOOL_CALLS)} == {"function"}
    assert lab.span.attributes["gen_ai.response.finish_reasons"] == ("tool_calls",)


@pytest.mark.parametrize("api", [RESPONSES, FETCH], ids=["create", "fetch"])
def test_hosted_calls_have_both_events_on_span_and_log(lab: Lab, api: Any) -> None:
    """Span and log have both events of a hosted call, fetched or made, with its name and type."""
    item = {**responses_hosted.WEB, "status": "failed"}
    sinks = (lab.span_sink(), lab.log_sink(details=False))
    run(new_call(STREAM_RESPONSE, *sinks, api=api), *begins(), done(item), ends(item))
    for found in (
        [(event.name, event.attributes) for event in lab.span.events],
        [(record.event_name, record.attributes) for record in lab.records],
    ):
        (_, detected), (_, completed) = found
        assert [name for name, _ in found] == [names.CALL_DETECTED_EVENT, names.CALL_COMPLETED_EVENT]
        assert detected["gen_ai.tool.name"] == completed["gen_ai.tool.name"] == "web_search"
        assert detected["gen_ai.tool.type"] == "extension"
        assert detected["gen_ai.tool.call.id"] == "ws_1"
        assert completed["toolspan.tool_call.closed_by"] == "failed"
        assert "gen_ai.tool.call.arguments" not in completed


def test_only_offered_and_hosted_names_are_counted_by_name(lab: Lab) -> None:
    """Offered tools and kinds of hosted tools are counted by name, other names as `_OTHER`."""
    items = (
        ONE,
        function("call_2", "{}", "invented"),
        {**responses_functions.CUSTOM, "call_id": "call_3"},
        responses_hosted.WEB,
        responses_hosted.CONTAINER,
        {**responses_functions.PATCH, "call_id": "call_4"},
        {**function("call_9"), "name": ""},
    )
    expected = {"weather", "_OTHER", "sql", "web_search", "shell", "apply_patch"}
    assert called(lab, *items, tools=OFFERED) == expected


@pytest.mark.parametrize("kind", ["mcp", "tool_search", "namespace"])
def test_the_first_names_are_kept_with_a_tool_search(lab: Lab, kind: str) -> None:
    """With tools that the request does not list, the first names are counted by name."""
    tool = {"type": kind, "server_label": "dice", "tools": [{"name": "listed"}]}
    found = called(lab, responses_hosted.MCP, function("call_2", "{}", "deferred"), tools=[*OFFERED, tool])
    assert found == {"roll", "_OTHER" if kind == "namespace" else "deferred"}


def test_functions_of_a_namespace_count_as_offered(lab: Lab) -> None:
    """The functions of a namespace are counted by name."""
    tool = {"type": "namespace", "name": "crm", "tools": [{"name": "listed"}]}
    assert called(lab, function("call_1", "{}", "listed"), tools=[tool]) == {"listed"}


@pytest.mark.parametrize("tools", [OFFERED, [{"type": "mcp", "server_label": "dice"}], None])
def test_random_tool_names_do_not_add_series(lab: Lab, tools: Any) -> None:
    """The number of series does not grow with types and names of items."""
    chance = random.Random(1)
    counts = []
    sink = lab.metric_sink("0.1", "1.41")
    for _ in range(2):
        for _ in range(300):
            name = f"x{chance.random()}"
            items = [
                {**responses_hosted.WEB, "name": name},
                {**responses_hosted.MCP, "name": name},
                {"type": f"{name}_call", "id": "x", "name": name},
                function("call_1", "{}", name),
            ]
            answer = {"id": name, "status": "completed", "output": items}
            run(new_call({**ASK_RESPONSE, "tools": tools}, sink, api=RESPONSES), answer)
        counts.append(sum(len(lab.points(metric)) for metric in lab.metrics()))
    assert counts[0] == counts[1] < 800
