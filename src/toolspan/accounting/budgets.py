"""A budget: what is used of it, and who is told when it is passed.

It knows no call; what was used, and under which names, it is told.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..guard import report
from .totals import Name, UsageTotal

_MOST_VALUES = 4096


class BudgetPassed(NamedTuple):
    """A budget was passed: which one, for which value of its `per`, and what has been used of it by now."""

    budget: Budget
    value: Name
    total: UsageTotal


class Budget:
    """A limit that `toolspan.usage.budget` has set: `cost` in US dollars, `tokens` of input and output.

    It counts from then on, for each value of `per` by itself; of 4096 values the least recently used one is
    forgotten.
    """

    def __init__(
        self,
        callback: Callable[[BudgetPassed], object],
        cost: float | None,
        tokens: int | None,
        per: str | None,
        where: Mapping[str, str],
    ) -> None:
        self.cost = cost
        self.tokens = tokens
        self.per = per
        self.where = where
        self._callback = callback
        self._used: OrderedDict[Name, UsageTotal] = OrderedDict()
        self._passed: set[Name] = set()

    def spent(self, value: str | None = None) -> UsageTotal:
        """What has been used of it, for this value of its `per`."""
        return self._used.get(value, UsageTotal())

    def reset(self) -> None:
        """Begin anew: it may be passed once more."""
        self._used.clear()
        self._passed.clear()

    def add(self, names: Mapping[str, Name], used: UsageTotal) -> BudgetPassed | None:
        """Count a request; says if it passes the limit, for the first time since it began."""
        if any(names.get(name) != value for name, value in self.where.items()):
            return None
        value = None if self.per is None else names.get(self.per)
        total = self._used[value] = self._used.pop(value, UsageTotal()).plus(used)
        if len(self._used) > _MOST_VALUES:
            self._passed.discard(self._used.popitem(last=False)[0])
        if value in self._passed or not self._over(total):
            return None
        self._passed.add(value)
        return BudgetPassed(self, value, total)

    def notify(self, passed: BudgetPassed) -> None:
        """Call back; what that raises is logged once."""
        try:
            self._callback(passed)
        except Exception as error:
            report("a budget's callback", error)

    def _over(self, total: UsageTotal) -> bool:
        over = self.cost is not None and total.cost > self.cost
        return over or (self.tokens is not None and total.tokens > self.tokens)
