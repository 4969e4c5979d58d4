"""Long conversations are summarised after an answer, and the trace shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from chat_service.demo import RealisticHandler
from chat_service.settings import Settings

from .service import Service

Serve = Callable[..., Service]
QUESTION = "What is the time in Paris?"
SHORT = Settings(summarise_above=1, keep_questions=1, first_wait=0.01)


def test_a_long_conversation_is_summarised_and_sends_less(serve: Serve) -> None:
    """The summary is a request with its own feature; the next question sends less and records it."""
    service = serve(settings=SHORT)
    with service.page() as page:
        page.ask(QUESTION)
        page.ask(QUESTION)
        events = page.wait_for("summarised")
        page.ask(QUESTION)
        page.wait_for("summarised")
    assert (events["before"], events["after"]) == (8, 5)
    summary, *_ = [s for s in service.spans("chat demo") if s.attributes.get("feature") == "summary"]
    shortening = service.spans("shorten conversation")
    assert summary.parent.span_id in {span.context.span_id for span in shortening}
    third = service.spans("answer question")[2]
    first_turn = min(
        (s for s in service.spans("chat demo") if s.parent.span_id == third.context.span_id),
        key=lambda span: span.start_time,
    )
    assert first_turn.attributes["toolspan.request.messages"] == 7
    assert "toolspan.context.reduced" in [event.name for event in first_turn.events]


def test_a_failed_summary_keeps_the_whole_history(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the summary fails, the conversation continues with its whole history."""
    reply = RealisticHandler.reply

    def refuse(self: RealisticHandler, request: Any) -> None:
        if not request.get("stream"):
            return self.whole(400, {"error": {"message": "no"}})
        return reply(self, request)

    monkeypatch.setattr(RealisticHandler, "reply", refuse)
    service = serve(settings=SHORT)
    with service.page() as page:
        page.ask(QUESTION)
        page.ask(QUESTION)
        assert page.ask(QUESTION)[-1]["kind"] == "answered"
    assert "summarised" not in [each["kind"] for each in page.events]
    last = [span for span in service.spans("chat demo") if span.attributes["feature"] == "chat"][-1]
    assert last.attributes["toolspan.request.messages"] == 12
    assert "exception" in [event.name for event in service.spans("shorten conversation")[-1].events]


def test_a_conversation_over_budget_gets_no_more_answers(serve: Serve) -> None:
    """A conversation over its budget gets no more answers, and the page shows its usage."""
    service = serve(settings=Settings(budget=1e-6))
    with service.page() as page, service.page("c-2") as other:
        events = page.ask(QUESTION)
        (first, second) = [each for each in events if each["kind"] == "usage"]
        assert (second["input"] > first["input"], second["cost"] > first["cost"] > 0) == (True, True)
        assert events[-1]["kind"] == "answered"
        assert page.ask(QUESTION)[-1]["text"] == "This conversation has cost as much as it may."
        assert other.ask(QUESTION)[-1]["kind"] == "answered"
    assert service.memory.requests == 4


def test_a_server_without_token_counts_is_summarised_too(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that reports no tokens does not prevent the summary."""
    reply = RealisticHandler.reply

    def uncounted(self: RealisticHandler, request: Any) -> None:
        reply(self, {**request, "stream_options": None})

    monkeypatch.setattr(RealisticHandler, "reply", uncounted)
    service = serve(settings=SHORT)
    with service.page("uncounted") as page:
        page.ask(QUESTION)
        page.ask(QUESTION)
        page.wait_for("summarised")
    assert [each["input"] for each in page.events if each["kind"] == "usage"] == [0, 0, 0, 0]
