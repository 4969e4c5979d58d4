"""Budgets call back once when they are exceeded."""

from __future__ import annotations

import re
import threading
from asyncio import CancelledError
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from toolspan import guard
from toolspan.accounting.budgets import BudgetPassed
from toolspan.accounting.totals import UsageTotal

from ..table import each_row
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


@pytest.mark.usefixtures("reraise")
@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, CancelledError])
def test_a_callback_cannot_end_its_caller(kind: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a callback raises ends there, and other budgets still call back."""
    monkeypatch.setattr(guard, "reraise", False)
    found, passed = monitor(), list[BudgetPassed]()

    def ends(told: BudgetPassed) -> None:
        raise kind

    found.budget(ends, tokens=0)
    found.budget(passed.append, tokens=0)
    use(found)
    assert len(passed) == 1


def test_no_lock_is_held_while_a_callback_runs() -> None:
    """Another thread can read totals while a callback waits for it."""
    found, read = monitor(), list[int]()

    def ask(told: BudgetPassed) -> None:
        other = threading.Thread(target=lambda: read.append(found.total().requests))
        other.start()
        other.join(30)

    found.budget(ask, tokens=0)
    use(found)
    assert read == [1]


async def later(told: BudgetPassed) -> None:
    """A callback that would have to be awaited."""


WRONG: dict[str, tuple[Any, dict[str, Any], type[Exception], str]] = {
    "no limit": (print, {}, ValueError, "needs a limit: cost in US dollars, or tokens"),
    "text": (print, {"cost": "0.50"}, TypeError, "a number as cost, not '0.50'"),
    "bool": (print, {"tokens": True}, TypeError, "a number as tokens, not True"),
    "object": (print, {"cost": []}, TypeError, "a number as cost, not an object of class list"),
    "negative": (print, {"cost": -1}, ValueError, "a finite cost from 0, not -1"),
    "nan": (print, {"cost": float("nan")}, ValueError, "a finite cost from 0, not nan"),
    "decimal nan": (print, {"cost": Decimal("NaN")}, ValueError, "a finite cost from 0"),
    "infinite": (print, {"tokens": float("inf")}, ValueError, "a finite tokens from 0, not inf"),
    "no function": ("stop", {"cost": 1}, TypeError, "a plain function first, not 'stop'"),
    "coroutine function": (later, {"cost": 1}, TypeError, "a plain function first"),
    "per": (print, {"cost": 1, "per": 3}, TypeError, "names of attributes, not 3"),
    "empty per": (print, {"cost": 1, "per": ""}, TypeError, "names of attributes, not ''"),
    "misspelt per": (print, {"cost": 1, "per": "conversaton"}, ValueError, "did you mean 'conversation'"),
    "misspelt filter": (print, {"cost": 1, "Model": "m"}, ValueError, "did you mean 'model'"),
    "misspelt limit": (print, {"cost": 1, "token": 5}, ValueError, "did you mean 'tokens'"),
    "none": (print, {"cost": 1, "model": None}, TypeError, "'model' takes a text or a number, not None"),
}


@each_row(("callback", "keywords", "error", "message"), WRONG.values(), ids=WRONG)
def test_a_budget_that_cannot_work_is_an_error(
    callback: Any, keywords: dict[str, Any], error: type[Exception], message: str
) -> None:
    """The error names the argument, its value and what is accepted, and there is no budget."""
    found = monitor()
    with pytest.raises(error, match=re.escape(message)):
        found.budget(callback, **keywords)
    assert found._budgets == ()


def test_a_filter_is_a_mapping_and_only_a_budget_is_cancelled() -> None:
    """Other objects are errors at the call."""
    found, wrong = monitor(), Any
    for ask in (found.total, found.reset, lambda where: found.by("model", where)):
        with pytest.raises(TypeError, match="as keywords or in one mapping, not in 'c1'"):
            ask("c1")
    with pytest.raises(TypeError, match=r"the result of budget\(\), not an object of class"):
        found.cancel(wrong)  # type: ignore[arg-type]  # that is the point


def test_any_number_is_a_limit_and_any_usage_key_a_name() -> None:
    """A limit may be a number of any class; a name that is a usage key is no misspelt one."""
    found, passed = monitor("models"), list[BudgetPassed]()
    for limit in (0, 0.2, Decimal("0.2"), Fraction(1, 5)):
        found.budget(passed.append, {"cost": "a"}, cost=limit, per="models")  # type: ignore[arg-type]
    use(found, models="m", cost="a")
    assert [each.value for each in passed] == ["m"] * 4


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
