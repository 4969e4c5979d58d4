"""Everything that an agent's loop emits conforms to the conventions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import openai
import pytest

import toolspan

from ..sdk import script, wire
from ..sdk.sdk import KEY, http
from .playing import complaints, played

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
CALLING = script.CALLS
ANSWERING = script.TEXT
LONG = script.stream(*wire.CALLS[:-1], wire.usage(5000, 7), wire.DONE)
"""The same calls, after a prompt of 5000 tokens."""


@toolspan.tool(description="The weather of a city.")
def get_weather(city: str) -> dict[str, str]:
    """Return an object."""
    return {"city": city, "weather": "sunny"}


@toolspan.tool
def get_time(at: int) -> str:
    """Fail."""
    raise ValueError(f"no time at {at}")


def request(client: Any, messages: Iterable[Any], **more: Any) -> None:
    """Make one request and read its answer to the end."""
    list(client.chat.completions.create(
        model="gpt-test", messages=list(messages), stream=True, **{"tools": [TOOL], **more}
    ))  # fmt: skip


def agent(client: Any) -> None:
    """Execute two tool calls and send their results."""
    request(client, HISTORY)
    for identity, name, arguments in CALLS:
        run = {"get_weather": get_weather, "get_time": get_time}[name]
        with suppress(ValueError), toolspan.tool(name, call_id=identity, description="One of ours.") as tool:
            tool.result(run(**json.loads(arguments)))
    get_weather("Oslo")
    request(client, ANSWERED)


def repeated(client: Any) -> None:
    """Send one result twice, and another one not at all."""
    request(client, HISTORY)
    request(client, [*HISTORY, ASKED, RESULTS[0], RESULTS[0]])


def compacted(client: Any) -> None:
    """Send a shorter history than before, and other tools."""
    more = [{"role": "user", "content": "more"}, {"role": "assistant", "content": "well"}] * 3
    request(client, [*more, *HISTORY])
    other = {**TOOL, "function": {**TOOL["function"], "name": "get_date"}}
    request(client, ANSWERED, tools=[other])


def summarised(client: Any) -> None:
    """Send a history whose answer reports fewer prompt tokens than before."""
    request(client, HISTORY)
    request(client, ANSWERED)


PAID = script.stream(
    *wire.CALLS[:-1],
    {**wire.usage(), "usage": {"prompt_tokens": 9, "completion_tokens": 2, "cost": 0.01}},
    wire.DONE,
)
"""The same calls, with a reported cost."""


@toolspan.agent(
    "planner", id="agent-1", version="3", description="Plans.", conversation_id="c-1", user_id="u-1"
)
def run(client: Any, question: str) -> str:
    """Call the same tools with the same results again and again, and fail."""
    messages = [*HISTORY]
    for _ in range(4):
        request(client, messages)
        get_weather("Bern")
        messages += [ASKED, *RESULTS]
    raise ValueError(question)


def evaluated(client: Any) -> None:
    """Run an agent that runs away and fails, and score it."""
    with suppress(ValueError):
        run(client, "What now?")
    with toolspan.agent("judge", input=HISTORY) as judge:
        judge.output = {"relevance": 0.5}
        toolspan.score("relevance", value=0.5, label="poor", explanation="The same again.", response_id="c-1")


@dataclass(frozen=True)
class LoopScenario:
    """What the application does, and the answers in their order."""

    act: Callable[[Any], None]
    answers: tuple[Callable[[], Any], ...] = (CALLING, ANSWERING)

    def play(self) -> None:
        """Make the requests, with a new client."""
        channel = http.Client(transport=http.MockTransport(script.Transport(*self.answers)))
        with openai.OpenAI(api_key=KEY, base_url=wire.BASE_URL, http_client=channel, max_retries=0) as client:
            self.act(client)


CASES: dict[str, LoopScenario] = {
    "agent": LoopScenario(agent),
    "repeated": LoopScenario(repeated),
    "compacted": LoopScenario(compacted),
    "evaluated": LoopScenario(evaluated, (PAID,) * 4),
    "summarised": LoopScenario(summarised, (LONG, ANSWERING)),
}
"""Every kind of loop, by name."""


@pytest.mark.parametrize("capture", ["no_content", "span_and_event"])
@pytest.mark.parametrize("scenario", CASES.values(), ids=CASES)
def test_all_signals_of_an_agent_loop_conform(scenario: LoopScenario, capture: str) -> None:
    """Every span, event, link, metric and record of an agent's loop matches the facts."""
    assert complaints(*played(scenario, capture_message_content=capture)) == []
