"""Conversations, and what a page is told of them; it must not know sockets, nor what a model is.

All that happens is kept with a number, so that a page whose connection broke gets what it has missed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from opentelemetry.trace import INVALID_SPAN, Span

KEPT = 5000
"""Happenings of one conversation that can still be told again."""
Json = dict[str, Any]


class Conversation:
    """One conversation: its messages, and its happenings in order."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.messages: list[Json] = []
        self.tokens = 0
        """Of the last request's input, as the provider counted."""
        self.turn = asyncio.Lock()
        """Held by the question that is being answered."""
        self.tasks: set[asyncio.Task[None]] = set()
        self.span: Span = INVALID_SPAN
        """Of the question that is being answered."""
        self.over_budget = False
        self._happened: deque[Json] = deque(maxlen=KEPT)
        self._number = 0
        self._news = asyncio.Event()

    @property
    def last(self) -> int:
        """The number of what happened last."""
        return self._number

    def go_on(self, answering: Coroutine[Any, Any, None]) -> None:
        """Answer a question, whether or not anybody is there to see it."""
        task = asyncio.create_task(answering)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def tell(self, kind: str, **facts: Any) -> None:
        """Something happened."""
        self._number += 1
        self._happened.append({"number": self._number, "kind": kind, **facts})
        self._news.set()
        self._news = asyncio.Event()

    async def happenings(self, after: int) -> AsyncIterator[Json]:
        """All that happened after a number, and then, for ever, what happens."""
        while True:
            news = self._news
            for each in [each for each in self._happened if each["number"] > after]:
                yield each
                after = each["number"]
            if news is self._news:
                await news.wait()


class Conversations:
    """The conversations of this process; of many, those that nobody has used for longest are forgotten."""

    def __init__(self, most: int = 200) -> None:
        self._most = most
        self._known: OrderedDict[str, Conversation] = OrderedDict()

    def get(self, id: str) -> Conversation:
        """The conversation of this id, new if it is not known."""
        found = self._known.setdefault(id, Conversation(id))
        self._known.move_to_end(id)
        idle = [known for known, each in self._known.items() if not each.tasks and each is not found]
        for known in idle[: max(len(self._known) - self._most, 0)]:
            del self._known[known]
        return found

    async def close(self) -> None:
        """Stop whatever is being answered."""
        tasks = [task for each in self._known.values() for task in each.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
