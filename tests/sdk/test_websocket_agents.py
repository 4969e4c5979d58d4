"""Realtime of the Agents SDK, over its own socket, with a stand-in for its model."""

from __future__ import annotations

import asyncio
import json
import sys
from types import ModuleType
from typing import Any

import pytest

from . import wire_realtime
from .telemetry import Telemetry
from .websocket_server import SocketServer

websockets = pytest.importorskip("websockets.asyncio.client")
NAME = "agents.realtime.openai_realtime"


class Model:
    """The part of the Agents SDK's model that opens its socket."""

    async def _create_websocket_connection(self, url: str, headers: Any, transport_config: Any = None) -> Any:
        return await websockets.connect(url, additional_headers=headers)


def test_each_response_of_the_agents_sdk_is_one_span(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model of the address, calls, a second response that is left; the class is restored."""
    module = ModuleType(NAME)
    vars(module)["OpenAIRealtimeWebSocketModel"] = Model
    own = vars(Model)["_create_websocket_connection"]
    monkeypatch.setitem(sys.modules, NAME, module)
    calls = wire_realtime.CALLS

    async def scenario() -> None:
        with SocketServer(calls, calls[:2]) as server:
            url = f"ws://127.0.0.1:{server.port}/v1/realtime?model=gpt-realtime"
            headers = {"Authorization": "Bearer sk-secret-of-mine"}
            socket = await Model()._create_websocket_connection(url=url, headers=headers)
            seen = []
            await socket.send(json.dumps({"type": "response.create"}))
            async for message in socket:
                seen.append(json.loads(message)["type"])
                if len(seen) == len(calls):
                    await socket.send(json.dumps({"type": "response.create"}))
                if len(seen) == len(calls) + 2:
                    await socket.close()

    with telemetry.on():
        assert vars(Model)["_create_websocket_connection"] is not own
        asyncio.run(scenario())
    assert vars(Model)["_create_websocket_connection"] is own
    first, second = (span.attributes for span in telemetry.spans)
    assert first["gen_ai.request.model"] == "gpt-realtime"
    assert first["toolspan.tool_calls.count"] > 0
    assert first["gen_ai.usage.input_tokens"] > 0
    outcomes = [each["toolspan.stream.outcome"] for each in (first, second)]
    assert outcomes == ["completed", "closed"]
