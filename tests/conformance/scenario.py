"""What a scenario is: a server's answer, a request, and what the application does; no telemetry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import openai

from ..sdk import script, wire
from ..sdk.sdk import KEY, http
from .scenario_data import MESSAGES

Ask = Mapping[str, Any]
CHAT: Ask = {"model": "gpt-test", "messages": MESSAGES}


def made(create: Callable[..., Any], ask: Ask) -> None:
    """Ask and read to the end; an error of the SDK is the scenario's own."""
    with suppress(openai.APIError, http.TransportError, ValueError):
        answer = create(**ask)
        if ask.get("stream"):
            list(answer)


def read(client: Any, ask: Ask) -> None:
    """Ask for a chat completion and read it."""
    made(client.chat.completions.create, ask)


@dataclass(frozen=True)
class Scenario:
    """What the server answers, what is asked, and what the application does with the answer."""

    answer: Callable[[], Any] | BaseException
    ask: Ask = field(default_factory=dict)
    act: Callable[[Any, Ask], None] = read
    base_url: str = wire.BASE_URL
    always: Ask = field(default_factory=lambda: CHAT)
    operation: str = "chat"
    method: str = "chat.completions.create"
    before: tuple[Callable[[], Any], ...] = ()
    """Answers before that one, after each of which the SDK tries again."""
    first: tuple[Callable[[], Any], ...] = ()
    """Answers before that one, after each of which it does not."""

    def play(self) -> None:
        """Let it happen, with a client of its own."""
        answers = script.Transport(*self.before, *self.first, self.answer)
        channel = http.Client(transport=http.MockTransport(answers))
        client = openai.OpenAI(
            api_key=KEY, base_url=self.base_url, http_client=channel, max_retries=len(self.before)
        )
        with client:
            self.act(client, {**self.always, **self.ask})

    @property
    def features(self) -> tuple[str, ...]:
        """What the SDK must have: the method, and the parameters that it is called with."""
        return self.method, *(f"{self.method}:{name}" for name in self.ask)

    @property
    def inferred(self) -> bool:
        """Whether a model made something: other operations have neither details nor most metrics."""
        return self.operation in ("chat", "text_completion")


def stream(*chunks: Any, done: bool = True) -> Callable[[], Any]:
    """Answers with these chunks, and with the mark of the end."""
    return script.stream(*chunks, *([wire.DONE] if done else []))
