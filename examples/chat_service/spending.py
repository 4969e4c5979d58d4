"""What conversations have used, their summaries included, and which of them have spent their budget.

It must not know what a conversation is: it has an id.
"""

from __future__ import annotations

from typing import Any

import toolspan

KEY = "session.id"
"""The attribute of every request by which `toolspan.usage` adds up; a setting of the instrumentation, too."""


class Spending:
    """Watches the budget, in US dollars, of each conversation; 0 is none."""

    def __init__(self, budget: float) -> None:
        self._spent: set[str] = set()
        self._budget = toolspan.usage.budget(self._passed, cost=budget, per=KEY) if budget else None

    def _passed(self, passed: toolspan.BudgetPassed) -> None:
        self._spent.add(str(passed.value))

    def is_spent(self, id: str) -> bool:
        """Whether a conversation has cost more than it may."""
        return id in self._spent

    def total(self, id: str) -> dict[str, Any]:
        """What a conversation has used so far; a cost only where it is known."""
        used = toolspan.usage.total({KEY: id})
        found = {"input": used.input, "cached": used.cache_read, "output": used.output}
        return {**found, "cost": used.cost} if used.cost else found

    def close(self) -> None:
        """Watch no longer."""
        if self._budget is not None:
            toolspan.usage.cancel(self._budget)
