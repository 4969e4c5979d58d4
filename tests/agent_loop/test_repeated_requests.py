"""Which attempt repeats which: by content, trace, task or thread; bounded in number and time."""

from __future__ import annotations

import random
import threading
from typing import Any
from weakref import ref

import pytest

from toolspan.agent_loop.repeated_requests import FailedAttempt, FailedAttempts, RequestKey, fingerprint
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


def test_next_equal_request_repeats_an_attempt_once() -> None:
    """An attempt is repeated once, by the next equal request."""
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
def test_different_request_or_trace_is_no_repetition(other: RequestKey) -> None:
    """A different request, or one in another trace, repeats nothing."""
    siblings = FailedAttempts()
    siblings.leave(request_key(), left())
    assert siblings.recall(other, SECOND) is None
    assert siblings.recall(request_key(), SECOND) == left()


def test_requests_without_a_trace_repeat_within_their_thread_or_task() -> None:
    """Without a span around them, only requests of the same thread or task are repetitions."""
    siblings = FailedAttempts()
    siblings.leave(request_key("here", trace=0, parent=0), left(parent=0))
    assert siblings.recall(request_key("there", trace=0, parent=0), SECOND) is None
    assert siblings.recall(request_key("here", trace=0, parent=0), SECOND) == left(parent=0)


def test_own_attempt_comes_before_others_of_the_trace() -> None:
    """In a trace the caller's own attempt comes first, then one with the same parent."""
    siblings = FailedAttempts()
    siblings.leave(request_key("a", parent=1), left(1, parent=1))
    siblings.leave(request_key("b", parent=2), left(2, parent=2))
    siblings.leave(request_key("c", parent=3), left(3, parent=3))
    siblings.leave(request_key("x", what=9, parent=2), left(9, parent=2))
    assert siblings.recall(request_key("c", parent=2), SECOND) == left(3, parent=3)
    assert siblings.recall(request_key("d", parent=2), SECOND) == left(2, parent=2)
    assert siblings.recall(request_key("d", parent=2), SECOND) == left(1, parent=1)
    assert siblings.recall(request_key("d", parent=2), SECOND) is None


def test_attempt_of_a_running_task_is_not_another_tasks() -> None:
    """Another task repeats an attempt only when the first task has ended, or is gone."""
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


def test_attempt_is_forgotten_after_five_minutes() -> None:
    """After five minutes an attempt is forgotten."""
    siblings = FailedAttempts()
    siblings.leave(request_key(), left())
    assert siblings.recall(request_key(), 5 * MINUTES) == left()
    siblings.leave(request_key(), left())
    assert siblings.recall(request_key(), 5 * MINUTES + 1) is None
    siblings.leave(request_key("old"), left())
    siblings.leave(request_key("new"), left(at=6 * MINUTES))
    assert len(siblings.attempts) == len(siblings._groups) == 1


def test_success_ends_the_attempts_of_its_caller_only() -> None:
    """Success ends the earlier attempts of the same caller, and of no other."""
    siblings = FailedAttempts()
    siblings.leave(request_key("a"), left(1))
    siblings.leave(request_key("b"), left(2))
    siblings.succeeded(request_key("a"))
    siblings.succeeded(request_key("a"))
    assert siblings.recall(request_key("a"), SECOND) == left(2)


def test_thousand_attempts_are_remembered_oldest_forgotten_first() -> None:
    """A thousand attempts are remembered; an attempt that is remembered again is new."""
    siblings = FailedAttempts()
    for number in range(3_000):
        siblings.leave(request_key(number, what=number), left(at=number))
        siblings.leave(request_key("again"), left(at=number))
    assert len(siblings._order) == 1024
    assert len(siblings.attempts) <= 1024
    assert len(siblings._groups) <= 1024
    assert siblings.recall(request_key(100, what=100), SECOND) is None
    assert siblings.recall(request_key(2_999, what=2_999), SECOND) == left(at=2_999)
    assert siblings.recall(request_key("again"), SECOND) == left(at=2_999)


def test_attempt_removed_by_another_thread_raises_nothing() -> None:
    """What another thread has dropped meanwhile is no error."""
    siblings = FailedAttempts()
    siblings._order = type("Emptied", (type(siblings._order),), {"__len__": lambda self: 2_000})()
    siblings.leave(request_key(), left())
    assert siblings.recall(request_key(), SECOND) is None


def test_threads_that_remember_and_find_mix_up_no_attempts() -> None:
    """Threads at the same time raise nothing, mix up nothing and keep within the bound."""
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
    assert len(siblings.attempts) <= 1024


def of(read: Any, body: dict[str, Any], api: str = "x") -> int | None:
    """The fingerprint of a request."""
    return fingerprint("chat", api, read(body, keep=False))


def test_api_model_messages_and_tools_tell_requests_apart() -> None:
    """API, model, number of messages, tools and the last message count; parameters do not."""
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
def test_request_without_content_is_never_a_repetition(body: dict[str, Any]) -> None:
    """A request of which too little is known is never known again."""
    assert of(chat_request, body) is None
    assert of(embeddings_request, body) is None
