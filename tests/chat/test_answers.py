"""Questions and answers: one streaming request per turn, with tools that run at the same time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from chat_service.demo import RealisticHandler
from chat_service.providers import PROVIDERS
from chat_service.settings import Settings

from .service import SECONDS, Service, quick, text_of, tools_of

TWO = "What are the weather and the time in Paris?"
Serve = Callable[..., Service]


def test_a_text_answer_is_one_request_streamed_word_by_word(serve: Serve) -> None:
    """A question without tools is one request, whose words reach the page one by one."""
    service = serve()
    with service.page() as page:
        events = page.ask("Say something nice.")
    assert [each["number"] for each in events if each["kind"] != "hello"] == list(range(1, len(events)))
    assert len([each for each in events if each["kind"] == "text"]) > 20
    assert text_of(events).startswith("Travelling")
    assert service.memory.requests == 1


def test_two_tools_run_at_the_same_time(serve: Serve) -> None:
    """Each of two tools waits until the other one runs."""
    running = asyncio.Event(), asyncio.Event()

    async def get_weather(city: str) -> str:
        running[0].set()
        await running[1].wait()
        return f"sun in {city}"

    async def get_time(city: str) -> str:
        running[1].set()
        await running[0].wait()
        return f"noon in {city}"

    service = serve(tools=quick(get_weather, get_time))
    with service.page() as page:
        events = page.ask(TWO)
    states = tools_of(events)
    for name in ("get_weather", "get_time"):
        assert [status for tool, status in states if tool == name] == ["called", "running", "done"]
    assert text_of(events) == "Here is what I found: sun in Paris; noon in Paris."
    assert service.memory.requests == 2


def test_a_tool_starts_while_the_stream_goes_on(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream continues only because the tool that it called has run."""
    ran, send = threading.Event(), RealisticHandler.stream

    async def get_weather(city: str) -> str:
        ran.set()
        return f"sun in {city}"

    def stream(self: Any, lines: list[str], *, whole: bool = True) -> None:
        class Waiting(list[str]):
            def __iter__(self) -> Any:
                for line in super().__iter__():
                    assert '"finish_reason": "tool_calls"' not in line or ran.wait(SECONDS)
                    yield line

        send(self, Waiting(lines), whole=whole)

    monkeypatch.setattr(RealisticHandler, "stream", stream)
    service = serve(tools=quick(get_weather))
    with service.page() as page:
        events = page.ask(TWO)
    assert events[-1]["kind"] == "answered"
    tool, (chat, _) = service.spans("execute_tool get_weather")[0], service.spans("chat demo")
    assert tool.start_time < chat.end_time


def test_one_question_is_one_trace(serve: Serve) -> None:
    """The turns and tools of one question are one trace; the next question is another."""
    service = serve()
    with service.page() as page:
        page.ask(TWO)
        page.ask("Say something nice.")
    first, second = service.spans("answer question")
    turns, tools = service.spans("chat demo"), service.spans("execute_tool get_weather")
    assert [turn.parent.span_id for turn in turns] == [first.context.span_id] * 2 + [second.context.span_id]
    assert tools[0].parent.span_id == first.context.span_id
    assert [link.context.span_id for link in tools[0].links] == [turns[0].context.span_id]
    assert [link.context.span_id for link in turns[1].links] == [turns[0].context.span_id]
    assert first.context.trace_id != second.context.trace_id
    assert {turn.attributes["gen_ai.conversation.id"] for turn in turns} == {"c-1"}
    assert {turn.attributes["feature"] for turn in turns} == {"chat"}
    assert len({turn.attributes["toolspan.tools.fingerprint"] for turn in turns}) == 1


def test_a_failed_tool_is_shown_and_sent_to_the_model(serve: Serve) -> None:
    """A failed tool is shown on the page and sent to the model, which still answers."""
    service = serve()
    with service.page() as page:
        events = page.ask("Convert 20 EUR to USD, and what is the weather in Rome?")
    assert ("convert_money", "failed") in tools_of(events)
    assert "sun in Rome; error: no rates today" in text_of(events)
    (span,) = service.spans("execute_tool convert_money")
    assert span.attributes["error.type"] == "ConnectionError"


