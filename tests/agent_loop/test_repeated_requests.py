"""Which attempt repeats which: by what is asked, by trace, task or thread; bounded in number and time."""

from __future__ import annotations

import random
import threading
from typing import Any
from weakref import ref

import pytest

from toolspan.agent_loop.repeated_requests import Left, Siblings, fingerprint
from toolspan.otel.call_data import Kin
from toolspan.wire.request import chat_request, embeddings_request, fetch_request, responses_request

from ..table import each_row

SECOND = 10**9
MINUTES = 60 * SECOND
ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
TOOL = {"type": "function", "function": {"name": "f"}}


class Task:
    """Stands for a task of an event loop."""

    def __init__(self) -> None:
        self.over = False

    def done(self) -> bool:
        """Whether it has ended."""
        return self.over


def kin(lane: Any = "here", *, what: int = 1, trace: int = 7, parent: int = 8) -> Kin:
    """An attempt's kin."""
    return Kin(what, trace, parent, lane)


def left(attempt: int = 1, *, parent: int = 8, at: int = 0) -> Left:
    """An attempt without success."""
    return Left(attempt, parent, f"span {attempt}", at)


def test_the_next_one() -> None:
    """An attempt is repeated once, by the next of its kin."""
    siblings = Siblings()
    assert siblings.recall(kin(), 0) is None
    siblings.leave(kin(), left())
    assert siblings.recall(kin(), SECOND) == left()
    assert siblings.recall(kin(), SECOND) is None


@pytest.mark.parametrize(
    "other",
    [kin(what=2), kin(trace=9), kin(trace=0, parent=0)],
    ids=["another request", "another trace", "no trace"],
)
def test_others(other: Kin) -> None:
    """What asks something else, or in another trace, is no sibling."""
    siblings = Siblings()
    siblings.leave(kin(), left())
    assert siblings.recall(other, SECOND) is None
    assert siblings.recall(kin(), SECOND) == left()


def test_without_a_trace_the_lane_decides() -> None:
    """Without a span around them, only those of the same thread or task are siblings."""
    siblings = Siblings()
    siblings.leave(kin("here", trace=0, parent=0), left(parent=0))
    assert siblings.recall(kin("there", trace=0, parent=0), SECOND) is None
    assert siblings.recall(kin("here", trace=0, parent=0), SECOND) == left(parent=0)


def test_within_a_trace() -> None:
    """Of others' attempts in the trace, that with the same parent comes first; one's own before it."""
    siblings = Siblings()
    siblings.leave(kin("a", parent=1), left(1, parent=1))
    siblings.leave(kin("b", parent=2), left(2, parent=2))
    siblings.leave(kin("c", parent=3), left(3, parent=3))
    siblings.leave(kin("x", what=9, parent=2), left(9, parent=2))
    assert siblings.recall(kin("c", parent=2), SECOND) == left(3, parent=3)
    assert siblings.recall(kin("d", parent=2), SECOND) == left(2, parent=2)
    assert siblings.recall(kin("d", parent=2), SECOND) == left(1, parent=1)
    assert siblings.recall(kin("d", parent=2), SECOND) is None


def test_a_task_that_runs_repeats_its_own() -> None:
    """The attempt of a task is another one's to repeat only when the task has ended, or is gone."""
    siblings, first, second = Siblings(), Task(), Task()
    siblings.leave(kin(ref(first)), left(1))
    siblings.leave(kin(ref(second)), left(2))
    assert siblings.recall(kin("other"), SECOND) is None
    first.over = True
    assert siblings.recall(kin("other"), SECOND) == left(1)
    assert siblings.recall(kin("other"), SECOND) is None
    mark = ref(second)
    hash(mark)
    del second
    assert mark() is None
    assert siblings.recall(kin("other"), SECOND) == left(2)


def test_time() -> None:
    """After five minutes an attempt is forgotten."""
    siblings = Siblings()
    siblings.leave(kin(), left())
    assert siblings.recall(kin(), 5 * MINUTES) == left()
    siblings.leave(kin(), left())
    assert siblings.recall(kin(), 5 * MINUTES + 1) is None
    siblings.leave(kin("old"), left())
    siblings.leave(kin("new"), left(at=6 * MINUTES))
    assert len(siblings._left) == len(siblings._groups) == 1


