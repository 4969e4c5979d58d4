"""A server that streams as Cerebras does, in this process.

Reasoning is `reasoning`, tokens and `time_info` come with the finish reason; parameters that it does not have
are refused with 400. No real chunk of its tool calls is known, so it sends them in both ways that are used:
whole, and in fragments.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.e2e import story
from tests.e2e.processes import HOST

MODEL = "gpt-oss-120b"
TOKENS = (210, 48)
FRAGMENT = 5  # characters
REFUSED = ("parallel_tool_calls", "service_tier", "frequency_penalty", "logit_bias", "presence_penalty")
WAYS = ("whole", "fragments", "silent", "broken", "refusing")
"""How it answers: calls whole, in fragments, none, with arguments that are no JSON; or with an error."""
_USAGE = dict(zip(("prompt_tokens", "completion_tokens"), TOKENS, strict=True))
_TIMES = {"queue_time": 0.0003, "prompt_time": 0.004, "completion_time": 0.05, "created": 1764000000}


def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
    """One chunk; the last one has tokens and times."""
    choice = {"delta": delta, "finish_reason": reason, "index": 0}
    head = {"id": "chatcmpl-1", "created": 1764000000, "model": MODEL, "system_fingerprint": "fp_1"}
    return {**head, "choices": [choice], "object": "chat.completion.chunk", **more}


def _entry(index: int, name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"function": function, "type": "function", "id": f"call_{index}", "index": index}


def _calls(way: str) -> Iterator[dict[str, Any]]:
    given = [(name, json.dumps(arguments)) for name, arguments in story.CALLS]
    if way == "broken":
        given = [(name, arguments[:-1]) for name, arguments in given]
    if way != "fragments":
        yield chunk({"tool_calls": [_entry(at, name, text) for at, (name, text) in enumerate(given)]})
        return
    for at, (name, text) in enumerate(given):
        yield chunk({"tool_calls": [_entry(at, name, "")]})
        for start in range(0, len(text), FRAGMENT):
            piece = text[start : start + FRAGMENT]
            yield chunk({"tool_calls": [{"index": at, "function": {"arguments": piece}}]})


def answer(way: str, answered: bool) -> Iterator[dict[str, Any]]:
    """The chunks of one answer: calls, or text once their results are there."""
    yield chunk({"role": "assistant"})
    yield chunk({"reasoning": "The user wants the weather."})
    calls = way != "silent" and not answered
    if calls:
        yield from _calls(way)
    else:
        yield from (chunk({"content": f"{word} "}) for word in story.ANSWER.split())
    usage = {**_USAGE, "total_tokens": sum(TOKENS)}
    yield chunk({}, "tool_calls" if calls else "stop", usage=usage, time_info=_TIMES)


@contextmanager
def serve(way: str) -> Iterator[int]:
    """Answer in this way while the block runs; gives the port."""

    class Handler(BaseHTTPRequestHandler):
        """Takes what is posted."""

        def do_POST(self) -> None:
            """Answer one request."""
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            wrong = [name for name in REFUSED if name in asked] + ["tools"] * (way == "refusing")
            if wrong:
                self._send(400, "application/json", [json.dumps(_refusal(wrong[0])).encode()])
                return
            answered = any(message["role"] == "tool" for message in asked["messages"])
            lines = [f"data: {json.dumps(each)}\n\n".encode() for each in answer(way, answered)]
            self._send(200, "text/event-stream", [*lines, b"data: [DONE]\n\n"])

        def _send(self, status: int, kind: str, parts: list[bytes]) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.end_headers()
            for part in parts:
                self.wfile.write(part)
                self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _refusal(name: str) -> dict[str, Any]:
    words = f"property '{name}' is unsupported"
    return {
        "message": words,
        "type": "invalid_request_error",
        "param": "validation_error",
        "code": "wrong_api_format",
    }
