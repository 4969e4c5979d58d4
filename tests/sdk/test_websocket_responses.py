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

from . import wire_realtime as wire
from . import wire_responses
from .wire_responses import event, progress


class Followed:
    """The responses of a connection without a socket, and the calls that they open."""

    def __init__(self, *, realtime: bool = False, traced: bool = True, model: str | None = None) -> None:
        self.bodies: list[dict[str, Any]] = []
        """The request of each response."""
        self.calls: list[Call] = []
        self.traced = traced
        self.responses = ConnectionResponses(self._begin, realtime=realtime, model=model)

    def _begin(self, body: Mapping[str, Any]) -> Call | None:
        self.bodies.append(dict(body))
        if not self.traced:
            return None
        sinks, reader = Sinks([], report), ResponsesReader()
        where = Endpoint("openai", None, None)
        call = Call("chat", "responses", Request(stream=True), where, reader, sinks, keep=False, timed=False)
        self.calls.append(call)
        return call

    def send(self, stream: str | None = None, **more: Any) -> None:
        """Send a request for a response."""
        self.responses.sent({"type": "response.create", **_stream_id(stream), **more})

    def receive(self, *events: Any, stream: str | None = None) -> None:
        """Receive these events from the server."""
        for one in events:
            self.responses.received({**one, **_stream_id(stream)} if isinstance(one, dict) else one)

    @property
    def outcomes(self) -> list[str | None]:
        """Return the outcome of each call, `None` for open ones."""
        return [call.outcome.value if call.outcome is not None else None for call in self.calls]

    @property
    def ids(self) -> list[str | None]:
        """Return the ids of the responses."""
        return [call.record.started.id for call in self.calls]


def _stream_id(stream: str | None) -> dict[str, str]:
    return {} if stream is None else {"stream_id": stream}


def begun(identity: str) -> dict[str, Any]:
    """Return the event that creates a response."""
    return progress("in_progress", kind="created", id=identity)


def ended(identity: str, status: str = "completed", **more: Any) -> dict[str, Any]:
    """Return the event that ends a response."""
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
    followed = Followed()
    for stream in ("a", "b", None):
        followed.send(stream)
    followed.receive(begun("resp_b"), stream="b")
    followed.receive(begun("resp_0"))
    followed.receive(begun("resp_a"), stream="a")
    for stream in ("a", "b", None, "a"):
        followed.receive(DELTA, stream=stream)
    followed.receive(ended("resp_a"), stream="a")
    assert followed.outcomes == ["completed", None, None]
    followed.receive(DELTA, ended("resp_b"), stream="b")
    followed.receive(ended("resp_0"))
    assert followed.outcomes == ["completed"] * 3
    assert followed.ids == ["resp_a", "resp_b", "resp_0"]
    assert [call.record.chunks for call in followed.calls] == [4, 4, 3]


def test_events_without_a_stream_id_go_to_the_open_response() -> None:
    """Events without a stream id belong to the only open response."""
    followed = Followed()
    followed.send("a")
    followed.receive(begun("resp_1"), DELTA, ended("resp_1"))
    assert (followed.outcomes, followed.ids) == (["completed"], ["resp_1"])


def test_requests_waiting_in_one_stream_are_answered_in_order() -> None:
    """Requests waiting in one stream are matched in the order of sending."""
    followed = Followed()
    followed.send("a")
    followed.send("a")
    followed.receive(begun("resp_1"), ended("resp_1"), begun("resp_2"), DELTA, ended("resp_2"), stream="a")
    assert followed.ids == ["resp_1", "resp_2"]
    assert [call.record.chunks for call in followed.calls] == [2, 3]


def test_a_response_begun_by_the_server_has_its_own_call() -> None:
    """After steering, the server begins a response by itself; it has a call of its own."""
    followed = Followed()
    followed.send()
    followed.receive(begun("resp_1"), {"type": "response.steer.accepted"})
    followed.receive(ended("resp_1", "incomplete", incomplete_details={"reason": "steered"}))
    followed.receive(begun("resp_2"), DELTA, ended("resp_2"))
    assert followed.outcomes == ["completed", "completed"]
    assert followed.ids == ["resp_1", "resp_2"]
    assert [call.record.chunks for call in followed.calls] == [2, 3]  # a notice of steering is no part of it


