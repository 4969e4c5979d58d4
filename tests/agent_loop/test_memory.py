"""The memory of calls: found by id, the right one of several, bounded."""

from __future__ import annotations

import threading

from toolspan.agent_loop.memory import LONGEST_TEXT, MOST_TEXTS, Memory
from toolspan.otel.call_data import RememberedCall, Turn


def asked(identity: str, turn: Turn | None = None, name: str = "f") -> RememberedCall:
    """A call that is complete."""
    return RememberedCall(identity, name, 1, turn or Turn())


def nothing(call: RememberedCall) -> int:
    """Nothing speaks for any."""
    return 0


def test_call_is_found_by_its_id() -> None:
    """A call is found by its id; an unknown id finds none."""
    memory, call = Memory(), asked("a")
    memory.remember(call)
    assert memory.find("a", nothing) is call
    assert memory.find("b", nothing) is None
    assert call.turn.calls == [call]


def test_best_match_among_calls_with_one_id_counts() -> None:
    """Of calls with one id the best match counts, then the first without a result."""
    memory, first, second, third = Memory(), asked("a"), asked("a"), asked("a")
    for call in (first, second, third):
        memory.remember(call)
    assert memory.find("a", lambda call: int(call is second)) is second
    assert memory.find("a", nothing) is first
    first.answers = 1
    assert memory.find("a", nothing) is second
    assert memory.find("a", lambda call: int(call is first)) is first
    assert memory.find("a", lambda call: int(call is not second)) is third


def test_call_of_a_response_fetched_again_is_remembered_once() -> None:
    """A call is remembered once, also if its response is fetched again and again."""
    memory, turn = Memory(), Turn(response="resp_1")
    memory.remember(asked("a", turn))
    memory.remember(asked("a", turn))
    memory.remember(asked("a", Turn(response="resp_1")))
    assert len(memory) == len(turn.calls) == 1


def test_oldest_calls_and_turns_are_forgotten_first() -> None:
    """Calls that are never answered displace the oldest; turns do too."""
    memory = Memory(most=10)
    for at in range(1000):
        turn = Turn(response=f"resp_{at}")
        memory.remember(asked(f"call_{at}", turn))
        memory.remember(asked("same", turn))
        memory.keep_turn(turn, f"resp_{at}")
    assert len(memory) == 10
    assert memory.find("call_0", nothing) is None
    assert memory.find("call_999", nothing) is not None
    assert memory.turn(["resp_0"]) is None
    assert memory.turn(["resp_0", "resp_995"]) is not None
    assert sum(len(calls) for calls in memory._calls.values()) == 10
    assert len(memory._turns) == 10


def test_arguments_are_kept_of_the_newest_calls_only() -> None:
    """The memory keeps the arguments of a bounded number of calls, each of a bounded length."""
    memory = Memory()
    calls = [RememberedCall(f"call_{at}", "f", 1, Turn(), arguments="{}") for at in range(MOST_TEXTS + 1)]
    calls.append(RememberedCall("long", "f", 1, Turn(), arguments="x" * (LONGEST_TEXT + 1)))
    for call in calls:
        memory.remember(call)
    assert [call.id for call in calls if not call.arguments] == ["call_0", "long"]


def test_open_calls_of_a_tool_are_found_newest_first() -> None:
    """The open calls of a tool have no result and are not being executed; the newest is first."""
    memory = Memory()
    calls = [asked("a"), asked("b"), asked("c", name="g"), asked("d"), asked("e")]
    for call in calls:
        memory.remember(call)
    calls[1].answers, calls[3].taken = 1, True
    assert memory.open("f") == [calls[4], calls[0]]


def test_threads_that_remember_and_find_lose_nothing() -> None:
    """Threads that remember and find at the same time lose nothing and raise nothing."""
    memory = Memory(most=64)
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for at in range(500):
                memory.remember(asked(f"{number}-{at}"))
                memory.find(f"{number}-{at - 1}", nothing)
                memory.open("f")
                memory.keep_turn(Turn(), f"{number}-{at}", "all")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(memory) <= 64 + 8


def test_call_forgotten_by_two_threads_raises_nothing() -> None:
    """Two threads that forget the same call do no harm."""
    memory, first, second = Memory(), asked("a"), asked("a")
    memory.remember(first)
    memory.remember(second)
    memory._forget(first)
    memory._forget(first)
    assert memory.find("a", nothing) is second


def test_call_whose_response_is_named_late_is_remembered_once() -> None:
    """A call that came before the id of its response is known again when the response is fetched."""
    memory, turn = Memory(), Turn()
    memory.remember(asked("a", turn))
    memory.name_turn(turn, "resp_1")
    memory.remember(asked("a", Turn(response="resp_1")))
    assert len(memory) == 1


def test_one_id_for_all_calls_makes_no_call_slower_and_nothing_is_kept() -> None:
    """A server that repeats one id fills the memory to its bound; what is forgotten leaves nothing behind."""
    memory = Memory(16)
    for number in range(100):
        memory.remember(asked("same", Turn(response=f"resp_{number}")))
    assert (len(memory), len(memory._known)) == (16, 32)
