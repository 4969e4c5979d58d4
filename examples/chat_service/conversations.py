"""Conversations, and their numbered events for the page.

Each event has a number, so that a page whose connection broke gets the events that it missed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from opentelemetry.trace import INVALID_SPAN, Span

KEPT = 5000
"""Number of the latest events of one conversation that are kept for a page that connects again."""
Json = dict[str, Any]


class Conversation:
    """One conversation: its messages, and its events in order."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.messages: list[Json] = []
        self.tokens = 0
        """Input tokens of the last request, as the provider counted them."""
        self.turn = asyncio.Lock()
        """The lock of the question that is being answered: one at a time."""
        self.tasks: set[asyncio.Task[None]] = set()
        self.span: Span = INVALID_SPAN
        """The span of the question that is being answered."""
        self.over_budget = False
        self._happened: deque[Json] = deque(maxlen=KEPT)
        self._number = 0
        self._news = asyncio.Event()

    @property
    def last(self) -> int:
        """Return the number of the latest event."""
        return self._number

    def go_on(self, answering: Coroutine[Any, Any, None]) -> None:
        """Answer a question in a task that does not depend on the page's connection."""
        task = asyncio.create_task(answering)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def tell(self, kind: str, **facts: Any) -> None:
        """Add an event of this kind, and wake the pages that wait for it."""
        self._number += 1
        self._happened.append({"number": self._number, "kind": kind, **facts})
        # A new object for the next event: each waiting page holds the old one, so none misses a wake-up.
        self._news.set()
        self._news = asyncio.Event()

    async def happenings(self, after: int) -> AsyncIterator[Json]:
        """Yield all events after this number, then each new one, without an end."""
        while True:
            news = self._news
            for each in [each for each in self._happened if each["number"] > after]:
                yield each
                after = each["number"]
            if news is self._news:
                await news.wait()


class Conversations:
    """The conversations of this process; above `most`, the least recently used idle ones are discarded."""

    def __init__(self, most: int = 200) -> None:
        self._most = most
        self._known: OrderedDict[str, Conversation] = OrderedDict()

    def get(self, id: str) -> Conversation:
        """Return the conversation of this id, a new one if there is none."""
        found = self._known.setdefault(id, Conversation(id))
        self._known.move_to_end(id)
        idle = [known for known, each in self._known.items() if not each.tasks and each is not found]
        for known in idle[: max(len(self._known) - self._most, 0)]:
            del self._known[known]
        return found

    async def close(self) -> None:
        """Cancel all answers that still run."""
        tasks = [task for each in self._known.values() for task in each.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