def test_a_server_begun_response_takes_no_other_streams_request() -> None:
    """A response that the server begins does not match a request of another stream."""
    followed = Followed()
    followed.send("a")
    followed.receive(begun("resp_1"), ended("resp_1", "incomplete"), stream="a")
    followed.send("b")
    followed.receive(begun("resp_2"), stream="a")
    followed.receive(begun("resp_3"), ended("resp_3"), stream="b")
    followed.receive(ended("resp_2"), stream="a")
    assert followed.ids == ["resp_1", "resp_3", "resp_2"]


def test_late_events_of_an_ended_stream_are_ignored() -> None:
    """Late events of an ended response do not reach a response of another stream."""
    followed = Followed()
    followed.send("a")
    followed.send("b")
    followed.receive(begun("resp_a"), stream="a")
    followed.receive(begun("resp_b"), stream="b")
    followed.receive(ERROR, stream="a")
    followed.receive(DELTA, ended("resp_a", "failed", error={"code": "bad", "message": "no"}), stream="a")
    assert followed.outcomes == ["failed", None]
    assert followed.calls[1].record.chunks == 1
    followed.receive(ended("resp_b"), stream="b")
    assert followed.outcomes == ["failed", "completed"]


@pytest.mark.parametrize("first", [None, "a"], ids=str)
def test_an_error_before_creation_ends_only_its_request(first: str | None) -> None:
    """An error for a stream without a response ends its request only."""
    followed = Followed()
    followed.send(first)
    followed.receive(begun("resp_1"), stream=first)
    followed.send("b")
    followed.receive(ERROR, stream="b")
    assert followed.outcomes == [None, "failed"]
    followed.receive(ended("resp_1"), stream=first)
    assert followed.outcomes == ["completed", "failed"]


def test_an_error_ends_the_waiting_request() -> None:
    """An error ends the waiting request, and the next request is matched as usual."""
    followed = Followed()
    followed.send()
    followed.receive(ERROR)
    followed.send()
    followed.receive(begun("resp_2"), DELTA, ended("resp_2"))
    assert followed.outcomes == ["failed", "completed"]
    assert followed.calls[0].record.failure == "bad"
    assert followed.ids[1] == "resp_2"


def test_an_error_without_a_request_ends_nothing() -> None:
    """An error without an open request ends no response."""
    followed = Followed()
    followed.receive(ERROR)
    assert followed.calls == []


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
    followed = Followed()
    followed.send("a")
    followed.send("b")
    followed.receive(begun("resp_1"), stream="b")
    followed.responses.end(end)
    followed.responses.end(End.CLOSED)
    assert followed.outcomes == [outcome, outcome]
    followed.send("a")
    followed.receive(begun("resp_2"), ended("resp_2"), stream="a")
    assert followed.outcomes == [outcome, outcome, "completed"]


def test_a_new_response_truncates_the_last_of_its_stream() -> None:
    """An unfinished response is truncated when its stream begins another."""
    followed = Followed()
    followed.receive(begun("resp_1"), DELTA, begun("resp_2"), ended("resp_2"))
    assert (followed.outcomes, followed.ids) == (["truncated", "completed"], ["resp_1", "resp_2"])


def test_responses_without_a_call_keep_their_own_events() -> None:
    """Responses without a call are followed, and other responses do not get their events."""
    followed = Followed(traced=False)
    followed.send("a")
    followed.receive(begun("resp_1"), DELTA, stream="a")
    followed.traced = True
    followed.send("b")
    followed.receive(begun("resp_2"), stream="b")
    followed.receive(DELTA, ended("resp_1"), stream="a")
    followed.receive(ended("resp_2"), stream="b")
    followed.responses.dropped()
    assert (followed.outcomes, followed.ids) == (["completed"], ["resp_2"])
    assert followed.calls[0].record.chunks == 2


def test_messages_are_read_as_text_bytes_and_objects() -> None:
    """Messages are read as text, as bytes and as objects; requests too."""
    followed = Followed()
    followed.responses.sent(json.dumps({"type": "response.create", "model": "gpt-test"}))
    followed.responses.sent(b'{"type": "response.cancel"}')
    followed.receive(json.dumps(begun("resp_1")), json.dumps(DELTA).encode(), ended("resp_1"))
    assert followed.bodies == [{"type": "response.create", "model": "gpt-test"}]
    assert (followed.outcomes, followed.calls[0].record.chunks) == (["completed"], 3)


