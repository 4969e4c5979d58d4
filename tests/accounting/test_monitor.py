"""`toolspan.usage` without the SDK: totals, reset, threads and forks."""

from __future__ import annotations

import os
import sys
import threading
from typing import cast

import pytest

from toolspan import guard
from toolspan.accounting.budgets import BudgetPassed
from toolspan.accounting.monitor import Facts, UsageMonitor
from toolspan.accounting.totals import UsageTotal
from toolspan.wire.events import Usage

ONE = UsageTotal(1, 10, 5, 2, 1, 0.25)


def monitor(*keys: str) -> UsageMonitor:
    """Return a new monitor."""
    found = UsageMonitor()
    found.keep(keys)
    return found


def use(found: UsageMonitor, used: UsageTotal = ONE, **names: str) -> None:
    """Count a request, and notify as the end of its call does."""
    usage = (
        None if used.uncounted else Usage(used.input, used.output, used.cache_read, reasoning=used.reasoning)
    )
    cost = None if used.unpriced else used.cost
    user = {name: value for name, value in names.items() if name not in ("conversation", "model")}
    for passed in found.add(Facts(user, names.get("conversation"), names.get("model"), usage, cost)):
        passed.notify()


def test_totals_are_summed_by_any_combination_of_names() -> None:
    """Totals are available in all, by one name, by several, and for each value of a name."""
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


def test_an_unknown_name_is_a_value_error() -> None:
    """A name that is not a usage key is an error, not a zero."""
    found = monitor()
    for ask in (found.total, found.reset):
        with pytest.raises(ValueError, match="no totals by 'feature', only by conversation, model"):
            ask(feature="search")
    with pytest.raises(ValueError, match="no totals by 'feature'"):
        found.by("feature")


def test_totals_are_reset_in_all_or_in_part() -> None:
    """A reset clears all totals, or those of some values."""
    found = monitor()
    use(found, conversation="c1")
    use(found, conversation="c2")
    found.reset(conversation="c1")
    assert (found.total(conversation="c1").requests, found.total().requests) == (0, 1)
    found.reset()
    assert found.total() == UsageTotal()


def test_other_usage_keys_later_lose_no_sum() -> None:
    """Other usage keys keep all sums; a former key is summed up."""
    found = monitor("feature")
    use(found, feature="search", tenant="a", model="m1")
    use(found, feature="chat", tenant="b", model="m1")
    found.keep(("tenant",))
    use(found, tenant="a", model="m1")
    assert found.total(model="m1").requests == 3
    assert {name: each.requests for name, each in found.by("tenant").items()} == {None: 2, "a": 1}
    found.keep(("tenant", "model"))
    assert found.by("tenant").keys() == {None, "a"}


def test_concurrent_requests_are_counted_and_notified_once() -> None:
    """Requests of many threads are all counted, and a budget calls back once."""
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
def test_a_child_forked_while_locked_can_count() -> None:
    """A child forked while another thread holds the lock can count."""
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


def test_a_request_that_cannot_be_counted_costs_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Requests are counted when somebody asks: an error then is logged, and whoever asks gets the others."""
    monkeypatch.setattr(guard, "reraise", False)
    found, wrong = monitor(), Facts({}, None, "m1", cast("Usage", 5), None)
    use(found, model="m1")
    found.add(wrong)
    use(found, model="m1")
    assert found.total().requests == 2
    (record,) = caplog.records
    assert "counting the usage of a request" in record.getMessage()
