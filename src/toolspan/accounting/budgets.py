"""Budgets: limits of cost or tokens with a callback."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..guard import report
from .totals import Name, UsageTotal

_MOST_VALUES = 4096  # of `per`: conversations come without end


class BudgetPassed(NamedTuple):
    """The argument of a budget's callback: the budget whose limit was passed, and its usage.

    `value` is the value of the budget's `per` that passed its limit, `None` without `per`. `total` is the
    usage counted so far, including the request that passed the limit.
    """

    budget: Budget
    value: Name
    total: UsageTotal


class Budget:
    """A limit set by `toolspan.usage.budget`: `cost` in US dollars, `tokens` of input and output together.

    It counts requests from then on, for each value of `per` separately. It keeps counts for 4096 values;
    beyond these the least recently used value is dropped, and starts again at 0 when it returns.
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
        # Without a lock: `UsageMonitor` calls `add` under its own.
        self._used: OrderedDict[Name, UsageTotal] = OrderedDict()
        self._passed: set[Name] = set()

    def spent(self, value: str | None = None) -> UsageTotal:
        """Return what has been used of the budget, for a value of its `per`."""
        return self._used.get(value, UsageTotal())

    def reset(self) -> None:
        """Set all counts to 0; after that the callback may be called again."""
        self._used.clear()
        self._passed.clear()

    def add(self, names: Mapping[str, Name], used: UsageTotal) -> BudgetPassed | None:
        """Count a request; return the callback's argument if this request is the first beyond the limit."""
        if any(names.get(name) != value for name, value in self.where.items()):
            return None
        value = None if self.per is None else names.get(self.per)
        # `pop` moves the value to the end: the first one is the least recently used.
        total = self._used[value] = self._used.pop(value, UsageTotal()).plus(used)
        if len(self._used) > _MOST_VALUES:
            self._passed.discard(self._used.popitem(last=False)[0])
        if value in self._passed or not self._over(total):
            return None
        self._passed.add(value)
        return BudgetPassed(self, value, total)

    def notify(self, passed: BudgetPassed) -> None:
        """Call the callback; if it raises, log the error once."""
        try:
            self._callback(passed)
        except Exception as error:
            report("a budget's callback", error)

    def _over(self, total: UsageTotal) -> bool:
        over = self.cost is not None and total.cost > self.cost
        return over or (self.tokens is not None and total.tokens > self.tokens)
