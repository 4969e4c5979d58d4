"""Measure the time of one question to a demo server."""

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
"""The client's timeout in seconds."""
FIRST = "Say something nice."
"""A question before the measured one: it opens the connections and fills the server's prompt cache."""


class Watched(Conversation):
    """A conversation that records all events, and the time of the first event of each kind."""

    def __init__(self) -> None:
        super().__init__(secrets.token_hex(8))
        self.at: dict[str, float] = {}
        self.happened: list[dict[str, Any]] = []

    def tell(self, kind: str, **facts: Any) -> None:
        """Record the event and its time."""
        self.at.setdefault(kind, time.perf_counter())
        self.happened.append({"kind": kind, **facts})
        super().tell(kind, **facts)


class Taken(NamedTuple):
    """The figures of one question: seconds to the first word and to the end, requests, input tokens."""

    first: float
    whole: float
    requests: float
    tokens: float


Way = Callable[[AsyncOpenAI, Conversation, str], Awaitable[None]]
"""A function that answers a question with a client, and reports to the conversation."""


async def once(way: Way, question: str, retries: int = 0, pace: float = 1) -> tuple[Taken, Watched]:
    """Measure one question; `retries` is the SDK's `max_retries`, `pace` the server's factor of delays."""
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
    """Return the median of each figure over several rounds."""
    taken = [(await once(way, question))[0] for _ in range(rounds)]
    return Taken(*map(statistics.median, zip(*taken, strict=True)))
