"""`toolspan.usage` by itself: totals that forget whom and never how much, budgets that call back once."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolspan import guard
from toolspan.accounting.budgets import BudgetPassed
from toolspan.accounting.monitor import UsageMonitor
from toolspan.accounting.totals import OTHER, Totals, UsageTotal

ONE = UsageTotal(1, 10, 5, 2, 1, 0.25)


def monitor(*keys: str) -> UsageMonitor:
    """A monitor of its own."""
    found = UsageMonitor()
    found.keep(keys)
    return found


def use(found: UsageMonitor, used: UsageTotal = ONE, **names: str) -> None:
    """A request ends."""
    found.add(names, used)


def test_totals() -> None:
    """In all, by one name, by several, and for each value of a name."""
    found = monitor("feature")
    use(found, conversation="c1", model="m1", feature="search")
    use(found, conversation="c1", model="m2")
    use(found, conversation="c2", model="m1", feature="search")
    use(found, UsageTotal(1, uncounted=1, unpriced=1), model="m1")
    assert found.total() == UsageTotal(4, 30, 15, 6, 3, 0.75, 1, 1)
    assert found.total().tokens == 45
    assert found.total(conversation="c1").requests == 2
    assert found.total(conversation="c1", model="m1") == ONE
    assert found.total({"feature": "search"}).cost == 0.5
    assert found.total(model="unknown") == UsageTotal()
    assert {name: each.requests for name, each in found.by("conversation").items()} == {
        "c1": 2,
        "c2": 1,
        None: 1,
    }
    assert {name: each.requests for name, each in found.by("model", feature="search").items()} == {"m1": 2}


def test_unknown_name() -> None:
    """A name by which nothing is kept is a mistake that is told, not a zero."""
    found = monitor()
    for ask in (found.total, found.reset):
        with pytest.raises(ValueError, match="no totals by 'feature', only by conversation, model"):
            ask(feature="search")
    with pytest.raises(ValueError, match="no totals by 'feature'"):
        found.by("feature")


def test_reset() -> None:
    """Totals begin anew, in all or in part."""
    found = monitor()
    use(found, conversation="c1")
    use(found, conversation="c2")
    found.reset(conversation="c1")
    assert (found.total(conversation="c1").requests, found.total().requests) == (0, 1)
    found.reset()
    assert found.total() == UsageTotal()


def test_other_keys_later() -> None:
    """A new instrumentation with other keys loses no sum; what is no key any more is added up."""
    found = monitor("feature")
    use(found, feature="search", tenant="a", model="m1")
    use(found, feature="chat", tenant="b", model="m1")
    found.keep(("tenant",))
    use(found, tenant="a", model="m1")
    assert found.total(model="m1").requests == 3
    assert {name: each.requests for name, each in found.by("tenant").items()} == {None: 2, "a": 1}
    found.keep(("tenant", "model"))
    assert found.by("tenant").keys() == {None, "a"}


_NAMES = st.sampled_from(["a", "b", "c", "d", None])


@given(st.lists(st.tuples(_NAMES, _NAMES, _NAMES), max_size=60), st.integers(1, 6))
def test_bounded(keys: list[tuple[Any, Any, Any]], most: int) -> None:
    """However many come: no more cells than that, and not one request is lost."""
    totals = Totals(("conversation", "feature", "model"), most)
    for key in keys:
        totals.add(key, ONE)
    assert len(totals._cells) <= most
    assert totals.total({}).requests == len(keys)
    for name in totals.names:
        assert sum(each.requests for each in totals.by(name, {}).values()) == len(keys)


def test_what_is_forgotten_first() -> None:
    """The conversation that was used longest ago goes first; its model's sum stays exact."""
    totals = Totals(("conversation", "model"), 3)
    for conversation in ("c1", "c2", "c3", "c1", "c4", "c5"):
        totals.add((conversation, "m1"), ONE)
    assert {name: each.requests for name, each in totals.by("conversation", {}).items()} == {
        OTHER: 4,
        "c4": 1,
        "c5": 1,
    }
    assert totals.total({"model": "m1"}).requests == 6


def test_budget() -> None:
    """It counts from when it was set, calls back when more was used, once; after a reset, once more."""
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


def test_budget_for_each_value() -> None:
    """With `per` each value has the budget by itself; names need not be kept as keys for that."""
    found, passed = monitor(), list[BudgetPassed]()
    budget = found.budget(passed.append, {"feature": "search"}, tokens=20, per="tenant")
    for tenant in ("a", "b", "a", "a", "c"):
        use(found, tenant=tenant, feature="search")
    use(found, tenant="b", feature="chat")
    assert [(each.value, each.total.tokens) for each in passed] == [("a", 30)]
    assert (budget.spent("b").tokens, budget.spent("a").tokens, budget.spent().tokens) == (15, 45, 0)


def test_budget_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many values the one used longest ago is forgotten, and may pass again."""
    monkeypatch.setattr("toolspan.accounting.budgets._MOST_VALUES", 2)
    found, passed = monitor(), list[BudgetPassed]()
    budget = found.budget(passed.append, cost=0.2, per="conversation")
    for conversation in ("c1", "c2", "c3", "c1"):
        use(found, conversation=conversation)
    assert [each.value for each in passed] == ["c1", "c2", "c3", "c1"]
    assert len(budget._used) == len(budget._passed) == 2


@pytest.mark.usefixtures("reraise")
def test_callback_that_raises(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged once, without its words; the other budgets are told."""
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


def test_callback_that_asks() -> None:
    """A callback may ask for totals, set budgets and use more."""
    found, heard = monitor(), list[Any]()

    def ask(told: BudgetPassed) -> None:
        heard.append(found.total().requests)
        if len(heard) < 3:
            found.budget(ask, tokens=0)
            use(found)

    found.budget(ask, tokens=0)
    use(found)
    assert heard == [1, 2, 3]


def test_many_threads() -> None:
    """Nothing is lost or told twice where many threads end requests at once."""
    found, passed = monitor(), list[BudgetPassed]()
    found.budget(passed.append, cost=500)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [
            threading.Thread(target=lambda: [use(found, conversation="c") for _ in range(500)])
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert found.total().requests == 4000
    assert len(passed) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_while_locked() -> None:
    """A child that was forked while another thread held the lock can still count."""
    found = monitor()
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with found._lock:
            held.set()
            over.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    child = os.fork()
    if child == 0:
        use(found)
        os._exit(0 if found.total().requests == 1 else 1)
    over.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
