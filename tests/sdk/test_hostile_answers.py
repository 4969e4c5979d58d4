"""Hostile answers through the real SDK: bounded processor time, memory and span size.

`TOOLSPAN_TEST_SCALE=full` sends 10 000 of them.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

import openai
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from ..wire.reading import FULL
from . import script, wire
from .api import Api
from .apis import CHAT, RESPONSES
from .http_module import KEY, http
from .telemetry import Telemetry
from .test_fuzz import bent, strange

ANSWERS, BATCH = (10_000, 250) if FULL else (30, 30)
SLOWER = 3 if FULL else 12
"""Times the processor time of the bare SDK. Of thirty answers, and with coverage measured, it says little."""
SPAN = 256 * 1024
KEPT = 32 * 2**20
Chunks = list[Any]
WORDS = ("w" * 200_000, "\U0001f600" * 50_000, "\\" * 100_000, "[" * 100_000, '{"a":' * 20_000, "1" * 100_000)


def noise(chance: Random, api: Api) -> Chunks:
    """Chunks that are wrong here and there, or everywhere."""
    make = chance.choice((bent, strange))
    return [make(chance, api) for _ in range(10)]


def long_words(chance: Random, api: Api) -> Chunks:
    """Every word of the answer is long."""
    word = chance.choice(WORDS)
    if api is RESPONSES:
        ids = dict.fromkeys(("id", "call_id", "name", "arguments"), word)
        item = {"type": "function_call", **ids}
        whole = {"id": word, "model": word, "status": word, "output": [item], "error": {"code": word}}
        return [
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            {"type": "response.completed", "response": whole},
        ]
    function = {"name": word, "arguments": word}
    call = {"index": 0, "id": word, "type": "function", "function": function}
    head = dict.fromkeys(("id", "model", "service_tier", "system_fingerprint"), word)
    return [{**wire.chunk({"tool_calls": [call]}), **head}, wire.chunk({}, word)]


def many_calls(chance: Random, api: Api) -> Chunks:
    """Very many tool calls, each with its own id, in chunks of a hundred."""
    count = chance.randrange(100, 2_000)
    if api is RESPONSES:
        return [
            {
                "type": "response.output_item.added",
                "output_index": at,
                "item": {"type": "function_call", "id": f"f{at}", "call_id": f"c{at}", "name": f"n{at}"},
            }
            for at in range(count // 4)
        ]
    calls = [
        {"index": at, "id": f"c{at}", "type": "function", "function": {"name": f"n{at}", "arguments": "{}"}}
        for at in range(count)
    ]
    return [wire.chunk({"tool_calls": calls[at : at + 100]}) for at in range(0, count, 100)]


def endless_arguments(chance: Random, api: Api) -> Chunks:
    """One call whose arguments come in many pieces and never end."""
    piece = chance.choice(('{"a":[', '"\\u00', "[[[[", "x" * 1_000, '"a","b",'))
    if api is RESPONSES:
        event = {"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "f"}
        return [{**event, "delta": piece} for _ in range(200)]
    first = {"index": 0, "id": "c", "type": "function", "function": {"name": "get_weather", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": piece}}
    return [wire.chunk({"tool_calls": [each]}) for each in (first, *[more] * 200)]


KINDS: list[Callable[[Random, Api], Chunks]] = [*[noise] * 12, long_words, many_calls, endless_arguments]


class Server:
    """Sends one answer after another."""

    def __init__(self) -> None:
        self.answers: list[Callable[[], Any]] = []
        channel = http.Client(transport=http.MockTransport(lambda _: self.answers.pop()()))
        self.client = openai.OpenAI(api_key=KEY, base_url=wire.BASE_URL, http_client=channel, max_retries=0)

    def read(self, made: list[tuple[Api, Chunks]]) -> float:
        """Read all answers as streams; return the seconds of processor time."""
        self.answers = [script.stream(*map(wire.sse, chunks), *api.done) for api, chunks in reversed(made)]
        gc.collect()
        began = time.thread_time()
        for api, _ in made:
            # The SDK raises for some of them, with any class of error.
            with suppress(Exception):
                for _ in api.stream(self.client):
                    pass
        return time.thread_time() - began


def resident() -> int:
    """Return the bytes of memory that the process has now; 0 where that cannot be read."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def test_hostile_answers_cost_bounded_time_memory_and_spans(telemetry: Telemetry) -> None:
    """At most three times the bare SDK's time, 32 MiB in all, and 256 KiB in each span."""
    chance, server = Random(16), Server()
    bare = instrumented = 0.0
    largest = count = begun = 0
    for _ in range(0, ANSWERS, BATCH):
        order = [(chance.choice(KINDS), chance.choice((CHAT, RESPONSES))) for _ in range(BATCH)]
        made = [(api, kind(chance, api)) for kind, api in order]
        bare += server.read(made)
        with telemetry.on():
            instrumented += server.read(made)
        largest = max(chain([largest], (encoded(span) for span in telemetry.spans)))
        count += len(telemetry.spans)
        for kept in (telemetry.everything_started, telemetry.everything_ended, telemetry.records):
            kept.clear()
        del made, order
        gc.collect()
        begun = begun or resident()
    print(f"{instrumented / bare:.2f} times the time; largest span {largest}; grew by {resident() - begun}")
    assert count == ANSWERS
    assert instrumented < SLOWER * bare
    assert largest < SPAN
    assert resident() - begun < KEPT


def encoded(span: Any) -> int:
    """Return the size of a span, as an exporter sends it."""
    return len(encode_spans([span]).SerializeToString())
