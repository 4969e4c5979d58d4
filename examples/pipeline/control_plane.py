"""A control plane: it receives an answer's chunks over a WebSocket, applies a policy and sends chunks back.

Each answer has one connection: START with the policy's name, then CHUNK messages and END. The replies are
CHUNK messages and END, or ERROR. `python control_plane.py --port 9000` runs it.
"""

import argparse
import asyncio
import json
import logging
import signal
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

from policies import POLICIES, Chunk
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

import toolspan

log = logging.getLogger("control plane")


async def received(connection: ServerConnection) -> AsyncIterator[Chunk]:
    """Yield the received chunks until END."""
    async for message in connection:
        body = json.loads(message)
        if body["type"] == "END":
            return
        yield body["chunk"]


async def work(connection: Any) -> None:
    """Apply the policy to the chunks of one answer."""
    start = json.loads(await connection.recv())
    connection.sends = connection.route
    chunks = toolspan.stage("control.receive", received(connection), route=connection.route)
    stream = toolspan.stage("control.policy", chunks, through=POLICIES[start["policy"]])
    connection.sends = stream
    try:
        async for chunk in stream:
            await connection.send(json.dumps({"type": "CHUNK", "chunk": chunk}))
        await connection.send(json.dumps({"type": "END"}))
    except ConnectionError:
        connection.transport.abort()
    except LookupError as error:
        await connection.send(json.dumps({"type": "ERROR", "error": str(error)}))


async def handle(connection: ServerConnection) -> None:
    """Apply the policy until the answer or the connection ends."""
    # A policy that hangs never reads the connection, so its close is awaited beside the work.
    task = asyncio.create_task(work(toolspan.socket(connection)))
    gone = asyncio.create_task(connection.wait_closed())
    await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    gone.cancel()
    for found in await asyncio.gather(task, return_exceptions=True):
        if isinstance(found, Exception) and not isinstance(found, ConnectionClosed):
            log.error("answer aborted: %r", found)


def healthy(connection: ServerConnection, request: Request) -> Response | None:
    """Answer the health check, which comes by plain HTTP."""
    return connection.respond(HTTPStatus.OK, "OK\n") if request.path == "/healthz" else None


async def main(port: int) -> None:
    """Serve until SIGINT or SIGTERM."""
    async with serve(handle, "127.0.0.1", port, process_request=healthy) as server:
        for stop in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(stop, server.close)
        await server.wait_closed()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=9000)
    logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")
    asyncio.run(main(parser.parse_args().port))
