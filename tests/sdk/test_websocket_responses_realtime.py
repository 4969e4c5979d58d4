"""Which response an event belongs to, in Realtime, where each bears an id; without any connection."""

from __future__ import annotations

from typing import Any

import pytest

from . import socket_realtime as wire
from .socket_responses import Noted


def realtime(**options: Any) -> Noted:
    """The lanes of a session."""
    return Noted(realtime=True, **options)


def test_responses_out_of_band() -> None:
    """Responses that stream at the same time are told apart by their ids."""
    noted = realtime()
    noted.ask(response={"conversation": "none"})
    noted.ask()
    one = wire.whole(wire.called("get_weather", '{"a":', "1}", identity="resp_1"), identity="resp_1")
    two = wire.whole(wire.written("Hel", "lo", identity="resp_2"), identity="resp_2")
    for pair in zip(one, two, strict=True):
        noted.hear(*pair)
    assert (noted.outcomes, noted.ids) == (["completed"] * 2, ["resp_1", "resp_2"])
    assert [call.record.chunks for call in noted.calls] == [len(one), len(two)]


def test_responses_that_the_server_begins() -> None:
    """After speech the server begins a response by itself: it has the session's settings."""
    noted = realtime(model="gpt-test")
    noted.hear({"type": "input_audio_buffer.speech_stopped"}, *wire.TEXT)
    noted.hear(wire.session("created", tools=[wire.TOOL]), *wire.TEXT)
    assert noted.outcomes == ["completed"] * 2
    assert noted.bodies[0] == {"model": "gpt-test"}
    assert (noted.bodies[1]["model"], noted.bodies[1]["tools"]) == ("gpt-realtime-2026", [wire.TOOL])


def test_session_that_changes() -> None:
    """A response has the session's settings of that time; its own come first, what was taken back is gone."""
    noted = realtime()
    noted.hear(wire.session("created", tools=[wire.TOOL], instructions="a"))
    noted.ask(response={"instructions": "b"})
    noted.hear(wire.session("updated", tools=[], instructions="", model=None), *wire.TEXT)
    noted.ask()
    assert (noted.bodies[0]["tools"], noted.bodies[0]["instructions"]) == ([wire.TOOL], "b")
    assert noted.bodies[1]["model"] == "gpt-realtime-2026"
    assert not noted.bodies[1].get("tools")
    assert not noted.bodies[1].get("instructions")


def test_sessions_are_realtimes() -> None:
    """The Responses API has no sessions; what looks like one changes nothing."""
    noted = Noted()
    noted.hear(wire.session("created"))
    noted.ask(model="gpt-test")
    assert noted.bodies[0]["model"] == "gpt-test"


@pytest.mark.parametrize("about", [None, "event_other", ""])
def test_error_that_names_no_response(about: str | None) -> None:
    """Most errors of a session end nothing: neither what is asked for nor what streams."""
    noted = realtime()
    noted.ask(event_id="event_mine")
    noted.hear(wire.error(about), wire.TEXT[0], wire.error(about), *wire.TEXT[1:])
    assert noted.outcomes == ["completed"]


def test_error_that_names_a_request() -> None:
    """An error that names the event that asked for a response ends that one only."""
    noted = realtime()
    noted.ask()
    noted.ask(event_id="event_mine")
    noted.hear(wire.error("event_mine", "conversation_already_has_active_response"))
    assert noted.outcomes == [None, "failed"]
    assert noted.calls[1].record.failure == "conversation_already_has_active_response"
    noted.hear(*wire.TEXT)
    assert noted.outcomes == ["completed", "failed"]


STATUSES = {
    "completed": ("completed", {}),
    "incomplete": ("completed", {"status_details": {"type": "incomplete", "reason": "max_output_tokens"}}),
    "failed": ("failed", {"status_details": {"type": "failed", "error": {"code": "server_error"}}}),
    "cancelled": ("closed", {"status_details": {"type": "cancelled", "reason": "turn_detected"}}),
}


@pytest.mark.parametrize("status", STATUSES)
def test_status_of_the_end(status: str) -> None:
    """`response.done` says how a response ended; one that was cancelled was closed by the application."""
    outcome, more = STATUSES[status]
    noted = realtime()
    noted.hear(*wire.TEXT[:3], wire.done(status=status, **more))
    assert noted.outcomes == [outcome]


def test_late_event_of_a_response_that_is_over() -> None:
    """What still comes of a response that has ended is not taken for another's."""
    noted = realtime()
    noted.hear(wire.created("resp_1"), wire.created("resp_2"), wire.done("resp_1", "cancelled"))
    noted.hear(*wire.written("late", identity="resp_1"), wire.done("resp_1"))
    assert noted.outcomes == ["closed", None]
    assert noted.calls[1].record.chunks == 1


def test_event_without_an_id() -> None:
    """A server that leaves out the ids is understood while there is one response."""
    noted = realtime()
    events = [{key: value for key, value in one.items() if key != "response_id"} for one in wire.TEXT]
    noted.hear(*events)
    assert (noted.outcomes, noted.calls[0].record.chunks) == (["completed"], len(events))
