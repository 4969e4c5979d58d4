"""Responses of the Realtime API: speech with its transcript, calls, and its own words for how they end."""

from __future__ import annotations

from typing import Any

from .response_shapes import ASKED, ONE, Case, asks, event, message, pieces


def realtime(status: str, *output: Any, **details: Any) -> dict[str, Any]:
    """Realtime's last event, whose usage is named in the singular."""
    usage = {"input_tokens": 9, "output_tokens": 4, "input_token_details": {"cached_tokens": 2}}
    known = {"object": "realtime.response", "id": "resp_1", "status": status, "output": list(output)}
    return event("done", response={**known, "status_details": details or None, "usage": usage})


_SPOKEN = {**message(), "object": "realtime.item", "content": [{"type": "audio", "transcript": "Hello"}]}
_REALTIME = [
    event("created", response={"object": "realtime.response", "id": "resp_1", "status": "in_progress"})
]
_SPEECH = [
    *_REALTIME,
    event("output_item.added", index=0, item={**_SPOKEN, "status": "in_progress", "content": []}),
    event("conversation.item.created", item=_SPOKEN),
    *pieces("audio_transcript", ["Hel", "lo"], "msg_1"),
    event("output_item.done", index=0, item=_SPOKEN),
]
_SAID = {"text": "Hello", "model": None}

CASES = [
    Case("realtime", [*_SPEECH, realtime("completed", _SPOKEN)], [], **_SAID),
    Case(
        "realtime-call",
        [*_REALTIME, *asks(ONE, 0, 4), realtime("completed", ONE)],
        ASKED,
        "tool_calls",
        model=None,
    ),
    Case(
        "realtime-incomplete",
        [*_SPEECH, realtime("incomplete", _SPOKEN, type="incomplete", reason="max_output_tokens")],
        [],
        "length",
        status="incomplete",
        **_SAID,
    ),
    Case(
        "realtime-interrupted",
        [*_SPEECH, realtime("cancelled", _SPOKEN, type="cancelled", reason="turn_detected")],
        [],
        None,
        status="cancelled",
        **_SAID,
    ),
    Case(
        "realtime-failed",
        [*_REALTIME, realtime("failed", type="failed", error={"type": "x", "code": "rate_limit_exceeded"})],
        [],
        None,
        failure="rate_limit_exceeded",
        status="failed",
        model=None,
    ),
]
