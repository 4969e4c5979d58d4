"""The data of one call, and what it keeps of other calls."""

from __future__ import annotations

from toolspan.otel.call_data import RememberedCall, Step, Turn

from .lab import new_call


def test_wall_times_follow_the_monotonic_clock() -> None:
    """A time of the wall clock is the beginning plus the monotonic time since then."""
    call = new_call()
    call.began, call.began_at = 1_000, 50
    assert (call.wall(50), call.wall(80)) == (1_000, 1_030)


def test_there_is_no_wall_time_without_a_beginning() -> None:
    """Without a beginning, or without a time, there is no time of the wall clock."""
    call = new_call()
    call.began, call.began_at = None, 50
    assert call.wall(80) is None
    call.began = 1_000
    assert call.wall(0) is None


def test_an_ended_call_keeps_no_error_and_no_span() -> None:
    """After `forget_all` the call refers to neither error nor secrets, so that both can be collected."""
    call = new_call(secrets=("key",))
    call.error, call.head = ValueError(), {}
    call.forget_all()
    assert (call.error, call.head) == (None, None)
    assert (call.span, call.context, call.secrets()) == (None, None, ())


def test_a_step_counts_the_executions_of_each_turn_once() -> None:
    """Several results of one turn bring that turn's executions once."""
    turn, other = Turn(executions=[(1, 2), (3, 4)]), Turn(executions=[(5, 6)])
    results = (RememberedCall("a", None, 0, turn), RememberedCall("b", None, 0, turn))
    step = Step(Turn(), results=(*results, RememberedCall("c", None, 0, other)))
    assert step.executions == [(1, 2), (3, 4), (5, 6)]


def test_a_remembered_call_begins_unanswered_and_a_turn_as_the_first_step() -> None:
    """A tool call has no result yet, its turnaround is not recorded, and nothing executes it."""
    call = RememberedCall("call_a", "f", 1, Turn())
    assert (call.answers, call.turnaround_recorded, call.taken) == (0, False, False)
    assert (call.turn.step, call.turn.calls, call.turn.executions) == (1, [], [])
