"""The way of an ordinary whole answer equals the general way, and leaves everything else to it."""

from __future__ import annotations

import copy
from typing import Any

from openai.types.chat import ChatCompletion

from toolspan.wire import quirks
from toolspan.wire.chat import ChatReader
from toolspan.wire.record import Record

PLAIN: dict[str, Any] = {
    "id": "c-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m-1",
    "service_tier": "default",
    "system_fingerprint": None,
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "logprobs": None,
            "message": {"role": "assistant", "content": "Hello.", "refusal": None, "annotations": []},
        }
    ],
    "usage": {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25},
}
DETAILS = {"prompt_tokens_details": {"cached_tokens": 8}}
VALUES: tuple[Any, ...] = (None, "", "x", "é" * 70, "x" * 300, 0, 1, -1, 2.0, True, [], [1], {}, {"a": 1})
CALL = {"id": "call-1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def places(body: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of each value in a body."""
    items = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    return [found for key, value in items for found in ((*path, key), *places(value, (*path, key)))]


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Return the plain answer with one other value, which may be a new one."""
    body = copy.deepcopy(PLAIN)
    held: Any = body
    for key in path[:-1]:
        held = held[key]
    held[path[-1]] = value
    return body


def facts(record: Record) -> tuple[Any, ...]:
    """Return all that the telemetry of an answer is made of."""
    choices = {index: (choice.reason, choice.has_text) for index, choice in record.choices.items()}
    return record.started, record.usage, record.failure, choices, record.calls


def general(body: Any) -> Record:
    """Return the record of an answer that is read event by event."""
    record, reader = Record(), ChatReader(pieces=False)
    for event in [*reader.read(body), *reader.close()]:
        record.apply(event, 0)
    return record


def bodies() -> list[dict[str, Any]]:
    """Return the plain answer, and answers that differ from it in one place."""
    choice, message = ("choices", 0), ("choices", 0, "message")
    extra = [(*at, name) for at in ((), choice, message) for name in (*sorted(quirks.GENERAL), "tool_calls")]
    found = [changed(path, value) for path in (*places(PLAIN), *extra) for value in VALUES]
    found.append(changed((*message, "tool_calls"), [CALL]))
    found.append(changed(("choices",), PLAIN["choices"] * 2))
    found.append(changed(("usage",), {**PLAIN["usage"], **DETAILS}))
    return [PLAIN, *found]


def test_an_ordinary_answer_is_read_at_once_as_event_by_event() -> None:
    """Whatever the quick way takes equals the general way; the plain answer and its usage are taken."""
    taken = 0
    for body in bodies():
        answer = ChatCompletion.construct(**body)
        if (found := ChatReader().whole(answer)) is not None:
            taken += 1
            record = Record()
            record.take(found)
            assert facts(record) == facts(general(answer)), body
    assert ChatReader().whole(ChatCompletion.construct(**PLAIN)) is not None
    assert ChatReader().whole(ChatCompletion.construct(**bodies()[-1])).usage.cache_read == 8
    assert 60 < taken < len(bodies()) / 2


def test_plain_json_and_foreign_objects_take_the_general_way() -> None:
    """A decoded body has no declared fields, and an object of a foreign class may be anything."""
    assert [ChatReader().whole(body) for body in (PLAIN, None, object(), "text")] == [None] * 4
