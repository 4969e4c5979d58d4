"""What goes wrong on the provider's side: what is tried again, how the page sees it, and what is given up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from chat_service.demo import RealisticHandler
from chat_service.settings import Settings

from .service import Service, quick, text_of, tools_of

TWO = "what are the weather and the time in Bern?"
Serve = Callable[..., Service]


def attempts(service: Service) -> list[Any]:
    """The spans of the question's first turn, in order."""
    return [span for span in service.spans("chat demo") if span.attributes.get("toolspan.loop.step") == 1]


def linked(spans: list[Any]) -> bool:
    """Whether each but the first is linked to the one before, as another attempt, and numbered."""
    for number, (before, span) in enumerate(pairwise(spans), start=2):
        (link,) = span.links
        assert link.context.span_id == before.context.span_id
        assert link.attributes["toolspan.link"] == "attempt"
        assert span.attributes["toolspan.request.attempt"] == number
    return True


def test_rate_limit(serve: Serve) -> None:
    """Two refusals are waited for, as long as the server says, which the page and the trace tell."""
    service = serve()
    with service.page() as page:
        told = page.ask(f"Rate limit: {TWO}")
    again = [each for each in told if each["kind"] == "again"]
    assert [each["attempt"] for each in again] == [2, 3]
    assert {(each["text"], each["seconds"]) for each in again} == {("the provider's rate limit", 0.01)}
    assert told[-1]["kind"] == "answered"
    assert service.memory.requests == 4
    spans = attempts(service)
    assert [span.attributes.get("error.type") for span in spans] == ["openai.RateLimitError"] * 2 + [None]
    assert linked(spans)
    (question,) = service.spans("answer question")
    waits = [event.attributes for event in question.events if event.name == "chat.retry"]
    assert [wait["chat.attempt"] for wait in waits] == [2, 3]


def test_given_up(serve: Serve) -> None:
    """A provider that refuses for good is asked as often as is set: the SDK's own retries are off."""
    service = serve(settings=Settings(attempts=3))
    with service.page() as page:
        told = page.ask("Limited for good: hello?")
        assert service.memory.requests == 3
        page.ask("Say something nice.")
    assert told[-1]["kind"] == "failed"
    assert told[-1]["text"] == "There is no answer: the provider's rate limit."
    question, _ = service.spans("answer question")
    assert not question.status.is_ok
    assert service.spans("chat demo")[-1].attributes["toolspan.request.messages"] == 2


def test_time_out(serve: Serve) -> None:
    """A server that says nothing is asked again after the time that it has."""
    service = serve(settings=Settings(patience=1, first_wait=0.01))
    with service.page() as page:
        told = page.ask(f"Hang: {TWO}")
    assert [each["text"] for each in told if each["kind"] == "again"] == ["no answer in time"]
    assert told[-1]["kind"] == "answered"
    spans = attempts(service)
    assert [span.attributes.get("error.type") for span in spans] == ["openai.APITimeoutError", None]
    assert linked(spans)


def test_broken_off(serve: Serve) -> None:
    """An answer that breaks off is asked for again, and a tool that had started then is not started twice."""
    runs: list[str] = []

    async def get_weather(city: str) -> str:
        runs.append(city)
        return f"sun in {city}"

    service = serve(tools=quick(get_weather))
    with service.page() as page:
        told = page.ask(f"Break off: {TWO}")
    assert [each["text"] for each in told if each["kind"] == "again"] == ["the answer broke off"]
    assert ("get_weather", "taken over") in tools_of(told)
    assert runs == ["Bern"]
    assert text_of(told) == "Here is what I found: sun in Bern; noon in Bern."
    spans = attempts(service)
    assert [span.attributes["toolspan.stream.outcome"] for span in spans] == ["failed", "completed"]
    assert linked(spans)
    (question,) = service.spans("answer question")
    assert [event.name for event in question.events] == ["chat.retry", "chat.tool.taken_over"]


def test_cut_short(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that ends properly, but before the answer does, counts as broken off."""
    send, cut = RealisticHandler.stream, []

    def stream(self: Any, lines: list[str], *, whole: bool = True) -> None:
        send(self, lines if cut else [*lines[:5], "[DONE]"], whole=True)
        cut.append(True)

    monkeypatch.setattr(RealisticHandler, "stream", stream)
    service = serve()
    with service.page() as page:
        told = page.ask("Say something nice.")
    assert [each["text"] for each in told if each["kind"] == "again"] == ["the answer broke off"]
    spans = service.spans("chat demo")
    assert [span.attributes["toolspan.stream.outcome"] for span in spans] == ["truncated", "completed"]


def test_error_within(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that reports an error in the middle of its answer is asked again, where it may pass."""
    send, codes = RealisticHandler.stream, ["server_error", "content_filter"]

    def stream(self: Any, lines: list[str], *, whole: bool = True) -> None:
        error = json.dumps({"error": {"message": "no", "code": codes.pop(0)}})
        send(self, [*lines[:5], error], whole=True)

    monkeypatch.setattr(RealisticHandler, "stream", stream)
    service = serve()
    with service.page() as page:
        told = page.ask("Say something nice.")
    said = [each["text"] for each in told if each["kind"] in ("again", "failed")]
    assert said == [
        "the provider's error server_error",
        "There is no answer: the provider's error content_filter.",
    ]


def test_no_second_chance(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """What will not pass is not tried again: a request that the provider finds wrong."""

    def refuse(self: RealisticHandler, request: object) -> None:
        self.whole(400, {"error": {"message": "no such model", "code": "model_not_found"}})

    monkeypatch.setattr(RealisticHandler, "reply", refuse)
    service = serve()
    with service.page() as page:
        told = page.ask("Say something nice.")
    assert [each["kind"] for each in told] == ["hello", "question", "failed"]
    assert told[-1]["text"] == "There is no answer: the provider's error 400."


def test_stopped(serve: Serve) -> None:
    """Where there is no answer, nothing runs on: a tool that still runs is stopped, and the page knows."""

    async def get_weather(city: str) -> str:
        await asyncio.Event().wait()
        return ""

    service = serve(settings=Settings(attempts=1), tools=quick(get_weather))
    with service.page() as page:
        told = page.ask(f"Break off: {TWO}")
        assert told[-1]["text"] == "There is no answer: the answer broke off."
        page.socket.send("Say something nice.")
        page.hear("answered")
    assert ("get_weather", "stopped") in tools_of(page.told)
    (span,) = service.spans("execute_tool get_weather")
    assert span.attributes["error.type"] == "asyncio.exceptions.CancelledError"
