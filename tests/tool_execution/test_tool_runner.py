"""The SDK's own loop of requests and tools: each request is a call, and the loop is unchanged."""

from __future__ import annotations

from typing import Any

import pytest

from ..sdk import script, wire_responses
from ..sdk.observe import same
from ..sdk.sdk import Face, both_faces
from ..sdk.telemetry import Telemetry

runner = pytest.importorskip(
    "openai.lib.responses_tool_runner", reason="this SDK has no openai.lib.responses_tool_runner"
)

TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}
CALL = wire_responses.call("get_weather", '{"city":"Bern"}')
REQUEST: Any = {"model": "gpt-test", "input": "What now?", "store": False}


def _registered(face: Face, ran: list[Any]) -> Any:
    """The tool; it keeps its arguments."""

    def execute(arguments: Any) -> str:
        ran.append(arguments)
        return "sunny"

    async def execute_async(arguments: Any) -> str:
        return execute(arguments)

    if face.name == "async":
        return runner.AsyncRegisteredFunction(TOOL, execute_async)
    return runner.RegisteredFunction(TOOL, execute)


@both_faces
@pytest.mark.parametrize("how", ["whole", "stream", "eager"])
def test_the_sdks_tool_runner_gives_the_same(face: Face, how: str, telemetry: Telemetry) -> None:
    """The runner requests, runs the tool and requests again; two spans, the first with the call."""
    ran: list[Any] = []
    kind = runner.AsyncResponsesToolRunner if face.name == "async" else runner.ResponsesToolRunner

    async def scenario(face: Face, client: Any) -> Any:
        events: list[Any] = []
        options = {"stream": how != "whole", "eager": how == "eager", "on_event": events.append}
        if face.name == "async":
            options["on_event"] = _later(events)
        made = kind(functions=[_registered(face, ran)]).run(client, REQUEST, max_steps=3, **options)
        return await face.done(made), events

    def answers() -> list[Any]:
        if how == "whole":
            first = script.whole(wire_responses.response(output=[CALL]))
            return [first, script.whole(wire_responses.ANSWER)]
        called = wire_responses.called("get_weather", '{"city":', '"Bern"}')
        return [script.stream(*wire_responses.stream(called)), script.stream(*wire_responses.TEXT)]

    sight = same(face, scenario, answers, telemetry)
    assert len(sight.requests) == 2, sight.result
    assert ran == [{"city": "Bern"}] * 2
    found = [span.attributes["gen_ai.response.finish_reasons"] for span in telemetry.spans]
    assert found == [("tool_calls",), ("stop",)]
    assert telemetry.spans[0].attributes["toolspan.tool_calls.names"] == ("get_weather",)


def _later(events: list[Any]) -> Any:
    async def note(event: Any) -> None:
        events.append(event)

    return note
