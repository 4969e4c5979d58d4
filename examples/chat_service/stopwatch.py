"""How long one question takes, asked of a demo server in real time; it must not know what is compared."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from openai import AsyncOpenAI

from .conversations import Conversation
from .demo import Memory, realistic_server

TIMEOUT = 2.0
"""Seconds until a server that says nothing is given up."""
FIRST = "Say something nice."
"""Asked before anything is measured, so that connections are open and the server has read the tools."""


class Watched(Conversation):
    """A conversation that remembers when each kind of thing happened first, and all that happened."""

    def __init__(self) -> None:
        super().__init__(secrets.token_hex(8))
        self.at: dict[str, float] = {}
        self.happened: list[dict[str, Any]] = []

    def tell(self, kind: str, **facts: Any) -> None:
        """Note it, and the time."""
        self.at.setdefault(kind, time.perf_counter())
        self.happened.append({"kind": kind, **facts})
        super().tell(kind, **facts)


class Taken(NamedTuple):
    """What one question took: seconds until the first word and until the end, requests, tokens of input."""

    first: float
    whole: float
    requests: float
    tokens: float


Way = Callable[[AsyncOpenAI, Conversation, str], Awaitable[None]]
"""Answers a question with a client, and tells the conversation."""


async def once(way: Way, question: str, retries: int = 0, pace: float = 1) -> tuple[Taken, Watched]:
    """Ask one question; `retries` are the SDK's own, `pace` is the server's."""
    memory, watched = Memory(), Watched()
    with realistic_server(memory, pace) as base_url:
        async with AsyncOpenAI(
            base_url=base_url, api_key="demo", max_retries=retries, timeout=TIMEOUT
        ) as client:
            await way(client, Conversation("first"), FIRST)
            requests, tokens = memory.requests, memory.tokens
            began = time.perf_counter()
            await way(client, watched, question)
            ended = time.perf_counter()
    first = watched.at.get("text", ended) - began
    return Taken(first, ended - began, memory.requests - requests, memory.tokens - tokens), watched


async def median(way: Way, question: str, rounds: int) -> Taken:
    """The medians of several rounds, of each figure for itself."""
    taken = [(await once(way, question))[0] for _ in range(rounds)]
    return Taken(*map(statistics.median, zip(*taken, strict=True)))
