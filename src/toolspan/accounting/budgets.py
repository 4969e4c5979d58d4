"""Budgets: limits of cost or tokens with a callback."""

from __future__ import annotations

import difflib
import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import inf
from numbers import Real
from typing import Any, NamedTuple

from ..guard import report, shown
from ..wire.values import word
from .totals import Name, UsageTotal

_MOST_VALUES = 4096  # of `per`: conversations come without end
_KEYWORDS = ("cost", "tokens", "per", "where")


class BudgetPassed(NamedTuple):
    """The argument of a budget's callback: the budget whose limit was passed, and its usage.

    `value` is the value of the budget's `per` that passed its limit, `None` without `per`. `total` is the
    usage counted so far, including the request that passed the limit.
    """

    budget: Budget
    value: Name
    total: UsageTotal

    def notify(self) -> None:
        """Call the budget's callback; whatever it raises is logged once, and not raised."""
        try:
            self.budget.callback(self)
        # `SystemExit` and `KeyboardInterrupt` too: they would end the loop that reads the stream.
        except BaseException as error:
            report("a budget's callback", error)


@dataclass(eq=False, repr=False)
class Budget:
    """A limit set by `toolspan.usage.budget`: `cost` in US dollars, `tokens` of input and output together.

    It counts requests from then on, for each value of `per` separately. It keeps counts for 4096 values;
    beyond these the least recently used value is dropped, and starts again at 0 when it returns.
    """

    callback: Callable[[BudgetPassed], object]
    cost: float | None
    tokens: int | None
    per: str | None
    where: Mapping[str, str]
    # Without a lock: `UsageMonitor` calls `add` under its own.
    _used: OrderedDict[Name, UsageTotal] = field(default_factory=OrderedDict, init=False)
    _passed: set[Name] = field(default_factory=set, init=False)

    def spent(self, value: str | None = None) -> UsageTotal:
        """Return what has been used of the budget, for a value of its `per`."""
        return self._used.get(word(value), UsageTotal())

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

    def _over(self, total: UsageTotal) -> bool:
        over = self.cost is not None and total.cost > self.cost
        return over or (self.tokens is not None and total.tokens > self.tokens)


def check(budget: Budget, kept: Iterable[str]) -> None:
    """Raise `TypeError` or `ValueError` for a budget that cannot work; `kept` are the names of totals."""
    if not callable(budget.callback) or inspect.iscoroutinefunction(budget.callback):
        raise TypeError(f"toolspan: budget() takes a plain function first, not {shown(budget.callback)}")
    if budget.cost is budget.tokens is None:
        raise ValueError("toolspan: budget() needs a limit: cost in US dollars, or tokens")
    for name, limit in (("cost", budget.cost), ("tokens", budget.tokens)):
        if limit is not None:
            _check_limit(name, limit)
    for name in budget.where if budget.per is None else (*budget.where, budget.per):
        _check_name(name, [*kept, *_KEYWORDS])


def _check_limit(name: str, limit: Any) -> None:
    if isinstance(limit, bool) or not isinstance(limit, (Real, Decimal)):
        raise TypeError(f"toolspan: budget() takes a number as {name}, not {shown(limit)}")
    number: Any = limit
    # A comparison with the NaN of a Decimal raises; that of a float is False.
    if (isinstance(number, Decimal) and number.is_nan()) or not 0 <= number < inf:
        raise ValueError(f"toolspan: budget() takes a finite {name} from 0, not {shown(limit)}")


def _check_name(name: object, known: list[str]) -> None:
    """Check the name of an attribute; a budget by a misspelt one would never count anything."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"toolspan: budget() takes names of attributes, not {shown(name)}")
    # Any attribute may be meant, so only a name that is nearly one of toolspan's is taken for a mistake.
    if name not in known and (near := difflib.get_close_matches(name.lower(), known, 1, 0.9)):
        raise ValueError(
            f"toolspan: budget() knows no {name!r}; did you mean {near[0]!r}? "
            "An attribute of this name is possible if it is one of usage_keys"
        )
