"""Budgets call back once when they are exceeded."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan import guard
from toolspan.accounting.budgets import BudgetPassed
from toolspan.accounting.totals import UsageTotal

from .test_monitor import monitor, use


def test_a_budget_calls_back_once_until_it_is_reset() -> None:
    """A budget counts from its creation and calls back once when it is exceeded, and again after a reset."""
    found, passed = monitor(), list[BudgetPassed]()
    use(found, conversation="c1")
    budget = found.budget(passed.append, cost=0.5, conversation="c1")
    use(found, conversation="c2")
    use(found, conversation="c1")
    use(found, conversation="c1")
    assert (passed, budget.spent().cost) == ([], 0.5)
    use(found, conversation="c1")
    use(found, conversation="c1")
    ((told, value, total),) = passed
    assert (told, value, total.cost, budget.spent().cost) == (budget, None, 0.75, 1.0)
    budget.reset()
    assert budget.spent() == UsageTotal()
    for _ in range(3):
        use(found, conversation="c1")
    assert len(passed) == 2
    found.cancel(budget)
    budget.reset()
    for _ in range(3):
        use(found, conversation="c1")
    assert len(passed) == 2


def test_a_budget_counts_each_value_of_per_separately() -> None:
    """With `per`, each value has its own budget; the name need not be a usage key."""
    found, passed = monitor(), list[BudgetPassed]()
    budget = found.budget(passed.append, {"feature": "search"}, tokens=20, per="tenant")
    for tenant in ("a", "b", "a", "a", "c"):
        use(found, tenant=tenant, feature="search")
    use(found, tenant="b", feature="chat")
    assert [(each.value, each.total.tokens) for each in passed] == [("a", 30)]
    assert (budget.spent("b").tokens, budget.spent("a").tokens, budget.spent().tokens) == (15, 45, 0)


def test_a_budget_drops_the_least_recently_used_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget drops the least recently used of too many values, which may then exceed it again."""
    monkeypatch.setattr("toolspan.accounting.budgets._MOST_VALUES", 2)
    found, passed = monitor(), list[BudgetPassed]()
    budget = found.budget(passed.append, cost=0.2, per="conversation")
    for conversation in ("c1", "c2", "c3", "c1"):
        use(found, conversation=conversation)
    assert [each.value for each in passed] == ["c1", "c2", "c3", "c1"]
    assert len(budget._used) == len(budget._passed) == 2


@pytest.mark.usefixtures("reraise")
def test_a_callback_that_raises_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The error is logged once, without its message; other budgets still call back."""
    monkeypatch.setattr(guard, "reraise", False)
    found, passed = monitor(), list[BudgetPassed]()

    def broken(told: BudgetPassed) -> None:
        raise RuntimeError("MARKER")

    found.budget(broken, tokens=0, per="conversation")
    found.budget(passed.append, tokens=0, per="conversation")
    use(found, conversation="c1")
    use(found, conversation="c2")
    assert len(passed) == 2
    assert [record.getMessage() for record in caplog.records] == [
        "toolspan: a budget's callback failed with RuntimeError; the application is not affected"
    ]


def test_a_callback_may_read_totals_and_set_budgets() -> None:
    """A callback may read totals, set budgets and count requests."""
    found, heard = monitor(), list[Any]()

    def ask(told: BudgetPassed) -> None:
        heard.append(found.total().requests)
        if len(heard) < 3:
            found.budget(ask, tokens=0)
            use(found)

    found.budget(ask, tokens=0)
    use(found)
    assert heard == [1, 2, 3]