def realtime(**options: Any) -> Followed:
    """The responses of a session."""
    return Followed(realtime=True, **options)


def test_simultaneous_realtime_responses_are_separated_by_id() -> None:
    """Events of simultaneous responses go to the response with their id."""
    followed = realtime()
    followed.send(response={"conversation": "none"})
    followed.send()
    one = wire.whole(wire.called("get_weather", '{"a":', "1}", identity="resp_1"), identity="resp_1")
    two = wire.whole(wire.written("Hel", "lo", identity="resp_2"), identity="resp_2")
    for pair in zip(one, two, strict=True):
        followed.receive(*pair)
    assert (followed.outcomes, followed.ids) == (["completed"] * 2, ["resp_1", "resp_2"])
    assert [call.record.chunks for call in followed.calls] == [len(one), len(two)]


def test_a_server_begun_response_has_the_sessions_settings() -> None:
    """A response that the server begins after speech has the session's settings."""
    followed = realtime(model="gpt-test")
    followed.receive({"type": "input_audio_buffer.speech_stopped"}, *wire.TEXT)
    followed.receive(wire.session("created", tools=[wire.TOOL]), *wire.TEXT)
    assert followed.outcomes == ["completed"] * 2
    assert followed.bodies[0] == {"model": "gpt-test"}
    assert (followed.bodies[1]["model"], followed.bodies[1]["tools"]) == ("gpt-realtime-2026", [wire.TOOL])


def test_a_response_has_the_session_settings_of_its_time() -> None:
    """Its own settings win, and settings removed from the session are gone."""
    followed = realtime()
    followed.receive(wire.session("created", tools=[wire.TOOL], instructions="a"))
    followed.send(response={"instructions": "b"})
    followed.receive(wire.session("updated", tools=[], instructions="", model=None), *wire.TEXT)
    followed.send()
    assert (followed.bodies[0]["tools"], followed.bodies[0]["instructions"]) == ([wire.TOOL], "b")
    assert followed.bodies[1]["model"] == "gpt-realtime-2026"
    assert not followed.bodies[1].get("tools")
    assert not followed.bodies[1].get("instructions")


def test_the_responses_api_ignores_session_events() -> None:
    """A session event of the Responses API changes no later request."""
    followed = Followed()
    followed.receive(wire.session("created"))
    followed.send(model="gpt-test")
    assert followed.bodies[0]["model"] == "gpt-test"


@pytest.mark.parametrize("about", [None, "event_other", ""])
def test_a_session_error_ends_no_response(about: str | None) -> None:
    """An error that names no event ends neither a request nor a response."""
    followed = realtime()
    followed.send(event_id="event_mine")
    followed.receive(wire.error(about), wire.TEXT[0], wire.error(about), *wire.TEXT[1:])
    assert followed.outcomes == ["completed"]


def test_an_error_that_names_a_request_ends_only_that() -> None:
    """An error that names a request's event id ends that request only."""
    followed = realtime()
    followed.send()
    followed.send(event_id="event_mine")
    followed.receive(wire.error("event_mine", "conversation_already_has_active_response"))
    assert followed.outcomes == [None, "failed"]
    assert followed.calls[1].record.failure == "conversation_already_has_active_response"
    followed.receive(*wire.TEXT)
    assert followed.outcomes == ["completed", "failed"]


def test_an_error_without_an_id_refuses_the_request_without_an_id() -> None:
    """An error that names no event refuses the only request, and the next one is matched as usual."""
    followed = realtime()
    followed.send()
    followed.receive(wire.error(None, "invalid_value"))
    followed.send()
    followed.receive(*wire.TEXT)
    assert followed.outcomes == ["failed", "completed"]
    assert followed.calls[0].record.failure == "invalid_value"


EARLIER: dict[str, tuple[str, dict[str, Any]]] = {
    "item": ("conversation.item.create", {"type": "conversation.item.added"}),
    "beta-item": ("conversation.item.create", {"type": "conversation.item.created"}),
    "session": ("session.update", wire.session("updated")),
    "commit": ("input_audio_buffer.commit", {"type": "input_audio_buffer.committed"}),
}


