"""Content, attributes and failures of a tool's execution."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from opentelemetry.trace import StatusCode

import toolspan
from toolspan.tool_execution.execution import Executions

from ..otel import kept
from ..sdk import script, wire
from ..sdk.faults import broken
from ..sdk.script import Transport
from ..sdk.sdk import KEY, http
from ..sdk.telemetry import Telemetry
from .test_decorator import KINDS, drain, every_kind, plain


@pytest.mark.parametrize("mode", ["no_content", "span_only", "event_only"])
@every_kind
def test_arguments_and_results_are_recorded_only_with_capture(
    kind: str, mode: str, telemetry: Telemetry
) -> None:
    """Arguments and results are recorded where content is captured, and only there."""
    with telemetry.on(capture_message_content=mode):
        asyncio.run(drain(KINDS[kind]("MARK-city")))
    attributes = telemetry.span.attributes
    if mode == "span_only":
        assert kept.plain(attributes["gen_ai.tool.call.arguments"]) == {"city": "MARK-city"}
        assert "MARK-sunny in MARK-city" in str(attributes["gen_ai.tool.call.result"])
    else:
        assert "MARK" not in str(dict(attributes))


def test_a_decorated_function_within_its_block_is_one_execution(telemetry: Telemetry) -> None:
    """Within the context manager of the same tool, the decorated function is the same execution."""
    with telemetry.on(capture_message_content="span_only"), toolspan.tool("plain", call_id="call_x"):
        assert plain("Bern", days=3) == "MARK-sunny in Bern"
    attributes = telemetry.span.attributes
    assert attributes["gen_ai.tool.call.id"] == "call_x"
    assert kept.plain(attributes["gen_ai.tool.call.arguments"]) == {"city": "Bern", "days": 3}
    assert kept.plain(attributes["gen_ai.tool.call.result"]) == {"output": "MARK-sunny in Bern"}


def test_a_call_known_by_its_id_has_the_models_arguments(telemetry: Telemetry) -> None:
    """With an id alone, the span has the redacted arguments of the model's call, if content is captured."""

    def hide(name: str, value: Any) -> Any:
        return {"hidden": True} if name == "gen_ai.tool.call.arguments" else value

    channel = http.Client(transport=http.MockTransport(Transport(*[script.CALLS] * 3)))
    rows = (
        ("span_only", None, {"city": "Bern"}),
        ("no_content", None, None),
        ("span_only", hide, {"hidden": True}),
    )
    with openai.OpenAI(api_key=KEY, base_url=wire.BASE_URL, http_client=channel) as client:
        for mode, redact, expected in rows:
            with telemetry.on(capture_message_content=mode, redact=redact):
                list(client.chat.completions.create(**wire.ASK, stream=True))
                with toolspan.tool("get_weather", call_id="call_0") as execution:
                    execution.result("sunny")
            found = telemetry.spans[-1].attributes.get("gen_ai.tool.call.arguments")
            assert kept.plain(found) == expected


def test_a_cancelled_task_ends_its_span_without_an_error(telemetry: Telemetry) -> None:
    """A task that is cancelled ends its span as cancelled, which is no error, and is cancelled."""

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
    assert telemetry.span.attributes["toolspan.cancelled"] is True
    assert "error.type" not in telemetry.span.attributes
    assert telemetry.span.status.status_code is StatusCode.UNSET
    assert telemetry.records == []
    (duration,) = telemetry.points("gen_ai.execute_tool.duration")
    assert "error.type" not in duration.attributes


@pytest.mark.parametrize("part", ["begin", "end", "arguments", "result"])
@every_kind
def test_a_failure_leaves_the_tools_result_and_one_warning(
    kind: str, part: str, telemetry: Telemetry, guarded: None, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """With any failing part the tool returns its result, and one warning is logged."""
    monkeypatch.setattr(Executions, part, broken)
    with telemetry.on(capture_message_content="span_only"):
        found = asyncio.run(drain(KINDS[kind]("Bern")))
        with toolspan.tool("other", arguments={"a": 1}) as other:
            other.result(1)
    assert found == asyncio.run(drain(KINDS[kind].__wrapped__("Bern")))  # type: ignore[attr-defined]
    assert len([record for record in caplog.records if record.name == "toolspan"]) == 1


def test_nothing_is_recorded_before_and_after_instrumenting(telemetry: Telemetry) -> None:
    """A tool makes no span before instrumenting and after uninstrumenting."""
    plain("Bern")
    with telemetry.on():
        pass
    plain("Bern")
    with toolspan.tool("x") as nothing:
        nothing.result(1)
    assert telemetry.started == []


def test_user_attributes_are_on_span_and_selected_metrics(telemetry: Telemetry) -> None:
    """User attributes are on the span and, where selected, on the metric."""
    with telemetry.on(metric_attributes="feature"), toolspan.attributes(feature="search", tenant="t"):
        plain("Bern")
    attributes = telemetry.span.attributes
    assert (attributes["feature"], attributes["tenant"]) == ("search", "t")
    (point,) = telemetry.points("gen_ai.execute_tool.duration")
    assert (point.attributes["feature"], "tenant" in point.attributes) == ("search", False)


def test_the_context_manager_works_with_async_with(telemetry: Telemetry) -> None:
    """The context manager also works with `async with`."""

    async def scenario() -> None:
        async with toolspan.tool("plain", arguments={"city": "Bern"}) as execution:
            execution.result("sunny")

    with telemetry.on(capture_message_content="span_only"):
        asyncio.run(scenario())
    attributes = telemetry.span.attributes
    assert kept.plain(attributes["gen_ai.tool.call.arguments"]) == {"city": "Bern"}
    assert kept.plain(attributes["gen_ai.tool.call.result"]) == {"output": "sunny"}