def test_success() -> None:
    """Success ends what the same lane has tried before, and no other lane's."""
    siblings = Siblings()
    siblings.leave(kin("a"), left(1))
    siblings.leave(kin("b"), left(2))
    siblings.settle(kin("a"))
    siblings.settle(kin("a"))
    assert siblings.recall(kin("a"), SECOND) == left(2)


def test_bound() -> None:
    """A thousand attempts are remembered, the oldest are forgotten first, one left again is a new one."""
    siblings = Siblings()
    for number in range(3_000):
        siblings.leave(kin(number, what=number), left(at=number))
        siblings.leave(kin("again"), left(at=number))
    assert len(siblings._order) == 1024
    assert len(siblings._left) <= 1024
    assert len(siblings._groups) <= 1024
    assert siblings.recall(kin(100, what=100), SECOND) is None
    assert siblings.recall(kin(2_999, what=2_999), SECOND) == left(at=2_999)
    assert siblings.recall(kin("again"), SECOND) == left(at=2_999)


def test_another_thread_was_faster() -> None:
    """What another thread has dropped meanwhile is no error."""
    siblings = Siblings()
    siblings._order = type("Emptied", (type(siblings._order),), {"__len__": lambda self: 2_000})()
    siblings.leave(kin(), left())
    assert siblings.recall(kin(), SECOND) is None


def test_threads() -> None:
    """Threads that leave and recall at once raise nothing, mix nothing up and keep within the bound."""
    siblings, wrong = Siblings(), list[object]()

    def turn(lane: int) -> None:
        dice = random.Random(lane)
        try:
            for number in range(2_000):
                mine = Kin(dice.randrange(3), 0, 0, lane)
                siblings.leave(mine, Left(number, 0, lane, number))
                found = siblings.recall(mine, number)
                if found is not None and (found.attempt, found.span) != (number, lane):
                    wrong.append(found)
                shared = Kin(dice.randrange(3), 7, lane, lane)
                siblings.leave(shared, Left(number, lane, lane, number))
                siblings.recall(shared._replace(lane=-1), number)
                siblings.settle(shared)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=turn, args=(lane,)) for lane in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(siblings._left) <= 1024


def of(read: Any, body: dict[str, Any], api: str = "x") -> int | None:
    """The fingerprint of a request."""
    return fingerprint("chat", api, read(body, keep=False))


def test_fingerprint() -> None:
    """API, model, number of messages, tools and the last message tell requests apart; parameters do not."""
    same = of(chat_request, ASK)
    assert same is not None
    assert of(chat_request, {**ASK, "temperature": 1, "stream": True}) == same
    others = [
        of(chat_request, ASK, "y"),
        of(chat_request, {**ASK, "model": "n"}),
        of(chat_request, {**ASK, "messages": ASK["messages"] * 2}),
        of(chat_request, {**ASK, "tools": [TOOL]}),
        of(chat_request, {**ASK, "messages": [{"role": "user", "content": "Ho"}]}),
        of(responses_request, {"model": "m", "input": "Hi"}),
        of(responses_request, {"model": "m", "input": "Hi", "previous_response_id": "resp_1"}),
        of(responses_request, {"model": "m", "prompt": {"id": "pmpt_1"}}),
        of(embeddings_request, {"model": "m", "input": ["Hi"]}),
        of(embeddings_request, {"model": "m", "input": ["Ho"]}),
        of(fetch_request, {"response_id": "resp_1"}),
        of(fetch_request, {"response_id": "resp_2"}),
    ]
    assert len({same, *others}) == len(others) + 1
    assert None not in others


@each_row("body", [{}, {"model": "m"}, {"model": "m", "messages": []}, {"messages": 5}])
def test_nothing_asked(body: dict[str, Any]) -> None:
    """A request of which too little is known is never known again."""
    assert of(chat_request, body) is None
    assert of(embeddings_request, body) is None
