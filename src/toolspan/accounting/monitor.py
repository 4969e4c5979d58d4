"""`toolspan.usage`: the usage totals of the process, and the sink that adds each call to them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from ..guard import shown
from ..otel import call_data
from ..otel.call_data import CallData
from ..otel.sink import Sink
from ..wire.events import Usage
from ..wire.values import word
from .budgets import Budget, BudgetPassed, check
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
        `total({"enduser.id": "42"})`. Raise `ValueError` for any other name, `TypeError` for a value that is
        neither text nor a number.
        """
        with self._lock:
            return self._totals.total(_values(where, names))

    def by(self, name: str, where: _Where = None, /, **names: str) -> dict[str | None, UsageTotal]:
        """Return the usage for each value of a name, `None` for requests without one; see `total`."""
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
        own call. The callback runs in the thread that ended the request, after the request's telemetry, and
        holds no lock; whatever it raises is logged once, `SystemExit` and `KeyboardInterrupt` included.
        Return the budget, for `cancel`. Raise `TypeError` or `ValueError` for arguments that cannot work: no
        limit, a negative one, a callback that is no plain function, a misspelt name.
        """
        found = Budget(callback, cost, tokens, per, _values(where, names))
        check(found, self._totals.names)
        with self._lock:
            self._budgets += (found,)
        return found

    def cancel(self, budget: Budget) -> None:
        """Remove a budget: it counts no more requests. Raise `TypeError` for any other object."""
        if not isinstance(budget, Budget):
            raise TypeError(f"toolspan: cancel() takes the result of budget(), not {shown(budget)}")
        with self._lock:
            self._budgets = tuple(other for other in self._budgets if other is not budget)

    # Values of the first name are dropped first: conversations are many, models few and worth keeping.
    def keep(self, keys: tuple[str, ...]) -> None:
        """Keep totals by these names, too; they come from the setting `usage_keys`."""
        names = (CONVERSATION, *(key for key in keys if key not in (CONVERSATION, MODEL)), MODEL)
        with self._lock:
            if names != self._totals.names:
                self._totals = self._totals.under(names)

    def add(self, names: Mapping[str, Name], used: UsageTotal) -> list[BudgetPassed]:
        """Count a request; return the budgets whose limit it passes, which the caller notifies."""
        with self._lock:
            self._totals.add(tuple(map(names.get, self._totals.names)), used)
            if not self._budgets:
                return []
            return [passed for each in self._budgets if (passed := each.add(names, used)) is not None]

    def _in_child(self) -> None:
        """Replace the lock: another thread of the parent may have held it at the fork."""
        self._lock = threading.RLock()


def _values(where: _Where, names: Mapping[str, Any]) -> dict[str, str]:
    """Return the wanted values as texts, as totals and budgets count them."""
    if where is not None and not isinstance(where, Mapping):
        raise TypeError(f"toolspan: values are passed as keywords or in one mapping, not in {shown(where)}")
    found = {**(where or {}), **names}
    for name, value in found.items():
        # `None` would be no filter at all: a limit for one conversation became a limit for all.
        if not isinstance(value, (str, int, float)):
            raise TypeError(f"toolspan: {shown(name)} takes a text or a number, not {shown(value)}")
    return {name: word(str(value)) or "" for name, value in found.items()}


usage = UsageMonitor()
"""The monitor of this process."""
# A global, although the settings are not: budgets may be set before `instrument()` and outlive it.


_NOTHING = Usage()


class SpentSink(Sink):
    """The sink that adds the usage of each call to the totals.

    It also counts the calls that another instrumentation traces, because that one has no totals here.
    """

    signals: ClassVar[Mapping[str, str]] = {
        "ended": "totals of usage",
    }

    def __init__(self, monitor: UsageMonitor) -> None:
        self._monitor = monitor

    def ended(self, call: CallData) -> None:
        """Count the call; one without usage is counted as `uncounted` and `unpriced`.

        The callbacks of budgets run later, when the span has ended: they may raise or take long.
        """
        # The tokens of a response that is fetched were counted when it was made.
        if call.operation == call_data.FETCH_RESPONSE:
            return
        record, request = call.record, call.request
        # All user attributes, not only `usage_keys`: a budget may use any of them.
        user = call.user
        names: dict[str, str | None] = {name: word(str(user[name])) for name in user} if user else {}
        names["conversation"] = request.conversation
        # The requested name first: servers answer with dated names, which would split a model's total.
        names["model"] = request.model or record.started.model
        usage = record.usage or _NOTHING
        cost, uncounted = call.cost, usage.input is None and usage.output is None
        used = UsageTotal(
            1,
            usage.input or 0,
            usage.output or 0,
            usage.cache_read or 0,
            usage.reasoning or 0,
            0.0 if cost is None else cost.amount,
            int(uncounted),
            int(cost is None),
        )
        if passed := self._monitor.add(names, used):
            call.afterwards = tuple(each.notify for each in passed)
