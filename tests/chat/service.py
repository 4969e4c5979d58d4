"""Run the chat service in a thread with the demo server; a page is a plain socket."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from anthropic_agent import MessagesHandler
from chat_service.answering import Answering
from chat_service.app import create
from chat_service.demo import Memory, realistic_server
from chat_service.providers import connect
from chat_service.settings import Settings
from chat_service.tools import Tool, Toolbox
from demo_server import demo_server
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_socket

from tests.sdk.telemetry import Telemetry

SECONDS = 20
"""The timeout of every wait."""
PACE = 0.025
Json = dict[str, Any]


class Messages(MessagesHandler):
    """A server of Anthropic's API, whose answer calls two tools of the service."""

    calls = (
        ("toolu_1", "get_weather", ('{"ci', 'ty":', '"Paris"}')),
        ("toolu_2", "get_time", ('{"city":"Paris"}',)),
    )


class Page:
    """A page's socket, and the events that it received."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[Json] = []

    def wait_for(self, *kinds: str, **facts: Any) -> Json:
        """Receive events until one has one of these kinds and these facts; return it."""
        while True:
            event: Json = json.loads(self.socket.recv(timeout=SECONDS))
            self.events.append(event)
            if event["kind"] in kinds and facts.items() <= event.items():
                return event

    def ask(self, question: str) -> list[Json]:
        """Send a question and return the events until it is answered or fails."""
        before = len(self.events)
        self.socket.send(question)
        self.wait_for("answered", "failed")
        return self.events[before:]


def tools_of(events: list[Json]) -> list[tuple[str, str]]:
    """Return name and status of each tool event, in order."""
    return [(each["name"], each["status"]) for each in events if each["kind"] == "tool"]


def text_of(events: list[Json]) -> str:
    """Return the text of the text events."""
    return "".join(each["text"] for each in events if each["kind"] == "text")


@dataclass
class Service:
    """A running service: its port, the requests at its model server, its parts and its telemetry."""

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
        """Return the spans of a name by start, once all have ended: a page receives the end before that."""
        until(lambda: len(self.telemetry.everything_started) == len(self.telemetry.everything_ended))
        found = [span for span in self.telemetry.everything_ended if span.name == name]
        return sorted(found, key=lambda span: span.start_time)


def variables(base_url: str) -> Json:
    """Return the variables of every provider, for one server."""
    azure = {"AZURE_OPENAI_ENDPOINT": base_url.removesuffix("/v1"), "AZURE_OPENAI_API_KEY": "k"}
    cerebras = {"CEREBRAS_BASE_URL": base_url, "CEREBRAS_API_KEY": "k"}
    return {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "k", **azure, **cerebras}


@contextmanager
def serving(
    telemetry: Telemetry, settings: Settings | None = None, tools: Toolbox | None = None, pace: float = PACE
) -> Iterator[Service]:
    """Run model server and service while the block runs."""
    memory, settings = Memory(), settings or Settings(patience=5, first_wait=0.01)
    with realistic_server(memory, pace) as base_url, demo_server(pause=0, handler=Messages) as other:
        anthropic = {"ANTHROPIC_BASE_URL": other.removesuffix("/v1"), "ANTHROPIC_API_KEY": "k"}
        client, model = connect(settings, variables(base_url) | anthropic)
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
    """Wait until the condition holds."""
    deadline, pause = time.monotonic() + SECONDS, threading.Event()
    while not holds():
        assert time.monotonic() < deadline
        pause.wait(0.005)


def _port(server: uvicorn.Server, thread: threading.Thread) -> int:
    """Return the port, once the server listens; uvicorn has no other way to report it."""
    until(lambda: server.started or not thread.is_alive())
    found: int = server.servers[0].sockets[0].getsockname()[1]
    return found


async def get_weather(city: str) -> str:
    """Return the weather."""
    return f"sun in {city}"


async def get_time(city: str) -> str:
    """Return the time."""
    return f"noon in {city}"


async def convert_money(amount: float, source: str, target: str) -> str:
    """Fail."""
    raise ConnectionError("no rates today")


def quick(*others: Any, limit: float = 5) -> Toolbox:
    """Return fast tools, with these others in their place."""
    functions = {each.__name__: each for each in (get_weather, get_time, convert_money, *others)}
    return Toolbox(*(Tool(function, limit) for function in functions.values()))
