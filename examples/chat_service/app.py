"""The web service: the page, its WebSocket and the metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import prometheus_client
from fastapi import FastAPI, Response, WebSocket
from fastapi.staticfiles import StaticFiles
from starlette.websockets import WebSocketDisconnect

from .answering import Answering
from .conversations import Conversation, Conversations

PAGE = Path(__file__).with_name("page")
LONGEST = 4000
"""Maximum length of a question, in characters."""
WAITING = 5
"""Maximum number of questions of one conversation that are open at a time."""
ELSEWHERE = 4403
"""The close code for the socket of another site's page."""


def create(answering: Answering, hints: tuple[str, ...] = ()) -> FastAPI:
    """Return the application; `hints` are questions that the page suggests."""
    conversations = Conversations()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await conversations.close()
        await answering.close()

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST)

    @app.websocket("/socket")
    async def socket(page: WebSocket, conversation: str, after: int = 0) -> None:
        await page.accept()
        if not _own(page):  # browsers let any site's page open a WebSocket to any server
            await page.close(ELSEWHERE)
            return
        found = conversations.get(conversation)
        fresh = after > found.last  # the service has restarted: the page is ahead of this process
        await page.send_json({**hello(answering, hints), "last": found.last, "fresh": fresh})
        await _talk(page, found, 0 if fresh else after, answering)

    app.mount("/", StaticFiles(directory=PAGE, html=True))
    return app


def hello(answering: Answering, hints: tuple[str, ...]) -> dict[str, Any]:
    """Return the first message to a page; it has no number, because it is not part of the conversation."""
    return {
        "kind": "hello",
        "provider": answering.settings.provider,
        "model": answering.model,
        "tools": [tool.name for tool in answering.tools],
        "hints": hints,
    }


def _own(page: WebSocket) -> bool:
    """Return whether the connection comes from this service's page, or from a program without an origin."""
    origin = page.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == page.headers.get("host")


async def _talk(page: WebSocket, conversation: Conversation, after: int, answering: Answering) -> None:
    """Send the conversation's events to the page and answer its questions, until the socket closes."""
    # Answers run in tasks of the conversation: they continue without the page, which may connect again.
    conversation.span.add_event("chat.page.connected", {"chat.page.after": after})
    sender = asyncio.create_task(_send(page, conversation, after))
    try:
        while True:
            question = (await page.receive_text())[:LONGEST].strip()
            if question and len(conversation.tasks) < WAITING:
                conversation.go_on(answering.answer(conversation, question))
    except (WebSocketDisconnect, KeyError):  # Starlette raises KeyError for a message in bytes
        conversation.span.add_event("chat.page.lost")
    finally:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)


async def _send(page: WebSocket, conversation: Conversation, after: int) -> None:
    async for each in conversation.happenings(after):
        await page.send_json(each)
