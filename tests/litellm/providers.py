"""A loopback server that answers as the providers of LiteLLM's routes do, each in its own format."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKENS = (11, 7)
"""Input and output tokens of each answer."""
_USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
_DETAILS = {
    **_USAGE,
    "prompt_tokens_details": {"cached_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
_FACTS = {"id": "c-1", "created": 1, "model": "m-1"}
_ARGUMENTS = '{"city": "Oslo"}'
_CALL = {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": _ARGUMENTS}}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]


def _calls(body: dict[str, Any]) -> bool:
    """Return whether the answer is a call of a tool: not after its result."""
    roles = [message.get("role") for message in body.get("messages", ())]
    return bool(body.get("tools")) and "tool" not in roles


def _chat(body: dict[str, Any]) -> Any:
    message: dict[str, Any] = {"role": "assistant", "content": "Hello there."}
    if _calls(body):
        message = {"role": "assistant", "content": None, "tool_calls": [_CALL]}
    reason = "tool_calls" if _calls(body) else "stop"
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return {
        **_FACTS,
        "object": "chat.completion",
        "choices": [choice],
        "usage": _DETAILS,
        "service_tier": None,
    }


def _chat_chunks(body: dict[str, Any]) -> Iterator[Any]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "Hello"}, {"content": " there."}]
    if _calls(body):
        head = {**_CALL, "function": {"name": "weather", "arguments": ""}, "index": 0}
        pieces = [
            {"index": 0, "function": {"arguments": piece}} for piece in (_ARGUMENTS[:7], _ARGUMENTS[7:])
        ]
        deltas = [{"role": "assistant", "tool_calls": [head]}, *({"tool_calls": [each]} for each in pieces)]
    ends = [None] * len(deltas) + ["tool_calls" if _calls(body) else "stop"]
    for delta, reason in zip([*deltas, {}], ends, strict=True):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        yield {**_FACTS, "object": "chat.completion.chunk", "choices": [choice]}
    yield {**_FACTS, "object": "chat.completion.chunk", "choices": [], "usage": _DETAILS}


def _text(body: dict[str, Any]) -> Any:
    choice = {"index": 0, "text": "Hello there.", "finish_reason": "stop", "logprobs": None}
    return {**_FACTS, "object": "text_completion", "choices": [choice], "usage": _USAGE}


def _text_chunks(body: dict[str, Any]) -> Iterator[Any]:
    for text, reason in (("Hello", None), (" there.", "stop")):
        choice = {"index": 0, "text": text, "finish_reason": reason, "logprobs": None}
        yield {**_FACTS, "object": "text_completion", "choices": [choice]}
    yield {**_FACTS, "object": "text_completion", "choices": [], "usage": _USAGE}


def _embeddings(body: dict[str, Any]) -> Any:
    data = [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2, 0.3]}]
    return {
        "object": "list",
        "model": "m-1",
        "data": data,
        "usage": {"prompt_tokens": 11, "total_tokens": 11},
    }


def _response(body: dict[str, Any]) -> Any:
    item: dict[str, Any] = {
        "type": "message",
        "id": "i-1",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello there.", "annotations": []}],
    }
    if body.get("tools"):
        call = {"type": "function_call", "id": "i-1", "call_id": "call_a", "name": "weather"}
        item = {**call, "arguments": _ARGUMENTS, "status": "completed"}
    facts = {"id": "r-1", "object": "response", "created_at": 1, "model": "m-1", "status": "completed"}
    usage = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
    rest = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "error": None}
    return {**facts, **rest, "output": [item], "usage": usage}


def _response_events(body: dict[str, Any]) -> Iterator[Any]:
    whole = _response(body)
    (item,) = whole["output"]
    at = {"output_index": 0, "item_id": "i-1"}
    yield {
        "type": "response.created",
        "response": {**whole, "status": "in_progress", "output": [], "usage": None},
    }
    begun = {
        **item,
        "status": "in_progress",
        **({"arguments": ""} if "arguments" in item else {"content": []}),
    }
    yield {"type": "response.output_item.added", "output_index": 0, "item": begun}
    if "arguments" in item:
        for piece in (_ARGUMENTS[:7], _ARGUMENTS[7:]):
            yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
        yield {"type": "response.function_call_arguments.done", **at, "arguments": _ARGUMENTS}
    else:
        for piece in ("Hello", " there."):
            yield {"type": "response.output_text.delta", **at, "content_index": 0, "delta": piece}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {"type": "response.completed", "response": whole}


def _message(body: dict[str, Any]) -> Any:
    block: dict[str, Any] = {"type": "text", "text": "Hello there."}
    if body.get("tools"):
        block = {"type": "tool_use", "id": "call_a", "name": "weather", "input": {"city": "Oslo"}}
    facts = {"id": "msg-1", "type": "message", "role": "assistant", "model": "m-1", "stop_sequence": None}
    reason = "tool_use" if body.get("tools") else "end_turn"
    usage = {"input_tokens": 11, "output_tokens": 7}
    return {**facts, "content": [block], "stop_reason": reason, "usage": usage}


def _message_events(body: dict[str, Any]) -> Iterator[Any]:
    whole = _message(body)
    (block,) = whole["content"]
    started = {**whole, "content": [], "stop_reason": None, "usage": {"input_tokens": 11, "output_tokens": 1}}
    yield {"type": "message_start", "message": started}
    tool = block["type"] == "tool_use"
    empty = {**block, "input": {}} if tool else {**block, "text": ""}
    yield {"type": "content_block_start", "index": 0, "content_block": empty}
    pieces = (_ARGUMENTS[:7], _ARGUMENTS[7:]) if tool else ("Hello", " there.")
    kind, key = ("input_json_delta", "partial_json") if tool else ("text_delta", "text")
    for piece in pieces:
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": kind, key: piece}}
    yield {"type": "content_block_stop", "index": 0}
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}}
    yield {"type": "message_stop"}


def _ollama(body: dict[str, Any]) -> Any:
    message: dict[str, Any] = {"role": "assistant", "content": "Hello there."}
    if body.get("tools"):
        call = {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}
        message = {"role": "assistant", "content": "", "tool_calls": [call]}
    counts = {"prompt_eval_count": 11, "eval_count": 7}
    return {
        "model": "m-1",
        "created_at": "x",
        "message": message,
        "done": True,
        "done_reason": "stop",
        **counts,
    }


def _ollama_lines(body: dict[str, Any]) -> Iterator[Any]:
    whole = _ollama(body)
    yield {"model": "m-1", "created_at": "x", "message": whole["message"], "done": False}
    yield {**whole, "message": {"role": "assistant", "content": ""}}


def _gemini(body: dict[str, Any]) -> Any:
    part: dict[str, Any] = {"text": "Hello there."}
    if body.get("tools"):
        part = {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}
    content = {"role": "model", "parts": [part]}
    counts = {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}
    candidate = {"index": 0, "content": content, "finishReason": "STOP"}
    return {"candidates": [candidate], "usageMetadata": counts, "modelVersion": "m-1", "responseId": "g-1"}


def _gemini_chunks(body: dict[str, Any]) -> Iterator[Any]:
    yield _gemini(body)


_FORMATS = (
    ("/embeddings", _embeddings, None),
    ("/responses", _response, _response_events),
    ("/messages", _message, _message_events),
    ("/api/chat", _ollama, _ollama_lines),
    ("enerateContent", _gemini, _gemini_chunks),
    ("/chat/completions", _chat, _chat_chunks),
    ("/completions", _text, _text_chunks),
    ("", _chat, _chat_chunks),
)
"""A part of the path, the whole answer and the chunks; the first that fits."""


class Providers:
    """The server: `failures` are the statuses of its next answers, before it answers well."""

    def __init__(self, failures: tuple[int, ...] = ()) -> None:
        self.failures = list(failures)
        self.paths: list[str] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.script = self  # type: ignore[attr-defined]  # for the handler
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The server's address, without a path."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Providers:  # noqa: PYI034 - it has no subclass
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(20)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(b"{}", "application/json", 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        script: Providers = self.server.script  # type: ignore[attr-defined]  # set above
        path = self.path.partition("?")[0]
        script.paths.append(path)
        if script.failures:
            status = script.failures.pop(0)
            error = {"error": {"message": "Try again.", "type": "server_error", "code": str(status)}}
            self._send(json.dumps(error).encode(), "application/json", status)
            return
        _, whole, chunks = next(each for each in _FORMATS if each[0] in path)
        streamed = body.get("stream") or "streamGenerateContent" in path
        if "/api/chat" in path:
            streamed = body.get("stream", True)
        if not streamed or chunks is None:
            self._send(json.dumps(whole(body)).encode(), "application/json", 200)
            return
        if "/api/chat" in path:
            lines = b"".join(json.dumps(chunk).encode() + b"\n" for chunk in chunks(body))
            self._send(lines, "application/x-ndjson", 200)
            return
        sent = b"".join(_event(chunk) for chunk in chunks(body))
        end = b"" if chunks in (_message_events, _gemini_chunks, _response_events) else b"data: [DONE]\n\n"
        self._send(sent + end, "text/event-stream", 200)

    def _send(self, body: bytes, kind: str, status: int) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-request-id", "req-1")
        self.send_header("x-ratelimit-remaining-requests", "59")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def _event(chunk: Any) -> bytes:
    name = f"event: {chunk['type']}\n" if isinstance(chunk.get("type"), str) else ""
    return f"{name}data: {json.dumps(chunk)}\n\n".encode()
