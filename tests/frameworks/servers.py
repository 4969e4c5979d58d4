"""Run the two model servers, and read the requests that they received.

aimock is given fixed ids and tokens here, so that telemetry can be compared with what was sent.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e import aimock, llama, story
from tests.e2e.parts import Part
from tests.e2e.processes import HOST, answers, free_ports, serving

EXTRACT = "Who lives at"
"""What a question must hold to be answered by one call whose arguments are the extracted record."""
PERSON = {"name": "Ada", "city": "London"}
RESULT = "noon in"
"""What the result of the second tool holds, where a framework sends results as the user's messages."""
CALL_IDS = ("call_weather_1", "call_time_2")
TOKENS = ((101, 31), (140, 12))
"""Input and output of the first and of the second call of the model."""
_OF_ONE_RUN = ("host", "x-request-id")
"""Headers with the server's port, and an id that the server adds."""


@dataclass(frozen=True)
class Request:
    """One request as the server saw it; `sent` is all that was sent, but for what no two runs share.

    That is the order of the messages too: Haystack sorts calls by ids that the server makes up.
    """

    path: str
    streamed: bool
    asks_for_usage: bool
    sent: dict[str, Any]


@dataclass(frozen=True)
class Server:
    """A running server: its port, and what gives the requests so far, or None if it keeps no journal."""

    port: int
    requests: Callable[[], list[Request] | None]


@contextmanager
def serve_aimock(folder: Path) -> Iterator[Server]:
    """aimock, a scripted server that keeps a journal."""
    fixtures = folder / "fixtures.json"
    fixtures.write_text(json.dumps({"fixtures": _fixtures()}))
    (port,) = free_ports(1)
    program = aimock.PART.folder / "node_modules" / ".bin" / "llmock"
    command = [program, "--host", HOST, "--port", str(port), "--fixtures", fixtures, "--strict"]
    with serving(command, folder / "aimock.log", lambda: answers(port, "/health")):
        yield Server(port, lambda: _journal(port))


@contextmanager
def serve_llama(folder: Path) -> Iterator[Server]:
    """llama-server, with a model that recites."""
    with llama.serve(folder) as port:
        yield Server(port, lambda: None)


SERVERS: dict[str, Callable[[Path], Any]] = {"aimock": serve_aimock, "llama-server": serve_llama}
PARTS: dict[str, tuple[Part, ...]] = {
    "aimock": (aimock.PART,),
    "llama-server": (llama.SERVER, llama.MODEL),
}


def _fixtures() -> list[dict[str, Any]]:
    calls = [
        {"type": "toolCall", "id": identity, "name": name, "arguments": given}
        for identity, (name, given) in zip(CALL_IDS, story.CALLS, strict=True)
    ]
    person = {"type": "toolCall", "id": CALL_IDS[0], "name": "Person", "arguments": PERSON}
    return [
        _fixture({"userMessage": EXTRACT}, {"blocks": [person]}, 0),
        _fixture({"userMessage": RESULT}, {"content": story.ANSWER}, 1),
        _fixture({"userMessage": story.ASKED_ABOUT, "hasToolResult": False}, {"blocks": calls}, 0),
        _fixture({"userMessage": story.ASKED_ABOUT, "hasToolResult": True}, {"content": story.ANSWER}, 1),
    ]


def _fixture(match: dict[str, Any], response: dict[str, Any], turn: int) -> dict[str, Any]:
    taken, made = TOKENS[turn]
    usage = {"prompt_tokens": taken, "completion_tokens": made, "total_tokens": taken + made}
    return {"match": match, "response": {**response, "usage": usage}, "latency": 3, "chunkSize": 6}


def _journal(port: int) -> list[Request]:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/__aimock/journal")
        entries = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return [_request(entry) for entry in entries if entry["method"] == "POST"]


def _request(entry: dict[str, Any]) -> Request:
    body, path = entry.get("body") or {}, entry["path"].removeprefix("/v1")
    usage = path == "/responses" or bool((body.get("stream_options") or {}).get("include_usage"))
    streamed = bool(body.get("stream"))
    sent = {name: value for name, value in entry["headers"].items() if name not in _OF_ONE_RUN}
    sent |= body | {"messages": sorted(body.get("messages") or [], key=json.dumps)}
    return Request(path, streamed, usage or not streamed, sent)
