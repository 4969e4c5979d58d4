"""Which response an event belongs to: by its stream in the Responses API, by its id in Realtime."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from toolspan.call import Call
from toolspan.guard import report
from toolspan.otel.dispatch import Sinks
from toolspan.sdk.websocket_responses import ConnectionResponses
from toolspan.wire.providers import Endpoint
from toolspan.wire.record import End
from toolspan.wire.request import Request
from toolspan.wire.responses import ResponsesReader

from . import socket_realtime as wire
from . import wire_responses
from .wire_responses import event, progress


class Noted:
    """Lanes, and the calls they opened."""

    def __init__(self, *, realtime: bool = False, wanted: bool = True, model: str | None = None) -> None:
        self.bodies: list[dict[str, Any]] = []
        """What each response was asked for with."""
        self.calls: list[Call] = []
        self._wanted = wanted
        self.lanes = ConnectionResponses(self._begin, realtime=realtime, model=model)

    def _begin(self, body: Mapping[str, Any]) -> Call | None:
        self.bodies.append(dict(body))
        if not self._wanted:
            return None
        sinks, reader = Sinks([], report), ResponsesReader()
        where = Endpoint("openai", None, None)
        call = Call("chat", "responses", Request(stream=True), where, reader, sinks, keep=False, timed=False)
        self.calls.append(call)
        return call

    def ask(self, lane: str | None = None, **more: Any) -> None:
        """The application asks for a response."""
        self.lanes.sent({"type": "response.create", **_lane(lane), **more})

    def hear(self, *events: Any, lane: str | None = None) -> None:
        """The server says this."""
        for one in events:
            self.lanes.received({**one, **_lane(lane)} if isinstance(one, dict) else one)

    @property
    def outcomes(self) -> list[str | None]:
        """How each call ended; `None` for those that are open."""
        return [call.outcome.value if call.outcome is not None else None for call in self.calls]

    @property
    def ids(self) -> list[str | None]:
        """The ids of the answers."""
        return [call.record.started.id for call in self.calls]


def _lane(lane: str | None) -> dict[str, str]:
    return {} if lane is None else {"stream_id": lane}


def begun(identity: str) -> dict[str, Any]:
    """A response is created."""
    return progress("in_progress", kind="created", id=identity)


def ended(identity: str, status: str = "completed", **more: Any) -> dict[str, Any]:
    """It has ended."""
    return progress(status, [wire_responses.message("Hello")], id=identity, **more)


DELTA = event("output_text.delta", item_id="msg_0", output_index=0, content_index=0, delta="x")

ERROR = {
    "type": "error",
    "status": 400,
    "error": {"type": "invalid_request_error", "code": "bad", "message": "no"},
}
"""An error of the Responses API's WebSocket."""


def test_parallel_streams_keep_their_own_events() -> None:
    """Interleaved events go to the response of their stream id, and each ends by itself."""
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


def test_events_without_a_stream_id_go_to_the_open_response() -> None:
    """Events without a stream id belong to the only open response."""
    noted = Noted()
    noted.ask("a")
    noted.hear(begun("resp_1"), DELTA, ended("resp_1"))
    assert (noted.outcomes, noted.ids) == (["completed"], ["resp_1"])


def test_requests_waiting_in_one_stream_are_answered_in_order() -> None:
    """Requests waiting in one stream are matched in the order of sending."""
    noted = Noted()
    noted.ask("a")
    noted.ask("a")
    noted.hear(begun("resp_1"), ended("resp_1"), begun("resp_2"), DELTA, ended("resp_2"), lane="a")
    assert noted.ids == ["resp_1", "resp_2"]
    assert [call.record.chunks for call in noted.calls] == [2, 3]


def test_a_response_begun_by_the_server_has_its_own_call() -> None:
    """After steering, the server begins a response by itself; it has a call of its own."""
    noted = Noted()
    noted.ask()
    noted.hear(begun("resp_1"), {"type": "response.steer.accepted"})
    noted.hear(ended("resp_1", "incomplete", incomplete_details={"reason": "steered"}))
    noted.hear(begun("resp_2"), DELTA, ended("resp_2"))
    assert noted.outcomes == ["completed", "completed"]
    assert noted.ids == ["resp_1", "resp_2"]
    assert [call.record.chunks for call in noted.calls] == [2, 3]  # a notice of steering is no part of it


def test_a_server_begun_response_takes_no_other_streams_request() -> None:
    """A response that the server begins does not match a request of another stream."""
    noted = Noted()
    noted.ask("a")
    noted.hear(begun("resp_1"), ended("resp_1", "incomplete"), lane="a")
    noted.ask("b")
    noted.hear(begun("resp_2"), lane="a")
    noted.hear(begun("resp_3"), ended("resp_3"), lane="b")
    noted.hear(ended("resp_2"), lane="a")
    assert noted.ids == ["resp_1", "resp_3", "resp_2"]


def test_late_events_of_an_ended_stream_are_ignored() -> None:
    """Late events of an ended response do not reach a response of another stream."""
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
def test_an_error_before_creation_ends_only_its_request(first: str | None) -> None:
    """An error for a stream without a response ends its request only."""
    noted = Noted()
    noted.ask(first)
    noted.hear(begun("resp_1"), lane=first)
    noted.ask("b")
    noted.hear(ERROR, lane="b")
    assert noted.outcomes == [None, "failed"]
    noted.hear(ended("resp_1"), lane=first)
    assert noted.outcomes == ["completed", "failed"]


