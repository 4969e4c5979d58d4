"""A model server on loopback to try the service with, as slow as a hosted model; some questions bring faults.

It must not know what the answers mean.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from demo_server import DOLLARS_IN, DOLLARS_OUT, Handler, demo_server, envelope

from .demo_model import asked, deltas

Json = dict[str, Any]

FIRST_SECONDS = 0.35
"""Until the first token, of a prompt that the server has read before."""
READ_SECONDS = 0.1e-3
"""For each token of the prompt that it has not read before."""
TOKEN_SECONDS = 0.02
CHARACTERS = 4
"""Of a token."""
BLOCK = 64
"""So many tokens of a prompt are remembered together."""
REMEMBERED = 200
WAIT_SECONDS = 0.4
"""What a client that is refused is told to wait."""


class Memory:
    """What a server remembers: the prompts it has read, and how often a question has failed."""

    def __init__(self) -> None:
        self.requests = self.tokens = 0
        self.failures: Counter[str] = Counter()
        self._read: list[str] = []

    def read(self, request: Json) -> tuple[int, int]:
        """The tokens of a prompt, and how many of them begin a prompt that was read before."""
        prompt = json.dumps([request.get("tools"), request["messages"]])
        common = max((_common(prompt, other) for other in self._read), default=0)
        self._read = [*self._read[-REMEMBERED:], prompt]
        tokens = len(prompt) // CHARACTERS
        self.tokens += tokens
        return tokens, common // CHARACTERS // BLOCK * BLOCK


class RealisticHandler(Handler):
    """Answers in real time, and fails where the question says so."""

    memory: ClassVar[Memory]
    pace: ClassVar[float] = 1
    """How long everything takes, in proportion."""

    def reply(self, request: Json) -> None:
        """Fail, or read the prompt and answer."""
        self.memory.requests += 1
        question, since = asked(request)
        times, fail = FAULTS.get(question.partition(":")[0], (0, RealisticHandler.answer))
        if not since and self.memory.failures[question] < times:
            self.memory.failures[question] += 1
            return fail(self, request)
        if not since:
            del self.memory.failures[question]
        return self.answer(request)

    def answer(self, request: Json, most: int | None = None) -> None:
        """Answer; a stream breaks off after so many chunks, if it is to."""
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
    """Too many requests."""
    error = {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}
    handler.whole(429, {"error": error}, {"retry-after-ms": f"{handler.pace * WAIT_SECONDS * 1000:.0f}"})


def cut(handler: RealisticHandler, request: Json) -> None:
    """The stream breaks off while the second call is on its way, or the answer."""
    opened = [at for at, (delta, _) in enumerate(deltas(request)) if "id" in delta.get("tool_calls", [{}])[0]]
    handler.answer(request, most=max(opened, default=5) + 3)


def hanging(handler: RealisticHandler, request: Json) -> None:
    """There is no answer, until the client hangs up."""
    handler.rfile.read(1)


FAULTS: dict[str, tuple[int, Callable[[RealisticHandler, Json], None]]] = {
    "Rate limit": (2, limited),
    "Break off": (1, cut),
    "Hang": (1, hanging),
    "Limited for good": (1_000_000, limited),
}
"""What a question begins with that fails: how often, and how."""


def realistic_server(memory: Memory | None = None, pace: float = 1) -> AbstractContextManager[str]:
    """Serve on loopback while the block runs, and give the base URL; a `pace` of 0.1 is ten times as fast."""
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
    """How many characters two texts begin with in common."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
