"""Tool calls of the MCP SDK's own client, over its in-memory transport."""

from __future__ import annotations

import asyncio
from typing import Any

from mcp.client.client import Client
from mcp.server.mcpserver import Context, MCPServer

import toolspan

from ..sdk.telemetry import Telemetry


def test_calls_of_a_session_are_executions_with_their_context_at_the_server(telemetry: Telemetry) -> None:
    """Arguments and results are the SDK's own; a tool that fails is an error; the server gets the trace."""
    server = MCPServer("calculator")
    seen: list[Any] = []

    @server.tool()
    def add(a: int, b: int, context: Context) -> int:
        seen.append(context.request_context.meta)
        return a + b

    @server.tool()
    def fail() -> str:
        raise ValueError

    async def scenario() -> list[Any]:
        async with Client(server) as client:
            return [await client.call_tool("add", {"a": 1, "b": 2}), await client.session.call_tool("fail")]

    with telemetry.on(), toolspan.agent("x"):
        added, failed = asyncio.run(scenario())
    assert (added.structured_content, failed.is_error) == ({"result": 3}, True)
    one, other, agent = telemetry.spans
    assert [one.name, other.name] == ["execute_tool add", "execute_tool fail"]
    assert (one.status.is_ok, other.attributes["error.type"]) == (True, "tool_error")
    assert f"{one.context.trace_id:032x}" in seen[0]["traceparent"]
    assert agent.attributes["toolspan.agent.tool_calls"] == 2
