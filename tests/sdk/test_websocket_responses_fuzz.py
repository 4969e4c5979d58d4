"""Any order of any events, valid or not: nothing raises, and every call has ended at the end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolspan.wire.record import End

from . import wire_realtime as wire
from . import wire_responses
from .test_fuzz import FULL
from .test_websocket_responses import DELTA, ERROR, Followed, begun, ended

ODD = st.sampled_from(
    [None, 0, -1, 1.5, True, "", "x", [], {}, [[]], {"id": {}}, "resp_1", "a", "b", "\ud800"]
)
KINDS = st.sampled_from(
    [
        "error",
        "session.created",
        "session.updated",
        "rate_limits.updated",
        *(f"response.{kind}" for kind in ("create", "created", "done", "completed", "cancelled", "failed")),
        *(f"response.{kind}" for kind in ("output_item.added", "output_text.delta", "steer.failed", "", "x")),
    ]
)
FIELDS = (
    "stream_id",
    "response_id",
    "event_id",
    "response",
    "session",
    "error",
    "item",
    "delta",
    "output_index",
)
BROKEN = st.dictionaries(st.sampled_from(FIELDS), ODD).flatmap(
    lambda known: st.one_of(KINDS, ODD).map(lambda kind: {**known, "type": kind})
)
GOOD = st.builds(
    lambda one, stream: {**one, "stream_id": stream} if stream else one,
    st.sampled_from(
        [*wire.CALLS, *wire_responses.CALLS, begun("resp_1"), begun("resp_2"), ended("resp_1"), DELTA, ERROR]
    ),
    st.sampled_from([None, "a", "b"]),
)
CREATE = st.fixed_dictionaries(
    {"type": st.just("response.create")}, optional=dict.fromkeys(FIELDS, ODD) | {"tools": ODD, "model": ODD}
)
TEXTS = st.sampled_from(
    ["", "x", "[]", "null", "1", "{", '"response.created"', b"\xff", b"", b"[1]", 1, None, []]
)
STEP = st.tuples(
    st.sampled_from(["sent", "received"]), st.one_of(GOOD, GOOD, CREATE, BROKEN, TEXTS), st.booleans()
)


@pytest.mark.parametrize("realtime", [False, True], ids=["responses", "realtime"])
@settings(max_examples=3000 if FULL else 80, deadline=None, database=None)
@given(steps=st.lists(STEP, max_size=30), end=st.sampled_from([*End, OSError()]))
def test_any_order_of_events_ends_every_call_once(
    realtime: bool, steps: list[tuple[str, Any, bool]], end: End | BaseException
) -> None:
    """No order of events raises; after the end every call has ended, once."""
    followed = Followed(realtime=realtime, model="gpt-test")
    for way, event, as_text in steps:
        getattr(followed.responses, way)(json.dumps(event) if as_text and isinstance(event, dict) else event)
    followed.responses.end(end)
    assert None not in followed.outcomes
    assert all(call.finished for call in followed.calls)


@pytest.mark.parametrize("kind", [[], {}, [[]]], ids=str)
def test_an_event_with_an_odd_type_is_ignored(kind: Any) -> None:
    """An event whose type is not a string belongs to no response."""
    followed = Followed(realtime=True)
    followed.receive({"type": kind})
    followed.responses.sent({"type": kind})
    assert followed.calls == []


@pytest.mark.parametrize("identity", [[], {"x": 1}, ["resp_1"], 7], ids=str)
def test_a_response_with_an_odd_id_has_none(identity: Any) -> None:
    """An id that is not a string is not recorded."""
    followed = Followed(realtime=True)
    followed.receive(wire.created(identity), wire.done(identity))
    assert followed.outcomes in (["completed"], ["completed", "completed"])


def test_nothing_is_kept_after_a_thousand_responses() -> None:
    """After a thousand responses no data of a response is kept."""
    followed = Followed()
    for number in range(1000):
        followed.send("a" if number % 2 else None)
        followed.receive(begun(f"resp_{number}"), ended(f"resp_{number}"), stream="a" if number % 2 else None)
    assert not followed.responses._pending
    assert not followed.responses._active
