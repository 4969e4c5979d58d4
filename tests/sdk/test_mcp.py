"""Tool calls of MCP clients are executions; the context of the trace goes along in `_meta`."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

import toolspan
from toolspan import GroqInstrumentor
from toolspan.tool_execution.execution import Executions

from ..otel import kept
from .faults import broken
from .telemetry import Telemetry


class McpError(Exception):
    """What a session raises."""


@pytest.fixture(name="session")
def _session(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a session like that of MCP's SDK, in a module of its name."""

    class ClientSession:
        def __init__(self) -> None:
            self.sent: list[Any] = []

        async def send_request(self, request: Any) -> Any:
            """Keep what is sent."""
            self.sent.append(request)
            if request["name"] == "raise":
                raise McpError("MARK")
            return SimpleNamespace(isError=request["name"] == "fail", content=["MARK"])

        async def call_tool(self, name: str, arguments: Any = None, *, meta: Any = None) -> Any:
            """Call a tool."""
            return await self.send_request({"name": name, "arguments": arguments, "meta": meta})

    module = ModuleType("mcp.client.session")
    module.ClientSession = ClientSession  # type: ignore[attr-defined]
    for name in ("mcp", "mcp.client"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "mcp.client.session", module)
    return ClientSession()


def call(session: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a tool of the session's server."""
    return asyncio.run(session.call_tool(*args, **kwargs))


@pytest.mark.parametrize("mode", ["no_content", "span_only"])
def test_a_call_is_an_execution_and_carries_the_trace(mode: str, session: Any, telemetry: Telemetry) -> None:
    """The span is that of a tool; the server gets its context beside the application's own fields."""
    before = vars(type(session))["call_tool"]
    with telemetry.on(capture_message_content=mode), toolspan.agent("x"):
        assert call(session, "add", {"a": "MARK"}, meta={"mine": 1}).content == ["MARK"]
        call(session, name="fail", arguments={})
        with pytest.raises(McpError):
            call(session, "raise")
    added, failed, raised, agent = telemetry.spans
    assert (added.name, added.attributes["gen_ai.agent.name"]) == ("execute_tool add", "x")
    meta = session.sent[0]["meta"]
    ids = f"{added.context.trace_id:032x}-{added.context.span_id:016x}"
    assert (meta["mine"], meta["traceparent"][3:-3]) == (1, ids)
    assert failed.attributes["error.type"] == "tool_error"
    assert failed.status.status_code is StatusCode.ERROR
    assert raised.attributes["error.type"].endswith("McpError")
    assert agent.attributes["toolspan.agent.tool_calls"] == 3
    assert ("MARK" in str(added.attributes)) is (mode == "span_only")
    if mode == "span_only":
        assert kept.plain(added.attributes["gen_ai.tool.call.arguments"]) == {"a": "MARK"}
    assert vars(type(session))["call_tool"] is before


def test_a_call_that_something_else_traces_has_no_second_span(session: Any, telemetry: Telemetry) -> None:
    """Within `toolspan.tool`, within a span of MCP's, and beside Traceloop's wrapper there is no span."""
    tracer = telemetry.tracers.get_tracer("mcp")
    with telemetry.on():
        with toolspan.tool("server_add"):
            call(session, "add")
        with tracer.start_as_current_span("tools/call", attributes={"mcp.method.name": "tools/call"}):
            call(session, "add")
        type(session).send_request.__wrapped__ = None
        call(session, "add")
        call(session, 3)  # the SDK's own error, for the application
    assert [span.name for span in telemetry.spans] == ["execute_tool server_add"]
    assert ["traceparent" in (sent["meta"] or {}) for sent in session.sent] == [True, True, False, False]


def test_a_tool_that_calls_another_one_and_a_wrong_call_are_executions(
    session: Any, telemetry: Telemetry
) -> None:
    """A call within another tool has a span of its own; a call with wrong arguments ends its span."""
    with telemetry.on():
        with toolspan.tool("research"):
            call(session, "search", arguments=None)
        with pytest.raises(TypeError, match="colour"):
            call(session, "add", colour=1)
    assert [span.name for span in telemetry.spans] == [
        "execute_tool search",
        "execute_tool research",
        "execute_tool add",
    ]
    assert telemetry.spans[-1].attributes["error.type"] == "TypeError"


def test_a_wrapped_method_or_an_older_sdk_is_left_alone(session: Any, telemetry: Telemetry) -> None:
    """A method that another instrumentation has wrapped is not wrapped again; without `meta` none is sent."""
    kind = type(session)

    async def older(self: Any, name: str, arguments: Any = None) -> Any:
        return await self.send_request({"name": name, "arguments": arguments, "meta": None})

    kind.call_tool = older
    with telemetry.on():
        call(session, "add")
    older.__wrapped__ = None  # type: ignore[attr-defined]
    with telemetry.on():
        assert vars(kind)["call_tool"] is older
    del kind.call_tool
    with telemetry.on():
        pass
    assert (len(telemetry.spans), session.sent[0]["meta"]) == (1, None)


def test_the_patch_stays_until_the_last_instrumentation_is_removed(
    session: Any, telemetry: Telemetry, guarded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instrumentations of several SDKs share the patch; an error of toolspan's own does no harm."""
    with telemetry.on():
        groq = GroqInstrumentor()
        groq.instrument(skip_dep_check=True, tracer_provider=telemetry.tracers)
        groq.uninstrument()
        call(session, "add")
        monkeypatch.setattr(Executions, "begin", broken)
        assert call(session, "add").content == ["MARK"]
    call(session, "add")
    assert len(telemetry.spans) == 1


def test_a_late_import_is_patched(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook waits for the import of MCP's SDK, and does nothing when the instrumentation is removed."""
    from toolspan.sdk import mcp

    hooks: list[Any] = []
    monkeypatch.setattr(mcp.wrapt, "register_post_import_hook", lambda hook, name: hooks.append((name, hook)))
    monkeypatch.setattr(mcp.MCP, "_waits", False)
    for _ in range(2):
        with telemetry.on():
            pass
    ((name, hook),) = [found for found in hooks if found[0] == "mcp.client.session"]
    hook(None)
    with telemetry.on(), pytest.raises(AttributeError):
        hook(None)
    assert name