@pytest.mark.parametrize(("kind", "answer"), EARLIER.values(), ids=EARLIER)
def test_an_error_without_an_id_is_about_the_oldest_event_that_waits(kind: str, answer: Any) -> None:
    """An error on an event before the request leaves the request running; after its answer it does not."""
    followed = realtime()
    followed.responses.sent({"type": kind})
    followed.send()
    followed.receive(wire.error(None), *wire.TEXT)
    assert followed.outcomes == ["completed"]
    followed.responses.sent({"type": kind})
    followed.send()
    followed.receive(answer, wire.error(None))
    assert followed.outcomes == ["completed", "failed"]


def test_an_error_that_names_a_field_is_about_the_event_with_it() -> None:
    """`response.tools` is a field of a request, whatever waits before it."""
    followed = realtime()
    followed.responses.sent({"type": "session.update"})
    followed.send()
    error = wire.error(None)
    followed.receive({**error, "error": {**error["error"], "param": "response.tools"}})
    assert followed.outcomes == ["failed"]


@pytest.mark.parametrize("name", ["metadata", "previous_response_id", "prompt_cache_key"])
def test_a_response_is_matched_by_what_it_repeats(name: str) -> None:
    """A response that repeats a later request's field is that request's; the one before got no answer."""
    followed = Followed()
    for value in ("a", "b"):
        followed.send(**{name: {"id": value} if name == "metadata" else value})
    created = begun("resp_1")
    created["response"][name] = {"id": "b"} if name == "metadata" else "b"
    followed.receive(created, ended("resp_1"))
    assert followed.outcomes == ["truncated", "completed"]
    assert followed.ids == [None, "resp_1"]


def test_an_error_with_a_status_refuses_the_request_behind_a_running_response() -> None:
    """A running response numbers its errors; an error with a status refuses the request that waits."""
    followed = Followed()
    followed.send()
    followed.receive(begun("resp_1"))
    followed.send()
    followed.receive(ERROR, DELTA, ended("resp_1"))
    assert followed.outcomes == ["completed", "failed"]
    followed.send()
    followed.receive(begun("resp_3"), {**ERROR, "sequence_number": 3})
    assert followed.outcomes == ["completed", "failed", "failed"]


@pytest.mark.parametrize("kept", ["refused", "unanswered", "unfinished"])
@pytest.mark.parametrize("is_realtime", [True, False], ids=["realtime", "responses"])
def test_responses_that_never_end_are_bounded(kept: str, is_realtime: bool) -> None:
    """Of 1500 requests that are refused, get no answer or never end, at most 256 are open."""
    followed = Followed(realtime=is_realtime)
    for number in range(1500):
        followed.responses.sent({"type": "conversation.item.create", "item": {"id": str(number)}})
        if kept != "unfinished":
            followed.send()
        if kept == "refused":
            followed.receive({"type": "conversation.item.added"}, wire.error(None))
        if kept == "unfinished":
            followed.receive(begun(f"resp_{number}"))
    assert len(followed.calls) == 1500
    assert followed.outcomes.count(None) <= 256
    assert followed.outcomes[:1000].count(None) == 0
    followed.responses.end(End.CLOSED)
    assert None not in followed.outcomes
    followed.send()
    followed.receive(*wire.TEXT)
    assert followed.outcomes[-1] == "completed"


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
    followed = realtime()
    followed.receive(*wire.TEXT[:3], wire.done(status=status, **more))
    assert followed.outcomes == [outcome]


def test_late_events_of_an_ended_response_are_ignored() -> None:
    """Late events of an ended response do not reach another response."""
    followed = realtime()
    followed.receive(wire.created("resp_1"), wire.created("resp_2"), wire.done("resp_1", "cancelled"))
    followed.receive(*wire.written("late", identity="resp_1"), wire.done("resp_1"))
    assert followed.outcomes == ["closed", None]
    assert followed.calls[1].record.chunks == 1


def test_events_without_ids_go_to_the_only_response() -> None:
    """Events without ids belong to the only open response."""
    followed = realtime()
    events = [{key: value for key, value in one.items() if key != "response_id"} for one in wire.TEXT]
    followed.receive(*events)
    assert (followed.outcomes, followed.calls[0].record.chunks) == (["completed"], len(events))
