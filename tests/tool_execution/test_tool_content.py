"""What is recorded of a tool's execution, where content is captured; and what fails in it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import toolspan
from toolspan.tool_execution.execution import Executions

from ..otel import kept
from ..sdk.faults import broken
from ..sdk.telemetry import Telemetry
from .tool_kinds import KINDS, drain, every_kind, plain


@pytest.mark.parametrize("mode", ["no_content", "span_only", "event_only"])
@every_kind
def test_content(kind: str, mode: str, telemetry: Telemetry) -> None:
    """Arguments and results are recorded where content is captured, and only there."""
    with telemetry.on(capture_message_content=mode):
        asyncio.run(drain(KINDS[kind]("MARK-city")))
    attributes = telemetry.span.attributes
    if mode == "span_only":
        assert kept.plain(attributes["gen_ai.tool.call.arguments"]) == {"city": "MARK-city"}
        assert "MARK-sunny in MARK-city" in str(attributes["gen_ai.tool.call.result"])
    else:
        assert "MARK" not in str(dict(attributes))


def test_a_decorated_function_within(telemetry: Telemetry) -> None:
    """Within the context manager of the same tool, the decorated function is the same execution."""
    with telemetry.on(capture_message_content="span_only"), toolspan.tool("plain", call_id="call_x"):
        assert plain("Bern", days=3) == "MARK-sunny in Bern"
    attributes = telemetry.span.attributes
    assert attributes["gen_ai.tool.call.id"] == "call_x"
    assert kept.plain(attributes["gen_ai.tool.call.arguments"]) == {"city": "Bern", "days": 3}
    assert kept.plain(attributes["gen_ai.tool.call.result"]) == {"output": "MARK-sunny in Bern"}


def test_cancelled(telemetry: Telemetry) -> None:
    """A task that is cancelled ends its span with the error, and is cancelled."""

    @toolspan.tool
    async def forever() -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        task = asyncio.ensure_future(forever())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with telemetry.on():
        asyncio.run(scenario())
    assert telemetry.span.attributes["error.type"] == "asyncio.exceptions.CancelledError"


@pytest.mark.parametrize("part", ["begin", "end", "arguments", "result"])
@every_kind
def test_what_fails_costs_nothing(
    kind: str, part: str, telemetry: Telemetry, guarded: None, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """Whatever of ours raises, the tool gives what it gave, and there is one warning."""
    monkeypatch.setattr(Executions, part, broken)
    with telemetry.on(capture_message_content="span_only"):
        found = asyncio.run(drain(KINDS[kind]("Bern")))
        with toolspan.tool("other", arguments={"a": 1}) as other:
            other.result(1)
    assert found == asyncio.run(drain(KINDS[kind].__wrapped__("Bern")))  # type: ignore[attr-defined]
    assert len([record for record in caplog.records if record.name == "toolspan"]) == 1


def test_off(telemetry: Telemetry) -> None:
    """Before and after instrumenting nothing is told."""
    plain("Bern")
    with telemetry.on():
        pass
    plain("Bern")
    with toolspan.tool("x") as nothing:
        nothing.result(1)
    assert telemetry.started == []


def test_what_the_application_says(telemetry: Telemetry) -> None:
    """Attributes of the application stand on the span and, where they are asked for, on the metric."""
    with telemetry.on(metric_attributes="feature"), toolspan.attributes(feature="search", tenant="t"):
        plain("Bern")
    attributes = telemetry.span.attributes
    assert (attributes["feature"], attributes["tenant"]) == ("search", "t")
    (point,) = telemetry.points("gen_ai.execute_tool.duration")
    assert (point.attributes["feature"], "tenant" in point.attributes) == ("search", False)


def test_within_async_code(telemetry: Telemetry) -> None:
    """The context manager also works with `async with`."""

    async def scenario() -> None:
        async with toolspan.tool("plain", arguments={"city": "Bern"}) as execution:
            execution.result("sunny")

    with telemetry.on(capture_message_content="span_only"):
        asyncio.run(scenario())
    attributes = telemetry.span.attributes
    assert kept.plain(attributes["gen_ai.tool.call.arguments"]) == {"city": "Bern"}
    assert kept.plain(attributes["gen_ai.tool.call.result"]) == {"output": "sunny"}
