"""A scripted server of the OpenAI protocol on loopback; it needs no model and nothing but Python.

If the request offers get_weather and get_time, the answer calls both; if it has their results, the answer is
text. `with demo_server() as base_url:` runs it in a program, `python examples/demo_server.py` alone.
"""

import argparse
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]

CALLS = (
    ("call_weather_1", "get_weather", ('{"ci', 'ty":', '"Par', 'is"}')),
    ("call_time_2", "get_time", ('{"tz"', ':"Euro', "pe/Par", 'is"}')),
)
TOKENS_OF_CALLS, TOKENS_OF_TEXT = (92, 37), (158, 24)
DOLLARS_IN, DOLLARS_OUT = 0.15e-6, 0.60e-6
"""The price of a token, in US dollars."""


@contextmanager
def demo_server(port: int = 0, pause: float = 0.03, handler: "type[Handler] | None" = None) -> Iterator[str]:
    """Serve on loopback and yield the base URL; `pause` is the delay between two chunks, in seconds."""
    answers: Any = type("Answers", (handler or Handler,), {"pause": pause})
    server = ThreadingHTTPServer(("127.0.0.1", port), answers)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def deltas(request: Json) -> Iterator[tuple[Json, str | None]]:
    """Yield the answer as (delta, finish reason) pairs, in the order in which a real server sends them."""
    yield {"role": "assistant", "content": None}, None
    results = [m["content"] for m in request["messages"] if m.get("role") == "tool"]
    offered = {tool.get("function", {}).get("name") for tool in request.get("tools") or []}
    calls = [call for call in CALLS if call[1] in offered]
    if results or not calls:
        for word in re.findall(r"\S+\s*", answer(results)):
            yield {"content": word}, None
        yield {}, "stop"
        return
    for index, (call_id, name, fragments) in enumerate(calls):
        opening = {
            "index": index,
            "id": call_id,
            "type": "function",
            "function": {"name": name, "arguments": ""},
        }
        yield {"tool_calls": [opening]}, None
        for fragment in fragments:
            yield {"tool_calls": [{"index": index, "function": {"arguments": fragment}}]}, None
    yield {}, "tool_calls"


def answer(results: list[str]) -> str:
    """Return one sentence with the tools' results."""
    return (
        f"Here is what I found: {'; '.join(map(str, results))}." if results else "Hello from the demo server."
    )


def envelope(request: Json, kind: str) -> Json:
    """Return the fields that every chunk and every whole answer have."""
    model = request.get("model", "demo")
    return {"id": "chatcmpl-demo", "object": kind, "created": int(time.time()), "model": model}


def chunks(request: Json) -> Iterator[Json]:
    """Yield the chunks of the streamed answer; the last one has the usage, if the request includes it."""
    base = envelope(request, "chat.completion.chunk")
    finish = None
    for delta, finish in deltas(request):
        yield base | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    if (request.get("stream_options") or {}).get("include_usage"):
        yield base | {"choices": [], "usage": usage(finish)}


def completion(request: Json) -> Json:
    """Return the same answer in one object."""
    text, calls = "", dict[int, Json]()
    pairs = list(deltas(request))
    for delta, _ in pairs:
        text += delta.get("content") or ""
        for piece in delta.get("tool_calls", []):
            call = calls.setdefault(piece["index"], piece)
            if call is not piece:
                call["function"]["arguments"] += piece["function"]["arguments"]
    message: Json = {"role": "assistant", "content": text or None}
    if calls:
        message["tool_calls"] = [{k: v for k, v in c.items() if k != "index"} for c in calls.values()]
    finish = pairs[-1][1]
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return envelope(request, "chat.completion") | {"choices": [choice], "usage": usage(finish)}


def usage(finish: str | None) -> Json:
    """Return the tokens of an answer by its finish reason, and their cost in OpenRouter's field."""
    prompt, answer = TOKENS_OF_CALLS if finish == "tool_calls" else TOKENS_OF_TEXT
    tokens = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
    return tokens | {"cost": DOLLARS_IN * prompt + DOLLARS_OUT * answer}


class Handler(BaseHTTPRequestHandler):
    """Answer the requests of one connection."""

    protocol_version = "HTTP/1.1"
    pause = 0.03

    def handle(self) -> None:
        """Answer until the client closes the connection, which it may do at any time."""
        with suppress(ConnectionError):
            super().handle()

    def do_POST(self) -> None:
        """Answer one request, with an error if it is malformed."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.path.partition("?")[0].endswith("/chat/completions"):
            self.whole(404, {"error": {"message": f"no such path: {self.path}", "type": "not_found"}})
            return
        try:
            self.reply(json.loads(body))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            self.whole(400, {"error": {"message": repr(error), "type": "invalid_request_error"}})

    def reply(self, request: Json) -> None:
        """Answer one request, streamed if it has `stream`."""
        if request.get("stream"):
            self.stream([json.dumps(chunk) for chunk in chunks(request)] + ["[DONE]"])
        else:
            self.whole(200, completion(request))

    def whole(self, status: int, answer: Json, headers: "dict[str, str] | None" = None) -> None:
        """Answer with one JSON object."""
        time.sleep(self.pause)
        payload = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    def stream(self, lines: list[str], *, whole: bool = True) -> None:
        """Answer with server-sent events; unless `whole`, close the connection without an end."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines:
            time.sleep(self.pause)
            payload = f"data: {line}\n\n".encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(payload), payload))
        if whole:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the terminal belongs to the client's program."""


def main() -> None:
    """Run alone until interrupted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    parser.add_argument("--pause", type=float, default=0.03, help="seconds between two chunks")
    options = parser.parse_args()
    with demo_server(options.port, options.pause) as base_url:
        print(f"OPENAI_BASE_URL={base_url} OPENAI_API_KEY=demo   (Ctrl-C to stop)", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
