"""`toolspan.usage`: the usage totals of the process, and the sink that adds each call to them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from ..guard import report
from ..otel import call_data
from ..otel.call_data import CallData
from ..otel.sink import Sink
from ..wire.events import Usage
from .budgets import Budget, BudgetPassed
from .totals import Name, Totals, UsageTotal

CONVERSATION, MODEL = "conversation", "model"
_Where: TypeAlias = "Mapping[str, Any] | None"


class UsageMonitor:
    """Usage totals of this process by conversation, by model, and by the names of the setting `usage_keys`.

    The model is the requested one. At most 4096 combinations are kept. Beyond that, the least recently used
    combination becomes less detailed: its conversation becomes `_OTHER`, then its other keys do. All methods
    are safe in many threads.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # reentrant: a signal handler may ask for totals while it is held
        self._totals = Totals((CONVERSATION, MODEL))
        self._budgets: tuple[Budget, ...] = ()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._in_child)

    def total(self, where: _Where = None, /, **names: str) -> UsageTotal:
        """Return the usage of all requests, or of those with these values: `total(model="gpt-4.1-mini")`.

        Names are `conversation`, `model` and the `usage_keys`; a name with dots is passed in a mapping:
        `total({"enduser.id": "42"})`. Raise `ValueError` for any other name.
        """
        with self._lock:
            return self._totals.total(_values(where, names))

    def by(self, name: str, where: _Where = None, /, **names: str) -> dict[str | None, UsageTotal]:
        """Return the usage for each value of a name; the key `None` is for requests without a value.

        The other arguments and the errors are those of `total`.
        """
        with self._lock:
            return self._totals.by(name, _values(where, names))

    def reset(self, where: _Where = None, /, **names: str) -> None:
        """Set totals to 0: all of them, or those with these values. Budgets stay. See `total`."""
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
        """Call `callback` once when requests from now on have used more than `cost` dollars or `tokens`.

        The keywords limit the budget to requests with these values; a name is `conversation`, `model` or any
        name of `toolspan.attributes`. `per` is such a name, too: each of its values has its own limit and its
        own call. The callback runs in the thread that ended the request, after the request's telemetry; its
        errors are logged once. Return the budget, for `cancel`.
        """
        found = Budget(callback, cost, tokens, per, _values(where, names))
        with self._lock:
            self._budgets += (found,)
        return found

    def cancel(self, budget: Budget) -> None:
        """Remove a budget: it counts no more requests."""
        with self._lock:
            self._budgets = tuple(other for other in self._budgets if other is not budget)

    def keep(self, keys: tuple[str, ...]) -> None:
        """Keep totals by these names, too; they come from the setting `usage_keys`."""
        # Values of the first name are dropped first: conversations are many, models few and worth keeping.
        names = (CONVERSATION, *(key for key in keys if key not in (CONVERSATION, MODEL)), MODEL)
        with self._lock:
            if names != self._totals.names:
                self._totals = self._totals.under(names)

    def add(self, names: Mapping[str, Name], used: UsageTotal) -> None:
        """Count a request, and call the callbacks of the budgets whose limit it passes."""
        with self._lock:
            self._totals.add(tuple(map(names.get, self._totals.names)), used)
            passed = [_counted(budget, names, used) for budget in self._budgets]
        # Outside of the lock: a callback may take long, and other threads end requests meanwhile.
        for each in passed:
            if each is not None:
                each.budget.notify(each)

    def _in_child(self) -> None:
        """Replace the lock: another thread of the parent may have held it at the fork."""
        self._lock = threading.RLock()


def _counted(budget: Budget, names: Mapping[str, Name], used: UsageTotal) -> BudgetPassed | None:
    """Count a request for one budget, and report an error if that fails."""
    # One guard for each budget: the limits are the user's objects, and comparing with them may raise.
    try:
        return budget.add(names, used)
    except Exception as error:
        report("counting a request for a budget", error)
        return None


def _values(where: _Where, names: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in {**(where or {}), **names}.items() if value is not None}


usage = UsageMonitor()
"""The monitor of this process."""
# A global, although the settings are not: budgets may be set before `instrument()` and outlive it.


_NOTHING = Usage()
Add = Callable[[Mapping[str, "str | None"], tuple[float, ...]], None]
"""A function that counts a call, from its names with their values and the fields of a `UsageTotal`."""


class SpentSink(Sink):
    """The sink that adds the usage of each call to the totals.

    It also counts the calls that another instrumentation traces, because that one has no totals here.
    """

    signals: ClassVar[Mapping[str, str]] = {
        "ended": "totals of usage",
    }

    def __init__(self, add: Add) -> None:
        self._add = add

    def ended(self, call: CallData) -> None:
        """Count the call; one without usage is counted as `uncounted` and `unpriced`."""
        # The tokens of a response that is fetched were counted when it was made.
        if call.operation == call_data.FETCH_RESPONSE:
            return
        record, request = call.record, call.request
        # All user attributes, not only `usage_keys`: a budget may use any of them.
        names: dict[str, str | None] = {name: str(value) for name, value in call.user.items()}
        names["conversation"] = request.conversation
        # The requested name first: servers answer with dated names, which would split a model's total.
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
