"""`toolspan.usage`: the usage totals of the process, and the sink that adds each call to them."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar, NamedTuple, TypeAlias

from ..guard import made, shown
from ..otel import call_data
from ..otel.call_data import CallData
from ..otel.sink import Sink
from ..wire.events import Usage
from ..wire.values import word
from .budgets import Budget, BudgetPassed, check
from .totals import Name, Totals, UsageTotal

CONVERSATION, MODEL = "conversation", "model"
_Where: TypeAlias = "Mapping[str, Any] | None"


class Facts(NamedTuple):
    """What totals and budgets need to know of a request."""

    user: Mapping[str, Any]
    """All user attributes, not only `usage_keys`: a budget may use any of them."""
    conversation: str | None
    model: str | None
    usage: Usage | None
    cost: float | None

    def names(self) -> dict[str, str | None]:
        """Return the values of all names."""
        user = {name: word(str(value)) for name, value in self.user.items()}
        return {**user, CONVERSATION: self.conversation, MODEL: self.model}

    def used(self) -> UsageTotal:
        """Return the usage; a request without one counts as `uncounted` and `unpriced`."""
        usage, cost = self.usage or _NOTHING, self.cost
        return UsageTotal(
            1,
            usage.input or 0,
            usage.output or 0,
            usage.cache_read or 0,
            usage.reasoning or 0,
            cost or 0.0,
            int(usage.input is None and usage.output is None),
            int(cost is None),
        )


_NOTHING = Usage()
_MOST_WAITING = 64


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
        # Requests that are counted when somebody asks: the ordinary request only leaves its facts here.
        self._waiting: deque[Facts] = deque()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._in_child)

    @property
    def has_budgets(self) -> bool:
        """Whether a budget is set."""
        return bool(self._budgets)

    def total(self, where: _Where = None, /, **names: str) -> UsageTotal:
        """Return the usage of all requests, or of those with these values: `total(model="gpt-4.1-mini")`.

        Names are `conversation`, `model` and the `usage_keys`; a name with dots is passed in a mapping:
        `total({"enduser.id": "42"})`. Raise `ValueError` for any other name, `TypeError` for a value that is
        neither text nor a number.
        """
        with self._counted():
            return self._totals.total(_values(where, names))

    def by(self, name: str, where: _Where = None, /, **names: str) -> dict[str | None, UsageTotal]:
        """Return the usage for each value of a name, `None` for requests without one; see `total`."""
        with self._counted():
            return self._totals.by(name, _values(where, names))

    def reset(self, where: _Where = None, /, **names: str) -> None:
        """Set totals to 0: all of them, or those with these values. Budgets stay. See `total`."""
        with self._counted():
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
        with self._counted():
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
        with self._counted():
            if names != self._totals.names:
                self._totals = self._totals.under(names)

    def add(self, facts: Facts) -> list[BudgetPassed]:
        """Count a request; return the budgets whose limit it passes, which the caller notifies."""
        if not self._budgets and len(self._waiting) < _MOST_WAITING:
            self._waiting.append(facts)
            return []
        with self._counted():
            names, used = self._count(facts)
            return [passed for each in self._budgets if (passed := each.add(names, used)) is not None]

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Hold the lock, with all requests counted."""
        with self._lock:
            while self._waiting:
                try:
                    facts = self._waiting.popleft()
                except IndexError:  # a signal handler has asked for totals meanwhile
                    break
                # Whoever asks for totals must not get an error of ours.
                made("counting the usage of a request", partial(self._count, facts))
            yield

    def _count(self, facts: Facts) -> tuple[Mapping[str, Name], UsageTotal]:
        names, used = facts.names(), facts.used()
        self._totals.add(tuple(map(names.get, self._totals.names)), used)
        return names, used

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
        # The requested name first: servers answer with dated names, which would split a model's total.
        model = call.request.model or call.record.started.model
        cost = call.cost and call.cost.amount
        facts = _new(Facts, (call.user, call.request.conversation, model, call.record.usage, cost))
        if passed := self._monitor.add(facts):
            call.afterwards = (*call.afterwards, *(each.notify for each in passed))


_new = tuple.__new__  # a named tuple's own constructor is a Python function
