"""A model server on loopback with the delays of a hosted model; some questions cause faults."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from demo_server import DOLLARS_IN, DOLLARS_OUT, Handler, demo_server, envelope

from .demo_model import deltas, question_of

Json = dict[str, Any]

FIRST_SECONDS = 0.35
"""Delay until the first token, if the whole prompt is cached."""
READ_SECONDS = 0.1e-3
"""Additional delay per token of the prompt that is not cached."""
TOKEN_SECONDS = 0.02
CHARACTERS = 4
"""Characters per token."""
BLOCK = 64
"""Size of a block of the prompt cache, in tokens."""
REMEMBERED = 200
WAIT_SECONDS = 0.4
"""The wait that a 429 tells the client."""


class Memory:
    """The state of a server: its prompt cache, its counters, and how often each question has failed."""

    def __init__(self) -> None:
        self.requests = self.tokens = 0
        self.failures: Counter[str] = Counter()
        self._read: list[str] = []

    def read(self, request: Json) -> tuple[int, int]:
        """Return the tokens of a prompt, and how many of them the cache has."""
        prompt = json.dumps([request.get("tools"), request["messages"]])
        common = max((_common(prompt, other) for other in self._read), default=0)
        self._read = [*self._read[-REMEMBERED:], prompt]
        tokens = len(prompt) // CHARACTERS
        self.tokens += tokens
        return tokens, common // CHARACTERS // BLOCK * BLOCK


class RealisticHandler(Handler):
    """Answer with realistic delays, and with the fault that the question names."""

    memory: ClassVar[Memory]
    pace: ClassVar[float] = 1
    """Factor of all delays."""

    def reply(self, request: Json) -> None:
        """Answer, or fail as often as the question's fault demands."""
        self.memory.requests += 1
        question, since = question_of(request)
        times, fail = FAULTS.get(question.partition(":")[0], (0, RealisticHandler.answer))
        if not since and self.memory.failures[question] < times:
            self.memory.failures[question] += 1
            return fail(self, request)
        if not since:
            del self.memory.failures[question]
        return self.answer(request)

    def answer(self, request: Json, most: int | None = None) -> None:
        """Answer normally; with `most`, break the stream off after that many chunks."""
        tokens, cached = self.memory.read(request)
        time.sleep(self.pace * (FIRST_SECONDS + READ_SECONDS * (tokens - cached)))
        pairs = deltas(request)
        usage = _usage(tokens, cached, len(pairs) - 2)
        if request.get("stream"):
            lines = [json.dumps(chunk) for chunk in _chunks(request, pairs, usage)]
            return self.stream(lines[:most] if most else [*lines, "[DONE]"], whole=most is None)
        time.sleep(self.pause * len(pairs))
        return self.whole(200, _completion(request, pairs, usage))


def limited(handler: RealisticHandler, request: Json) -> None:
    """Answer with 429."""
    error = {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}
    handler.whole(429, {"error": error}, {"retry-after-ms": f"{handler.pace * WAIT_SECONDS * 1000:.0f}"})


def cut(handler: RealisticHandler, request: Json) -> None:
    """Break the stream off within the second call, or within the text."""
    opened = [at for at, (delta, _) in enumerate(deltas(request)) if "id" in delta.get("tool_calls", [{}])[0]]
    handler.answer(request, most=max(opened, default=5) + 3)


def hanging(handler: RealisticHandler, request: Json) -> None:
    """Do not answer, until the client closes the connection."""
    handler.rfile.read(1)


FAULTS: dict[str, tuple[int, Callable[[RealisticHandler, Json], None]]] = {
    "Rate limit": (2, limited),
    "Break off": (1, cut),
    "Hang": (1, hanging),
    "Limited for good": (1_000_000, limited),
}
"""The beginning of a question that fails, how often it fails, and the fault."""


def realistic_server(memory: Memory | None = None, pace: float = 1) -> AbstractContextManager[str]:
    """Serve on loopback within the block and yield the base URL; a `pace` of 0.1 is ten times as fast."""
    remembering = type("Remembering", (RealisticHandler,), {"memory": memory or Memory(), "pace": pace})
    return demo_server(pause=pace * TOKEN_SECONDS, handler=remembering)


def _chunks(request: Json, pairs: list[tuple[Json, str | None]], usage: Json) -> Iterator[Json]:
    base = envelope(request, "chat.completion.chunk")
    for delta, finish in pairs:
        yield base | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    if (request.get("stream_options") or {}).get("include_usage"):
        yield base | {"choices": [], "usage": usage}


def _completion(request: Json, pairs: list[tuple[Json, str | None]], usage: Json) -> Json:
    message: Json = {
        "role": "assistant",
        "content": "".join(d.get("content") or "" for d, _ in pairs) or None,
    }
    made: dict[int, Json] = {}
    for piece in (piece for delta, _ in pairs for piece in delta.get("tool_calls", [])):
        call = made.setdefault(piece["index"], {**piece, "function": {**piece["function"], "arguments": ""}})
        call["function"]["arguments"] += piece["function"]["arguments"]
    if made:
        message["tool_calls"] = list(made.values())
    choice = {"index": 0, "message": message, "finish_reason": pairs[-1][1]}
    return envelope(request, "chat.completion") | {"choices": [choice], "usage": usage}


def _usage(prompt: int, cached: int, answer: int) -> Json:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
        "prompt_tokens_details": {"cached_tokens": min(cached, prompt)},
        "cost": DOLLARS_IN * prompt + DOLLARS_OUT * answer,
    }


def _common(one: str, other: str) -> int:
    """Return the length of the common beginning of two texts."""
    # Binary search with comparisons of slices, which run in C: prompts grow long.
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
