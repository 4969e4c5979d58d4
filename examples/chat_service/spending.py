"""The usage of each conversation, its summaries included, and its budget."""

from __future__ import annotations

from typing import Any

import toolspan

KEY = "session.id"
"""The attribute of requests by which `toolspan.usage` adds up; `instrument(usage_keys=…)` needs it too."""


class Spending:
    """The usage of all conversations; `budget` is the limit of each in US dollars, 0 means no limit."""

    def __init__(self, budget: float) -> None:
        self._spent: set[str] = set()
        self._budget = toolspan.usage.budget(self._passed, cost=budget, per=KEY) if budget else None

    def _passed(self, passed: toolspan.BudgetPassed) -> None:
        self._spent.add(str(passed.value))

    def is_spent(self, id: str) -> bool:
        """Return whether a conversation has reached its budget."""
        return id in self._spent

    def total(self, id: str) -> dict[str, Any]:
        """Return the tokens of a conversation so far, and the cost if it is known."""
        used = toolspan.usage.total({KEY: id})
        found = {"input": used.input, "cached": used.cache_read, "output": used.output}
        return {**found, "cost": used.cost} if used.cost else found

    def close(self) -> None:
        """Cancel the budget."""
        if self._budget is not None:
            toolspan.usage.cancel(self._budget)
