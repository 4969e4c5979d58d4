"""An agent's loop over a connection: results that are sent are put to the calls they answer."""

from __future__ import annotations

import pytest

from .sdk import Face
from .socket_doors import REALTIME, RESPONSES, Door, through, until
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("unraisable")


@through(REALTIME)
def test_results_of_a_session(face: Face, door: Door, telemetry: Telemetry) -> None:
    """A result is an item of its own before the next response, which is linked to the one that asked."""

    async def scenario() -> None:
        with door.server(door.calls, door.text) as server:
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection))
                await until(face, connection, door.last)
                item = {"type": "function_call_output", "call_id": "call_1", "output": "fine"}
                await face.done(connection.send({"type": "conversation.item.create", "item": item}))
                await face.done(door.ask(connection))
                await until(face, connection, door.last)

    with telemetry.on():
        face.run(scenario())
    first, second = telemetry.spans
    assert [link.context.span_id for link in second.links] == [first.context.span_id]
    assert second.events[0].name == "toolspan.tool_call.answered"
    assert second.attributes["toolspan.loop.step"] == 2


@through(RESPONSES)
def test_results_of_a_response(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Results stand in the request itself; lanes and connections do not matter, the id does."""

    async def scenario() -> None:
        with door.server(door.calls, door.text) as server:
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection))
                found = await until(face, connection, door.last)
            call_id = found[-1].response.output[0].call_id
            item = {"type": "function_call_output", "call_id": call_id, "output": "fine"}
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection, input=[item], previous_response_id="resp_1"))
                await until(face, connection, door.last)

    with telemetry.on():
        face.run(scenario())
    first, second = telemetry.spans
    assert [link.context.span_id for link in second.links] == [first.context.span_id]
    assert second.events[0].name == "toolspan.tool_call.answered"
    assert second.attributes["toolspan.loop.step"] == 2
