"""Answers of images, audio, moderations, decisions and agents' sessions."""

from __future__ import annotations

from typing import Any

from tests.table import each_row
from toolspan.wire.events import Event, Finished, Started, Usage
from toolspan.wire.other_apis import OtherReader, image_request, other_request, speech_request, text_request

COUNTS = {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}
CASES: dict[str, tuple[list[Any], list[Event]]] = {
    "image": ([{"created": 1, "data": [{"b64_json": "AAAA"}], "usage": COUNTS}], [Usage(9, 4)]),
    "moderation": ([{"id": "m-1", "model": "omni", "results": []}], [Started("m-1", "omni")]),
    "decision": ([{"model": "d", "answers": [], "usage": COUNTS}], [Started(None, "d"), Usage(9, 4)]),
    "text": ([{"text": "Hello", "usage": {"type": "duration", "seconds": 9}}], []),
    "no JSON": ([None, "Hello", 1], []),
    "error": ([{"error": {"code": "overloaded"}}], [Finished(0, None, "overloaded")]),
    "stream": (
        [
            {"type": "image_generation.partial_image", "b64_json": "AAAA"},
            {"type": "image_generation.completed", "b64_json": "AAAA", "usage": COUNTS},
        ],
        [Usage(9, 4), Finished(0, "stop")],
    ),
    "session": (
        [
            {"type": "agent.session.turn.item.done", "item": {}},
            {"type": "agent.session.turn.completed", "turn": {"usage": COUNTS}},
            {"type": "agent.session.failed"},
        ],
        [Usage(9, 4), Finished(0, "stop"), Finished(0, None, "_OTHER")],
    ),
}


@each_row("name", list(CASES))
def test_facts_are_read_and_no_content(name: str) -> None:
    """Identity, usage, the end of a stream, the code of an error."""
    bodies, expected = CASES[name]
    reader = OtherReader()
    assert [event for body in bodies for event in reader.read(body)] == expected
    assert reader.close() == []


def test_the_requested_output_is_that_of_the_api() -> None:
    """Only the model and the kind of output are read from a request."""
    body = {"model": "m", "prompt": "secret", "input": "secret"}
    requests = [
        read(body, keep=True) for read in (image_request, speech_request, text_request, other_request)
    ]
    assert [request.output_type for request in requests] == ["image", "speech", "text", None]
    assert {(request.model, request.messages, request.last) for request in requests} == {("m", None, None)}
