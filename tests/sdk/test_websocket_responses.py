"""Which response an event belongs to in the Responses API, where lanes have names; without any connection."""

from __future__ import annotations

import json

import pytest

from toolspan.wire.record import End

from .socket_responses import DELTA, ERROR, Noted, begun, ended


def test_parallel_lanes() -> None:
    """Events that come in turns go to the response of their lane; each ends at its own end."""
    noted = Noted()
    for lane in ("a", "b", None):
        noted.ask(lane)
    noted.hear(begun("resp_b"), lane="b")
    noted.hear(begun("resp_0"))
    noted.hear(begun("resp_a"), lane="a")
    for lane in ("a", "b", None, "a"):
        noted.hear(DELTA, lane=lane)
    noted.hear(ended("resp_a"), lane="a")
    assert noted.outcomes == ["completed", None, None]
    noted.hear(DELTA, ended("resp_b"), lane="b")
    noted.hear(ended("resp_0"))
    assert noted.outcomes == ["completed"] * 3
    assert noted.ids == ["resp_a", "resp_b", "resp_0"]
    assert [call.record.chunks for call in noted.calls] == [4, 4, 3]


def test_server_that_does_not_repeat_the_lane() -> None:
    """Where events name no lane, the only response that is open gets them."""
    noted = Noted()
    noted.ask("a")
    noted.hear(begun("resp_1"), DELTA, ended("resp_1"))
    assert (noted.outcomes, noted.ids) == (["completed"], ["resp_1"])


def test_two_requests_in_one_lane() -> None:
    """Requests that wait in one lane are answered in their order."""
    noted = Noted()
    noted.ask("a")
    noted.ask("a")
    noted.hear(begun("resp_1"), ended("resp_1"), begun("resp_2"), DELTA, ended("resp_2"), lane="a")
    assert noted.ids == ["resp_1", "resp_2"]
    assert [call.record.chunks for call in noted.calls] == [2, 3]


def test_successor_that_nobody_asked_for() -> None:
    """After steering, the server begins a response by itself; it has a call of its own."""
    noted = Noted()
    noted.ask()
    noted.hear(begun("resp_1"), {"type": "response.steer.accepted"})
    noted.hear(ended("resp_1", "incomplete", incomplete_details={"reason": "steered"}))
    noted.hear(begun("resp_2"), DELTA, ended("resp_2"))
    assert noted.outcomes == ["completed", "completed"]
    assert noted.ids == ["resp_1", "resp_2"]
    assert [call.record.chunks for call in noted.calls] == [2, 3]  # a notice of steering is no part of it


def test_successor_takes_no_other_lanes_request() -> None:
    """A response that the server begins by itself in one lane is not the one asked for in another."""
    noted = Noted()
    noted.ask("a")
    noted.hear(begun("resp_1"), ended("resp_1", "incomplete"), lane="a")
    noted.ask("b")
    noted.hear(begun("resp_2"), lane="a")
    noted.hear(begun("resp_3"), ended("resp_3"), lane="b")
    noted.hear(ended("resp_2"), lane="a")
    assert noted.ids == ["resp_1", "resp_3", "resp_2"]


def test_event_of_a_lane_that_is_over() -> None:
    """What still comes of a lane whose response has ended is not taken for another lane's."""
    noted = Noted()
    noted.ask("a")
    noted.ask("b")
    noted.hear(begun("resp_a"), lane="a")
    noted.hear(begun("resp_b"), lane="b")
    noted.hear(ERROR, lane="a")
    noted.hear(DELTA, ended("resp_a", "failed", error={"code": "bad", "message": "no"}), lane="a")
    assert noted.outcomes == ["failed", None]
    assert noted.calls[1].record.chunks == 1
    noted.hear(ended("resp_b"), lane="b")
    assert noted.outcomes == ["failed", "completed"]


@pytest.mark.parametrize("first", [None, "a"], ids=str)
def test_error_of_a_request_that_was_refused(first: str | None) -> None:
    """An error for a lane whose response is not created ends that request, and no other lane's response."""
    noted = Noted()
    noted.ask(first)
    noted.hear(begun("resp_1"), lane=first)
    noted.ask("b")
    noted.hear(ERROR, lane="b")
    assert noted.outcomes == [None, "failed"]
    noted.hear(ended("resp_1"), lane=first)
    assert noted.outcomes == ["completed", "failed"]


def test_error_before_anything_was_created() -> None:
    """An error ends the request that waits; the next is answered as if nothing had been."""
    noted = Noted()
    noted.ask()
    noted.hear(ERROR)
    noted.ask()
    noted.hear(begun("resp_2"), DELTA, ended("resp_2"))
    assert noted.outcomes == ["failed", "completed"]
    assert noted.calls[0].record.failure == "bad"
    assert noted.ids[1] == "resp_2"


def test_error_without_a_response() -> None:
    """An error when nothing is asked for is nobody's."""
    noted = Noted()
    noted.hear(ERROR)
    assert noted.calls == []


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        (End.CLOSED, "closed"),
        (End.EXHAUSTED, "truncated"),
        (End.DROPPED, "abandoned"),
        (OSError(), "failed"),
        (KeyboardInterrupt(), "cancelled"),
    ],
    ids=lambda value: getattr(value, "name", type(value).__name__),
)
def test_end_of_the_connection(end: End | BaseException, outcome: str) -> None:
    """What is open ends with the connection, whether it was begun or only asked for; once more is nothing."""
    noted = Noted()
    noted.ask("a")
    noted.ask("b")
    noted.hear(begun("resp_1"), lane="b")
    noted.lanes.end(end)
    noted.lanes.end(End.CLOSED)
    assert noted.outcomes == [outcome, outcome]
    noted.ask("a")
    noted.hear(begun("resp_2"), ended("resp_2"), lane="a")
    assert noted.outcomes == [outcome, outcome, "completed"]


def test_lane_that_begins_again() -> None:
    """A response that never ended is cut off where its lane begins another."""
    noted = Noted()
    noted.hear(begun("resp_1"), DELTA, begun("resp_2"), ended("resp_2"))
    assert (noted.outcomes, noted.ids) == (["truncated", "completed"], ["resp_1", "resp_2"])


def test_unwanted_responses() -> None:
    """Responses that are not wanted are followed all the same, so that no other gets their events."""
    noted = Noted(wanted=False)
    noted.ask("a")
    noted.hear(begun("resp_1"), DELTA, lane="a")
    noted._wanted = True
    noted.ask("b")
    noted.hear(begun("resp_2"), lane="b")
    noted.hear(DELTA, ended("resp_1"), lane="a")
    noted.hear(ended("resp_2"), lane="b")
    noted.lanes.dropped()
    assert (noted.outcomes, noted.ids) == (["completed"], ["resp_2"])
    assert noted.calls[0].record.chunks == 2


def test_text_and_bytes() -> None:
    """Messages are read as text, as bytes and as objects; requests too."""
    noted = Noted()
    noted.lanes.sent(json.dumps({"type": "response.create", "model": "gpt-test"}))
    noted.lanes.sent(b'{"type": "response.cancel"}')
    noted.hear(json.dumps(begun("resp_1")), json.dumps(DELTA).encode(), ended("resp_1"))
    assert noted.bodies == [{"type": "response.create", "model": "gpt-test"}]
    assert (noted.outcomes, noted.calls[0].record.chunks) == (["completed"], 3)
