"""Which attempt repeats which: by what is asked, by trace, task or thread; bounded in number and time."""

from __future__ import annotations

import random
import threading
from typing import Any
from weakref import ref

import pytest

from toolspan.agent_loop.repeated_requests import FailedAttempt, FailedAttempts, fingerprint
from toolspan.otel.call_data import RequestKey
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


def request_key(caller: Any = "here", *, what: int = 1, trace: int = 7, parent: int = 8) -> RequestKey:
    """An attempt's kin."""
    return RequestKey(what, trace, parent, caller)


def left(attempt: int = 1, *, parent: int = 8, at: int = 0) -> FailedAttempt:
    """An attempt without success."""
    return FailedAttempt(attempt, parent, f"span {attempt}", at)


def test_the_next_one() -> None:
    """An attempt is repeated once, by the next of its kin."""
    siblings = FailedAttempts()
    assert siblings.recall(request_key(), 0) is None
    siblings.leave(request_key(), left())
    assert siblings.recall(request_key(), SECOND) == left()
    assert siblings.recall(request_key(), SECOND) is None


@pytest.mark.parametrize(
    "other",
    [request_key(what=2), request_key(trace=9), request_key(trace=0, parent=0)],
    ids=["another request", "another trace", "no trace"],
)
def test_others(other: RequestKey) -> None:
    """What asks something else, or in another trace, is no sibling."""
    siblings = FailedAttempts()
    siblings.leave(request_key(), left())
    assert siblings.recall(other, SECOND) is None
    assert siblings.recall(request_key(), SECOND) == left()


def test_without_a_trace_the_lane_decides() -> None:
    """Without a span around them, only those of the same thread or task are siblings."""
    siblings = FailedAttempts()
    siblings.leave(request_key("here", trace=0, parent=0), left(parent=0))
    assert siblings.recall(request_key("there", trace=0, parent=0), SECOND) is None
    assert siblings.recall(request_key("here", trace=0, parent=0), SECOND) == left(parent=0)


def test_within_a_trace() -> None:
    """Of others' attempts in the trace, that with the same parent comes first; one's own before it."""
    siblings = FailedAttempts()
    siblings.leave(request_key("a", parent=1), left(1, parent=1))
    siblings.leave(request_key("b", parent=2), left(2, parent=2))
    siblings.leave(request_key("c", parent=3), left(3, parent=3))
    siblings.leave(request_key("x", what=9, parent=2), left(9, parent=2))
    assert siblings.recall(request_key("c", parent=2), SECOND) == left(3, parent=3)
    assert siblings.recall(request_key("d", parent=2), SECOND) == left(2, parent=2)
    assert siblings.recall(request_key("d", parent=2), SECOND) == left(1, parent=1)
    assert siblings.recall(request_key("d", parent=2), SECOND) is None


def test_a_task_that_runs_repeats_its_own() -> None:
    """The attempt of a task is another one's to repeat only when the task has ended, or is gone."""
    siblings, first, second = FailedAttempts(), Task(), Task()
    siblings.leave(request_key(ref(first)), left(1))
    siblings.leave(request_key(ref(second)), left(2))
    assert siblings.recall(request_key("other"), SECOND) is None
    first.over = True
    assert siblings.recall(request_key("other"), SECOND) == left(1)
    assert siblings.recall(request_key("other"), SECOND) is None
    mark = ref(second)
    hash(mark)
    del second
    assert mark() is None
    assert siblings.recall(request_key("other"), SECOND) == left(2)


def test_time() -> None:
    """After five minutes an attempt is forgotten."""
    siblings = FailedAttempts()
    siblings.leave(request_key(), left())
    assert siblings.recall(request_key(), 5 * MINUTES) == left()
    siblings.leave(request_key(), left())
    assert siblings.recall(request_key(), 5 * MINUTES + 1) is None
    siblings.leave(request_key("old"), left())
    siblings.leave(request_key("new"), left(at=6 * MINUTES))
    assert len(siblings._attempts) == len(siblings._groups) == 1


def test_success() -> None:
    """Success ends what the same lane has tried before, and no other lane's."""
    siblings = FailedAttempts()
    siblings.leave(request_key("a"), left(1))
    siblings.leave(request_key("b"), left(2))
    siblings.succeeded(request_key("a"))
    siblings.succeeded(request_key("a"))
    assert siblings.recall(request_key("a"), SECOND) == left(2)


def test_bound() -> None:
    """A thousand attempts are remembered, the oldest are forgotten first, one left again is a new one."""
    siblings = FailedAttempts()
    for number in range(3_000):
        siblings.leave(request_key(number, what=number), left(at=number))
        siblings.leave(request_key("again"), left(at=number))
    assert len(siblings._order) == 1024
    assert len(siblings._attempts) <= 1024
    assert len(siblings._groups) <= 1024
    assert siblings.recall(request_key(100, what=100), SECOND) is None
    assert siblings.recall(request_key(2_999, what=2_999), SECOND) == left(at=2_999)
    assert siblings.recall(request_key("again"), SECOND) == left(at=2_999)


def test_another_thread_was_faster() -> None:
    """What another thread has dropped meanwhile is no error."""
    siblings = FailedAttempts()
    siblings._order = type("Emptied", (type(siblings._order),), {"__len__": lambda self: 2_000})()
    siblings.leave(request_key(), left())
    assert siblings.recall(request_key(), SECOND) is None


def test_threads() -> None:
    """Threads that leave and recall at once raise nothing, mix nothing up and keep within the bound."""
    siblings, wrong = FailedAttempts(), list[object]()

    def turn(caller: int) -> None:
        dice = random.Random(caller)
        try:
            for number in range(2_000):
                mine = RequestKey(dice.randrange(3), 0, 0, caller)
                siblings.leave(mine, FailedAttempt(number, 0, caller, number))
                found = siblings.recall(mine, number)
                if found is not None and (found.attempt, found.span) != (number, caller):
                    wrong.append(found)
                shared = RequestKey(dice.randrange(3), 7, caller, caller)
                siblings.leave(shared, FailedAttempt(number, caller, caller, number))
                siblings.recall(shared._replace(caller=-1), number)
                siblings.succeeded(shared)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=turn, args=(caller,)) for caller in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(siblings._attempts) <= 1024


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
