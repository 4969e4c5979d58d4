"""No input of a server makes the reader or the record raise."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from ..table import each_row
from . import randoms
from .quirks_table import QUIRKS
from .reading import FULL, events_of, plain, read, said, sdk, sdk_whole, seen
from .shapes import ARGS, Chunk, counts, entry

_VALUES = 400_000 if FULL else 2_000
_LONG = 8  # chunks of one stream

FULL_CHUNK: Chunk = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m-1",
    "service_tier": "default",
    "system_fingerprint": "fp_1",
    "choices": [
        {
            "index": 0,
            "delta": {
                "role": "assistant",
                "content": "Hi",
                "refusal": "no",
                "reasoning_content": "Hm",
                "function_call": {"name": "f", "arguments": ARGS},
                "tool_calls": [entry(0, "call_a", "weather", ARGS)],
            },
            "logprobs": {"content": [{"token": "Hi", "logprob": -0.1, "bytes": [72], "top_logprobs": []}]},
            "finish_reason": "stop",
            "usage": counts(1, 2),
        }
    ],
    "usage": {
        **counts(3, 4),
        "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 1},
    },
    "x_groq": {"usage": counts(1, 2)},
    "error": {"code": "bad", "message": "no"},
}
WHOLE = {
    **FULL_CHUNK,
    "choices": [{**FULL_CHUNK["choices"][0], "message": FULL_CHUNK["choices"][0]["delta"]}],
}
del WHOLE["choices"][0]["delta"]
BUILDERS = pytest.mark.parametrize("build", [plain, sdk, sdk_whole], ids=["dict", "sdk", "sdk-whole"])


def paths(found: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of a JSON value, the whole excepted."""
    parts = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for key, part in parts:
        yield (*path, key)
        yield from paths(part, (*path, key))


def replaced(found: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with `new` at one place."""
    copied = copy.deepcopy(found)
    place = copied
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = new
    return copied


@BUILDERS
@each_row("body", [FULL_CHUNK, WHOLE], ids=["chunk", "whole"])
@each_row("new", [None, [], {}, "", -1, True, "x"], ids=json.dumps)
def test_any_part_of_an_answer_may_be_null_or_of_another_type(body: Chunk, build: Any, new: Any) -> None:
    """Any one part of an answer may be null or of another type."""
    for path in paths(body):
        bent = replaced(body, path, new)
        events = events_of([build(bent), build(body), build(bent)])
        assert all(type(event).__module__ == "toolspan.wire.events" for event in events)


def test_any_part_of_a_real_stream_may_be_null() -> None:
    """Any one part of a real stream may be null; the SDK object and the dict give the same events."""
    every = 1 if FULL else 9
    for quirk in QUIRKS:
        places = [(number, path) for number, body in enumerate(quirk.chunks) for path in paths(body)]
        for number, path in places[::every]:
            chunks = [
                *quirk.chunks[:number],
                replaced(quirk.chunks[number], path, None),
                *quirk.chunks[number + 1 :],
            ]
            found = seen(read(chunks, quirk.expected))
            assert seen(read(map(sdk, chunks), quirk.expected)) == found, chunks


def test_any_json_value_as_a_chunk_raises_nothing() -> None:
    """Any JSON value may come as a chunk."""
    rng = Random(1)
    for _ in range(_VALUES // _LONG // 2):
        read([randoms.value(rng, 6) for _ in range(_LONG)])


def test_any_json_value_inside_a_real_chunk_raises_nothing() -> None:
    """Any JSON value may be at any place of a real chunk."""
    rng = Random(2)
    bodies = [body for quirk in QUIRKS for body in quirk.chunks]
    for _ in range(_VALUES // _LONG // 2):
        read([randoms.altered(rng, rng.choice(bodies), 0.15) for _ in range(_LONG)], rng.choice((1, 2, 3)))


def test_malformed_chunk_reads_the_same_from_dict_and_sdk() -> None:
    """A malformed chunk gives the same events as an SDK object and as a dict."""
    rng = Random(3)
    for _ in range(_VALUES // _LONG // 50):
        quirk = rng.choice(QUIRKS)
        built = [sdk(randoms.altered(rng, body, 0.1)) for body in quirk.chunks]
        assert repr(seen(read(built))) == repr(seen(read(map(said, built)))), built


@BUILDERS
@each_row(
    "body",
    [None, 1, "text", [], [{}], True, object(), b"{}"],
    ids=lambda body: repr(body).partition(" at ")[0],
)
def test_value_that_is_not_an_object_has_no_events(body: Any, build: Any) -> None:
    """What is no object has no events."""
    assert events_of([build(body)]) == []


def test_values_nested_deeper_than_the_limit_are_left_out() -> None:
    """Values nested deeper than Python's recursion limit are left out, where it has one."""
    deep: Any = "x"
    for _ in range(5_000):
        deep = [deep]
    found = seen(
        read([{"choices": [{"delta": {"content": deep, "tool_calls": [entry(0, "a", "f", deep)]}}]}])
    )
    (call,) = found.calls
    assert call.arguments in ("", "[" * 5_000 + '"x"' + "]" * 5_000)


def test_nested_thinking_is_read_to_a_bounded_depth() -> None:
    """Thoughts within thoughts end somewhere."""
    deep: Any = "x"
    for _ in range(5_000):
        deep = [{"thinking": deep}]
    assert events_of([{"choices": [{"delta": {"content": deep}}]}]) == []
