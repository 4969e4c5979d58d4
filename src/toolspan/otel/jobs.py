"""A job: work that is done once, perhaps late, and what is told of it, once, in its order.

It knows no thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from .telling import Contents

_TELLING = 1.0  # seconds: for so long another thread may be telling


class Job:
    """Told after `before`, by whoever comes first: the one who did the work, or one who will not wait."""

    __slots__ = ("_before", "_then", "_turn", "due", "hung", "over", "work")

    def __init__(
        self,
        work: Callable[[], Contents] | None,
        then: Callable[[Contents], None],
        before: Job | None,
        due: float,
    ) -> None:
        self.work = work
        """Makes what may be told; `None`: there is nothing but the order to keep."""
        self.due = due
        """When it is told without content; a time of the monotonic clock."""
        self.over = threading.Event()
        self.hung = False
        """Whether it was given up while its work was being done."""
        self._before = None if before is None or before.over.is_set() else before
        self._then = then
        self._turn = [None]  # taken by the one who tells

    @property
    def taken(self) -> bool:
        """Whether somebody tells or has told."""
        return not self._turn

    def tell(self, contents: Contents) -> None:
        """Tell, unless somebody else does."""
        try:
            self._turn.pop()  # atomic
        except IndexError:
            return
        before, self._before = self._before, None
        try:
            if before is not None:
                before.give_up()
            self._then(contents)
        finally:
            del self._then
            self.work = None
            self.over.set()

    def give_up(self) -> None:
        """Tell now, without content, and all that comes before it."""
        waiting: list[Job] = []
        job: Job | None = self
        while job is not None and not job.over.is_set():
            waiting.append(job)
            job = job._before
        for job in reversed(waiting):
            job.tell({})
            job.over.wait(_TELLING)
