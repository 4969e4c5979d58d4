"""The service in a thread of this process, with the demo server behind it; pages are plain sockets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from chat_service.answering import Answering
from chat_service.app import create
from chat_service.demo import Memory, realistic_server
from chat_service.providers import connect
from chat_service.settings import Settings
from chat_service.tools import Tool, Toolbox
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_socket

from tests.sdk.telemetry import Telemetry

SECONDS = 20
"""Nothing takes as long."""
PACE = 0.025
Json = dict[str, Any]


class Page:
    """A page's socket, and what it was told."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.told: list[Json] = []

    def hear(self, *kinds: str, **facts: Any) -> Json:
        """Listen until something of these kinds happens, with these facts; and give it."""
        while True:
            heard: Json = json.loads(self.socket.recv(timeout=SECONDS))
            self.told.append(heard)
            if heard["kind"] in kinds and facts.items() <= heard.items():
                return heard

    def ask(self, question: str) -> list[Json]:
        """Ask, listen until the answer is whole or given up, and give all that was told meanwhile."""
        before = len(self.told)
        self.socket.send(question)
        self.hear("answered", "failed")
        return self.told[before:]


def tools_of(told: list[Json]) -> list[tuple[str, str]]:
    """The tools' states, in the order in which they were told."""
    return [(each["name"], each["status"]) for each in told if each["kind"] == "tool"]


def text_of(told: list[Json]) -> str:
    """The text that was told."""
    return "".join(each["text"] for each in told if each["kind"] == "text")


@dataclass
class Service:
    """Where it listens, what its model server has seen, and what it does its work with."""

    port: int
    memory: Memory
    answering: Answering
    telemetry: Telemetry

    @contextmanager
    def page(self, conversation: str = "c-1", after: int = 0, **options: Any) -> Iterator[Page]:
        """Open a page's socket."""
        url = f"ws://127.0.0.1:{self.port}/socket?conversation={conversation}&after={after}"
        with open_socket(url, proxy=None, **options) as socket:
            yield Page(socket)

    def spans(self, name: str) -> list[Any]:
        """The spans of a name, by their start, once all have ended; a page hears of the end before that."""
        until(lambda: len(self.telemetry.everything_started) == len(self.telemetry.everything_ended))
        found = [span for span in self.telemetry.everything_ended if span.name == name]
        return sorted(found, key=lambda span: span.start_time)


def variables(base_url: str) -> Json:
    """What every provider needs, all of it leading to one server."""
    azure = {"AZURE_OPENAI_ENDPOINT": base_url.removesuffix("/v1"), "AZURE_OPENAI_API_KEY": "k"}
    cerebras = {"CEREBRAS_BASE_URL": base_url, "CEREBRAS_API_KEY": "k"}
    return {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "k", **azure, **cerebras}


@contextmanager
def serving(
    telemetry: Telemetry, settings: Settings | None = None, tools: Toolbox | None = None, pace: float = PACE
) -> Iterator[Service]:
    """Run model server and service while the block runs."""
    memory, settings = Memory(), settings or Settings(patience=5, first_wait=0.01)
    with realistic_server(memory, pace) as base_url:
        client, model = connect(settings, variables(base_url))
        answering = Answering(client, model, settings, tools or quick(), telemetry.tracer)
        config = uvicorn.Config(create(answering), port=0, log_level="warning", timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield Service(_port(server, thread), memory, answering, telemetry)
        finally:
            server.should_exit = True
            thread.join(SECONDS)
            assert not thread.is_alive()


def until(holds: Callable[[], bool]) -> None:
    """Look again and again, for so long as nothing takes."""
    deadline, pause = time.monotonic() + SECONDS, threading.Event()
    while not holds():
        assert time.monotonic() < deadline
        pause.wait(0.005)


def _port(server: uvicorn.Server, thread: threading.Thread) -> int:
    """The port, once it listens; uvicorn has no other way to tell."""
    until(lambda: server.started or not thread.is_alive())
    found: int = server.servers[0].sockets[0].getsockname()[1]
    return found


async def get_weather(city: str) -> str:
    """The weather."""
    return f"sun in {city}"


async def get_time(city: str) -> str:
    """The time."""
    return f"noon in {city}"


async def convert_money(amount: float, source: str, target: str) -> str:
    """Money."""
    raise ConnectionError("no rates today")


def quick(*others: Any, limit: float = 5) -> Toolbox:
    """Tools that take no time, but for those that are given in their place."""
    functions = {each.__name__: each for each in (get_weather, get_time, convert_money, *others)}
    return Toolbox(*(Tool(function, limit) for function in functions.values()))