def test_an_error_ends_the_waiting_request() -> None:
    """An error ends the request that waits; the next is answered as if nothing had been."""
    noted = Noted()
    noted.ask()
    noted.hear(ERROR)
    noted.ask()
    noted.hear(begun("resp_2"), DELTA, ended("resp_2"))
    assert noted.outcomes == ["failed", "completed"]
    assert noted.calls[0].record.failure == "bad"
    assert noted.ids[1] == "resp_2"


def test_an_error_without_a_request_ends_nothing() -> None:
    """An error without an open request ends no response."""
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
def test_the_end_of_a_connection_ends_every_response(end: End | BaseException, outcome: str) -> None:
    """The end of the connection ends requests and responses, and its repetition nothing."""
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


def test_a_new_response_truncates_the_last_of_its_stream() -> None:
    """An unfinished response is truncated when its stream begins another."""
    noted = Noted()
    noted.hear(begun("resp_1"), DELTA, begun("resp_2"), ended("resp_2"))
    assert (noted.outcomes, noted.ids) == (["truncated", "completed"], ["resp_1", "resp_2"])


def test_responses_without_a_call_keep_their_own_events() -> None:
    """Responses without a call are followed, and other responses do not get their events."""
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


def test_messages_are_read_as_text_bytes_and_objects() -> None:
    """Messages are read as text, as bytes and as objects; requests too."""
    noted = Noted()
    noted.lanes.sent(json.dumps({"type": "response.create", "model": "gpt-test"}))
    noted.lanes.sent(b'{"type": "response.cancel"}')
    noted.hear(json.dumps(begun("resp_1")), json.dumps(DELTA).encode(), ended("resp_1"))
    assert noted.bodies == [{"type": "response.create", "model": "gpt-test"}]
    assert (noted.outcomes, noted.calls[0].record.chunks) == (["completed"], 3)


def realtime(**options: Any) -> Noted:
    """The lanes of a session."""
    return Noted(realtime=True, **options)


def test_simultaneous_realtime_responses_are_separated_by_id() -> None:
    """Events of simultaneous responses go to the response with their id."""
    noted = realtime()
    noted.ask(response={"conversation": "none"})
    noted.ask()
    one = wire.whole(wire.called("get_weather", '{"a":', "1}", identity="resp_1"), identity="resp_1")
    two = wire.whole(wire.written("Hel", "lo", identity="resp_2"), identity="resp_2")
    for pair in zip(one, two, strict=True):
        noted.hear(*pair)
    assert (noted.outcomes, noted.ids) == (["completed"] * 2, ["resp_1", "resp_2"])
    assert [call.record.chunks for call in noted.calls] == [len(one), len(two)]


def test_a_server_begun_response_has_the_sessions_settings() -> None:
    """After speech the server begins a response by itself: it has the session's settings."""
    noted = realtime(model="gpt-test")
    noted.hear({"type": "input_audio_buffer.speech_stopped"}, *wire.TEXT)
    noted.hear(wire.session("created", tools=[wire.TOOL]), *wire.TEXT)
    assert noted.outcomes == ["completed"] * 2
    assert noted.bodies[0] == {"model": "gpt-test"}
    assert (noted.bodies[1]["model"], noted.bodies[1]["tools"]) == ("gpt-realtime-2026", [wire.TOOL])


def test_a_response_has_the_session_settings_of_its_time() -> None:
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


def test_the_responses_api_ignores_session_events() -> None:
    """A session event of the Responses API changes no later request."""
    noted = Noted()
    noted.hear(wire.session("created"))
    noted.ask(model="gpt-test")
    assert noted.bodies[0]["model"] == "gpt-test"


@pytest.mark.parametrize("about", [None, "event_other", ""])
def test_a_session_error_ends_no_response(about: str | None) -> None:
    """An error that names no event ends neither a request nor a response."""
    noted = realtime()
    noted.ask(event_id="event_mine")
    noted.hear(wire.error(about), wire.TEXT[0], wire.error(about), *wire.TEXT[1:])
    assert noted.outcomes == ["completed"]


def test_an_error_that_names_a_request_ends_only_that() -> None:
    """An error that names a request's event id ends that request only."""
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
def test_response_done_carries_the_status_of_the_end(status: str) -> None:
    """The status in `response.done` sets the outcome; `cancelled` is closed."""
    outcome, more = STATUSES[status]
    noted = realtime()
    noted.hear(*wire.TEXT[:3], wire.done(status=status, **more))
    assert noted.outcomes == [outcome]


def test_late_events_of_an_ended_response_are_ignored() -> None:
    """What still comes of a response that has ended is not taken for another's."""
    noted = realtime()
    noted.hear(wire.created("resp_1"), wire.created("resp_2"), wire.done("resp_1", "cancelled"))
    noted.hear(*wire.written("late", identity="resp_1"), wire.done("resp_1"))
    assert noted.outcomes == ["closed", None]
    assert noted.calls[1].record.chunks == 1


def test_events_without_ids_go_to_the_only_response() -> None:
    """A server that leaves out the ids is understood while there is one response."""
    noted = realtime()
    events = [{key: value for key, value in one.items() if key != "response_id"} for one in wire.TEXT]
    noted.hear(*events)
    assert (noted.outcomes, noted.calls[0].record.chunks) == (["completed"], len(events))
