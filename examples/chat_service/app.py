"""The web service: the page, its socket, the metrics. It must not know how a question is answered."""

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
"""Characters of a question."""
WAITING = 5
"""Questions of one conversation that may wait for each other."""
ELSEWHERE = 4403
"""The code with which a socket of another site's page is closed."""


def create(answering: Answering, hints: tuple[str, ...] = ()) -> FastAPI:
    """The application; `hints` are questions that the page suggests."""
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
        if not _own(page):  # a browser sends cookies and connects wherever a page wants it to
            await page.close(ELSEWHERE)
            return
        found = conversations.get(conversation)
        fresh = after > found.last  # what the page knows, this process does not
        await page.send_json({**hello(answering, hints), "last": found.last, "fresh": fresh})
        await _talk(page, found, 0 if fresh else after, answering)

    app.mount("/", StaticFiles(directory=PAGE, html=True))
    return app


def hello(answering: Answering, hints: tuple[str, ...]) -> dict[str, Any]:
    """What a page is told first; it has no number, because it is not part of the conversation."""
    return {
        "kind": "hello",
        "provider": answering.settings.provider,
        "model": answering.model,
        "tools": [tool.name for tool in answering.tools],
        "hints": hints,
    }


def _own(page: WebSocket) -> bool:
    """Whether it is our page that connects; programs that are no browsers send no origin."""
    origin = page.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == page.headers.get("host")


async def _talk(page: WebSocket, conversation: Conversation, after: int, answering: Answering) -> None:
    """Tell the page what happens, and answer its questions, until the socket ends; answers go on without."""
    conversation.span.add_event("chat.page.connected", {"chat.page.after": after})
    telling = asyncio.create_task(_tell(page, conversation, after))
    try:
        while True:
            question = (await page.receive_text())[:LONGEST].strip()
            if question and len(conversation.tasks) < WAITING:
                conversation.go_on(answering.answer(conversation, question))
    except (WebSocketDisconnect, KeyError):  # the latter for bytes, which no page of ours sends
        conversation.span.add_event("chat.page.lost")
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _tell(page: WebSocket, conversation: Conversation, after: int) -> None:
    async for each in conversation.happenings(after):
        await page.send_json(each)