def test_a_hanging_tool_is_stopped_after_its_time_limit(serve: Serve) -> None:
    """A hanging tool is stopped after its limit, and the other one's result is kept."""

    async def get_time(city: str) -> str:
        await asyncio.Event().wait()
        return ""

    service = serve(tools=quick(get_time, limit=0.05))
    with service.page() as page:
        events = page.ask(TWO)
    assert ("get_time", "timed out") in tools_of(events)
    assert "sun in Paris; error: no answer within 0.05 s" in text_of(events)
    (span,) = service.spans("execute_tool get_time")
    assert span.attributes["error.type"] == "TimeoutError"


def test_invalid_tool_calls_are_not_executed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call with unknown arguments, or of an unknown tool, is not executed."""
    made = [
        {"index": 0, "id": "call_a", "name": "get_weather", "arguments": '{"town": "Rome"}'},
        {"index": 1, "id": "call_b", "name": "get_rain", "arguments": "{}"},
        {"index": 2, "id": "call_c", "name": "get_time", "arguments": '{"city": }'},
    ]
    sent: list[Any] = []

    def calls(request: Any) -> list[Any]:
        sent[:] = request["messages"]
        return made if len(sent) == 2 else []

    monkeypatch.setattr("chat_service.demo_model.calls", calls)
    service = serve()
    with service.page() as page:
        events = page.ask(TWO)
    notes = [each["note"] for each in events if each.get("status") == "refused"]
    assert notes == ["missing_argument: city", "unknown_tool", "invalid"]
    assert "error: not run: missing_argument: city" in text_of(events)
    sent_back = [call["function"]["arguments"] for call in sent[2]["tool_calls"]]
    assert sent_back == [
        '{"town": "Rome"}',
        "{}",
        "{}",
    ]
    assert not [span for span in service.telemetry.everything_ended if "execute_tool" in span.name]


def test_endless_tool_calls_are_stopped(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that calls tools endlessly is stopped, and the conversation is unchanged."""
    again = [{"index": 0, "id": "call_a", "name": "get_weather", "arguments": '{"city": "Rome"}'}]
    monkeypatch.setattr("chat_service.demo_model.calls", lambda request: again)
    service = serve(settings=Settings(turns=3))
    with service.page() as page:
        events = page.ask(TWO)
        monkeypatch.undo()
        assert page.ask("Say something nice.")[-1]["kind"] == "answered"
    assert events[-1] == events[-1] | {"kind": "failed", "text": "There is no answer: TooManyTurnsError."}
    assert service.memory.requests == 4
    assert len({each["id"] for each in events if each["kind"] == "tool"}) == 3  # of the page's own


def test_a_second_question_waits_for_the_first_answer(serve: Serve) -> None:
    """A question asked during an answer waits, and its history has that answer."""
    service = serve()
    with service.page() as page:
        page.socket.send(TWO)
        page.socket.send("And what is the time in Rome?")
        page.wait_for("answered")
        page.wait_for("answered")
    first, second = service.spans("answer question")
    assert second.start_time >= first.end_time
    assert service.spans("chat demo")[-1].attributes["toolspan.request.messages"] == 9


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_gives_the_same_answer(provider: str, serve: Serve) -> None:
    """Each provider gives the same answer with its own model."""
    service = serve(settings=Settings(provider=provider))
    with service.page() as page:
        hello = page.wait_for("hello")
        events = page.ask(TWO)
    assert (hello["provider"], hello["model"]) == (provider, PROVIDERS[provider].model)
    assert text_of(events) == "Here is what I found: sun in Paris; noon in Paris."
    assert len(service.spans(f"chat {PROVIDERS[provider].model}")) == 2
