"""A callback of the LiteLLM proxy that sends each chunk of an answer through the control plane.

`litellm.yaml` names it. The replies become chunks of the proxy's own class again, which go to the client.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

from litellm.integrations.custom_logger import CustomLogger  # pyright: ignore[reportMissingImports]
from litellm.types.utils import ModelResponseStream  # pyright: ignore[reportMissingImports]
from websockets.asyncio.client import connect

import toolspan

CONTROL_PLANE = os.environ.get("CONTROL_PLANE", "ws://127.0.0.1:9000")


class PolicyError(Exception):
    """The control plane replied with ERROR."""


@toolspan.stage("gateway.send")
async def messages(chunks: AsyncIterator[Any]) -> AsyncIterator[str]:
    """Yield each chunk as a message."""
    async for chunk in chunks:
        yield json.dumps({"type": "CHUNK", "chunk": chunk.model_dump(mode="json")})


@toolspan.stage("gateway.normalise", route=lambda connection, _: connection.route, input="replies")
async def normalised(connection: Any, replies: AsyncIterator[Any]) -> AsyncIterator[ModelResponseStream]:
    """Yield each chunk of the replies in the proxy's class."""
    async for reply in replies:
        yield ModelResponseStream(**reply["chunk"])


async def replied(first: dict[str, Any], connection: Any) -> AsyncIterator[dict[str, Any]]:
    """Yield the replies until END; raise `PolicyError` for an ERROR."""
    reply = first
    while reply["type"] != "END":
        if reply["type"] == "ERROR":
            raise PolicyError(reply["error"])
        yield reply
        reply = json.loads(await connection.recv())


async def send_all(connection: Any, stream: AsyncIterator[str]) -> None:
    """Send all messages, then END, while another task reads the replies."""
    async for message in stream:
        await connection.send(message)
    await connection.send(json.dumps({"type": "END"}))


class Gateway(CustomLogger):  # type: ignore[misc]  # untyped upstream
    """The callback between the proxy and its clients."""

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: dict[str, Any]
    ) -> AsyncIterator[ModelResponseStream]:
        """Yield the chunks that the client gets."""
        headers = request_data["proxy_server_request"]["headers"]
        model = toolspan.stage("gateway.model", response, route=toolspan.Route.of(headers))
        stream = messages(model)
        async with connect(CONTROL_PLANE) as plain:
            connection = toolspan.socket(plain, stream)
            await connection.send(json.dumps({"type": "START", "policy": headers.get("x-policy", "passes")}))
            sender = asyncio.create_task(send_all(connection, stream))
            try:
                first = json.loads(await connection.recv())
                async for chunk in normalised(connection, replied(first, connection)):
                    yield chunk
            finally:
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)


gateway = Gateway()
