"""Faults of the provider: what is retried, how the page shows it, and what fails."""

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
    """Return the spans of the question's first turn, in order."""
    return [span for span in service.spans("chat demo") if span.attributes.get("toolspan.loop.step") == 1]


def linked(spans: list[Any]) -> bool:
    """Return whether each span but the first links to the one before, with its attempt number."""
    for number, (before, span) in enumerate(pairwise(spans), start=2):
        (link,) = span.links
        assert link.context.span_id == before.context.span_id
        assert link.attributes["toolspan.link"] == "attempt"
        assert span.attributes["toolspan.request.attempt"] == number
    return True


def test_rate_limits_are_retried_after_the_requested_wait(serve: Serve) -> None:
    """Two rate limits are retried after the server's wait, shown on page and trace."""
    service = serve()
    with service.page() as page:
        events = page.ask(f"Rate limit: {TWO}")
    again = [each for each in events if each["kind"] == "again"]
    assert [each["attempt"] for each in again] == [2, 3]
    assert {(each["text"], each["seconds"]) for each in again} == {("the provider's rate limit", 0.01)}
    assert events[-1]["kind"] == "answered"
    assert service.memory.requests == 4
    spans = attempts(service)
    assert [span.attributes.get("error.type") for span in spans] == ["openai.RateLimitError"] * 2 + [None]
    assert linked(spans)
    (question,) = service.spans("answer question")
    waits = [event.attributes for event in question.events if event.name == "chat.retry"]
    assert [wait["chat.attempt"] for wait in waits] == [2, 3]


def test_a_permanent_rate_limit_fails_after_all_attempts(serve: Serve) -> None:
    """A provider that always refuses gets the configured attempts; the SDK's own retries are off."""
    service = serve(settings=Settings(attempts=3))
    with service.page() as page:
        events = page.ask("Limited for good: hello?")
        assert service.memory.requests == 3
        page.ask("Say something nice.")
    assert events[-1]["kind"] == "failed"
    assert events[-1]["text"] == "There is no answer: the provider's rate limit."
    question, _ = service.spans("answer question")
    assert not question.status.is_ok
    assert service.spans("chat demo")[-1].attributes["toolspan.request.messages"] == 2


def test_a_silent_server_is_retried_after_the_timeout(serve: Serve) -> None:
    """A server that does not answer is retried after the timeout."""
    service = serve(settings=Settings(patience=0.5, first_wait=0.01))
    with service.page() as page:
        events = page.ask(f"Hang: {TWO}")
    assert [each["text"] for each in events if each["kind"] == "again"] == ["no answer in time"]
    assert events[-1]["kind"] == "answered"
    spans = attempts(service)
    assert [span.attributes.get("error.type") for span in spans] == ["openai.APITimeoutError", None]
    assert linked(spans)


def test_a_broken_stream_is_retried_without_restarting_its_tool(serve: Serve) -> None:
    """A broken answer is retried, and a tool that had started is not started again."""
    runs: list[str] = []

    async def get_weather(city: str) -> str:
        runs.append(city)
        return f"sun in {city}"

    service = serve(tools=quick(get_weather))
    with service.page() as page:
        events = page.ask(f"Break off: {TWO}")
    assert [each["text"] for each in events if each["kind"] == "again"] == ["the answer broke off"]
    assert ("get_weather", "taken over") in tools_of(events)
    assert runs == ["Bern"]
    assert text_of(events) == "Here is what I found: sun in Bern; noon in Bern."
    spans = attempts(service)
    assert [span.attributes["toolspan.stream.outcome"] for span in spans] == ["failed", "completed"]
    assert linked(spans)
    (question,) = service.spans("answer question")
    assert [event.name for event in question.events] == ["chat.retry", "chat.tool.taken_over"]


def test_an_incomplete_stream_is_retried(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that ends without a finish reason is retried."""
    send, cut = RealisticHandler.stream, []

    def stream(self: Any, lines: list[str], *, whole: bool = True) -> None:
        send(self, lines if cut else [*lines[:5], "[DONE]"], whole=True)
        cut.append(True)

    monkeypatch.setattr(RealisticHandler, "stream", stream)
    service = serve()
    with service.page() as page:
        events = page.ask("Say something nice.")
    assert [each["text"] for each in events if each["kind"] == "again"] == ["the answer broke off"]
    spans = service.spans("chat demo")
    assert [span.attributes["toolspan.stream.outcome"] for span in spans] == ["truncated", "completed"]


def test_a_transient_error_within_a_stream_is_retried(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transient error in the middle of an answer is retried."""
    send, codes = RealisticHandler.stream, ["server_error", "content_filter"]

    def stream(self: Any, lines: list[str], *, whole: bool = True) -> None:
        error = json.dumps({"error": {"message": "no", "code": codes.pop(0)}})
        send(self, [*lines[:5], error], whole=True)

    monkeypatch.setattr(RealisticHandler, "stream", stream)
    service = serve()
    with service.page() as page:
        events = page.ask("Say something nice.")
    said = [each["text"] for each in events if each["kind"] in ("again", "failed")]
    assert said == [
        "the provider's error server_error",
        "There is no answer: the provider's error content_filter.",
    ]


def test_an_invalid_request_is_not_retried(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that the provider rejects as invalid is not retried."""

    def refuse(self: RealisticHandler, request: object) -> None:
        self.whole(400, {"error": {"message": "no such model", "code": "model_not_found"}})

    monkeypatch.setattr(RealisticHandler, "reply", refuse)
    service = serve()
    with service.page() as page:
        events = page.ask("Say something nice.")
    assert [each["kind"] for each in events] == ["hello", "question", "failed"]
    assert events[-1]["text"] == "There is no answer: the provider's error 400."


def test_a_failed_answer_stops_its_tools(serve: Serve) -> None:
    """When there is no answer, a running tool is stopped, and the page shows it."""

    async def get_weather(city: str) -> str:
        await asyncio.Event().wait()
        return ""

    service = serve(settings=Settings(attempts=1), tools=quick(get_weather))
    with service.page() as page:
        events = page.ask(f"Break off: {TWO}")
        assert events[-1]["text"] == "There is no answer: the answer broke off."
        page.socket.send("Say something nice.")
        page.wait_for("answered")
    assert ("get_weather", "stopped") in tools_of(page.events)
    (span,) = service.spans("execute_tool get_weather")
    assert span.attributes["toolspan.cancelled"] is True
