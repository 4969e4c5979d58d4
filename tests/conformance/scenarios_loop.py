"""Scenarios of several requests: agents that answer calls; must not know what is recorded of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import openai

import toolspan

from ..sdk import script, wire
from ..sdk.sdk import KEY, http
from .scenario import stream

TOOL = wire.TOOL
HISTORY: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What now?"},
]
CALLS = [("call_0", "get_weather", '{"city":"Bern"}'), ("call_1", "get_time", '{"at":1}')]
ASKED = {
    "role": "assistant",
    "tool_calls": [
        {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}
        for identity, name, arguments in CALLS
    ],
}
RESULTS = [{"role": "tool", "tool_call_id": identity, "content": "fine"} for identity, _, _ in CALLS]
ANSWERED = [*HISTORY, ASKED, *RESULTS]
CALLING = stream(*wire.CALLS)
ANSWERING = stream(*wire.TEXT)


@toolspan.tool(description="The weather of a city.")
def get_weather(city: str) -> dict[str, str]:
    """A tool that gives an object."""
    return {"city": city, "weather": "sunny"}


@toolspan.tool
def get_time(at: int) -> str:
    """A tool that fails."""
    raise ValueError(f"no time at {at}")


def ask(client: Any, messages: Iterable[Any], **more: Any) -> None:
    """One request, read to its end."""
    list(client.chat.completions.create(
        model="gpt-test", messages=list(messages), stream=True, **{"tools": [TOOL], **more}
    ))  # fmt: skip


def agent(client: Any) -> None:
    """Two calls, executed, answered."""
    ask(client, HISTORY)
    for identity, name, arguments in CALLS:
        run = {"get_weather": get_weather, "get_time": get_time}[name]
        with suppress(ValueError), toolspan.tool(name, call_id=identity, description="One of ours.") as tool:
            tool.result(run(**json.loads(arguments)))
    get_weather("Oslo")
    ask(client, ANSWERED)


def repeated(client: Any) -> None:
    """Results that are sent twice, and one that is missing."""
    ask(client, HISTORY)
    ask(client, [*HISTORY, ASKED, RESULTS[0], RESULTS[0]])


def compacted(client: Any) -> None:
    """Other tools, and a history that is shorter than before."""
    more = [{"role": "user", "content": "more"}, {"role": "assistant", "content": "well"}] * 3
    ask(client, [*more, *HISTORY])
    other = {**TOOL, "function": {**TOOL["function"], "name": "get_date"}}
    ask(client, ANSWERED, tools=[other])


def summarised(client: Any) -> None:
    """Tokens that tell of a shorter history."""
    ask(client, HISTORY)
    ask(client, ANSWERED)


@dataclass(frozen=True)
class LoopScenario:
    """What the server answers in turn, and what the application does."""

    act: Callable[[Any], None]
    answers: tuple[Callable[[], Any], ...] = (CALLING, ANSWERING)

    def play(self) -> None:
        """Let it happen, with a client of its own."""
        channel = http.Client(transport=http.MockTransport(script.Transport(*self.answers)))
        with openai.OpenAI(api_key=KEY, base_url=wire.BASE_URL, http_client=channel, max_retries=0) as client:
            self.act(client)


CASES: dict[str, LoopScenario] = {
    "agent": LoopScenario(agent),
    "repeated": LoopScenario(repeated),
    "compacted": LoopScenario(compacted),
    "summarised": LoopScenario(summarised, (stream(*wire.CALLS[:-1], wire.usage(5000, 7)), ANSWERING)),
}
"""Every kind of loop, by name."""
