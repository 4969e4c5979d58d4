"""`toolspan.usage`: totals of the process, and the sink that adds each call to them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from ..guard import report
from ..otel import call_data
from ..otel.sink import Observed, Sink
from ..wire.events import Usage
from .budgets import Budget, BudgetPassed
from .totals import Name, Totals, UsageTotal

CONVERSATION, MODEL = "conversation", "model"
_Where: TypeAlias = "Mapping[str, Any] | None"


class UsageMonitor:
    """Totals of this process by conversation, by model, and by the names of the setting `usage_keys`.

    Of 4096 combinations the least recently used one is forgotten: its conversation first, then its keys; what
    it used is under `_OTHER` from then on. The model is the one that was asked for.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal's handler may ask while it is held
        self._totals = Totals((CONVERSATION, MODEL))
        self._budgets: tuple[Budget, ...] = ()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._in_child)

    def total(self, where: _Where = None, /, **names: str) -> UsageTotal:
        """What has been used in all, or where the names have these values: `total(model="gpt-4.1-mini")`.

        Names are `conversation`, `model` and the `usage_keys`; those with dots come in a mapping:
        `total({"enduser.id": "42"})`. Raises `ValueError` for any other.
        """
        with self._lock:
            return self._totals.total(_values(where, names))

    def by(self, name: str, where: _Where = None, /, **names: str) -> dict[str | None, UsageTotal]:
        """What has been used for each value of a name; `None` stands for requests that have none.

        See `total`.
        """
        with self._lock:
            return self._totals.by(name, _values(where, names))

    def reset(self, where: _Where = None, /, **names: str) -> None:
        """Begin anew, in all or where the names have these values; budgets go on. See `total`."""
        with self._lock:
            self._totals.forget(_values(where, names))

    def budget(
        self,
        callback: Callable[[BudgetPassed], object],
        where: _Where = None,
        /,
        *,
        cost: float | None = None,
        tokens: int | None = None,
        per: str | None = None,
        **names: str,
    ) -> Budget:
        """Have `callback` called when more dollars (`cost`), or more tokens, have been used from now on.

        Only requests count where the names have these values: `conversation`, `model`, and any of
        `toolspan.attributes`. With `per`, a name too, each of its values has the budget by itself. The
        callback comes once for each, in the thread that ended the request, after the telemetry of it. What it
        raises is logged once.
        """
        found = Budget(callback, cost, tokens, per, _values(where, names))
        with self._lock:
            self._budgets += (found,)
        return found

    def cancel(self, budget: Budget) -> None:
        """Count no more for this budget."""
        with self._lock:
            self._budgets = tuple(other for other in self._budgets if other is not budget)

    def keep(self, keys: tuple[str, ...]) -> None:
        """Keep totals by these names as well; an instrumentation's setting."""
        names = (CONVERSATION, *(key for key in keys if key not in (CONVERSATION, MODEL)), MODEL)
        with self._lock:
            if names != self._totals.names:
                self._totals = self._totals.under(names)

    def add(self, names: Mapping[str, Name], used: UsageTotal) -> None:
        """Count a request; budgets that it passes call back."""
        with self._lock:
            self._totals.add(tuple(map(names.get, self._totals.names)), used)
            passed = [_counted(budget, names, used) for budget in self._budgets]
        for each in passed:
            if each is not None:
                each.budget.notify(each)

    def _in_child(self) -> None:
        """Another thread of the parent may have held the lock."""
        self._lock = threading.RLock()


def _counted(budget: Budget, names: Mapping[str, Name], used: UsageTotal) -> BudgetPassed | None:
    """Count a request for one budget; a budget that cannot count costs neither the totals nor another one."""
    try:
        return budget.add(names, used)
    except Exception as error:
        report("counting for a budget", error)
        return None


def _values(where: _Where, names: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in {**(where or {}), **names}.items() if value is not None}


usage = UsageMonitor()
"""That of this process."""


_NOTHING = Usage()
Add = Callable[[Mapping[str, "str | None"], tuple[float, ...]], None]
"""Takes the names that a call is counted under, and what it has used: the fields of `UsageTotal`."""


class SpentSink(Sink):
    """Counts a call when it has ended, also one of which another instrumentation tells: none counts here."""

    signals: ClassVar[Mapping[str, str]] = {
        "ended": "totals of usage",
    }

    def __init__(self, add: Add) -> None:
        self._add = add

    def ended(self, call: Observed) -> None:
        """Fetching a response uses nothing; a call without usage is counted as such."""
        if call.operation == call_data.FETCH_RESPONSE:
            return
        record, request = call.record, call.request
        names: dict[str, str | None] = {name: str(value) for name, value in call.user.items()}
        names["conversation"] = request.conversation
        names["model"] = request.model or record.started.model
        usage = record.usage or _NOTHING
        used = (
            1,
            usage.input or 0,
            usage.output or 0,
            usage.cache_read or 0,
            usage.reasoning or 0,
            0.0 if call.cost is None else call.cost.amount,
            int(usage.input is None and usage.output is None),
            int(call.cost is None),
        )
        self._add(names, used)
