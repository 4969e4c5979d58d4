"""Answer a question: turns of the model, each one streaming call, until a reply calls no more tools."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from openai import AsyncOpenAI
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, Status, StatusCode, Tracer

import toolspan

from . import retries
from .conversations import Conversation
from .listening import Reply, listen
from .running import Running, as_message
from .settings import Settings
from .spending import KEY, Spending
from .summary import estimate, summarise
from .tools import TOOLS, Toolbox

INSTRUCTION = "You are a short-spoken travel assistant. Use the tools for facts; say so where one fails."

ID = "gen_ai.conversation.id"


class TooManyTurnsError(Exception):
    """The model still calls tools after the allowed number of turns."""


class Answering:
    """Answer the questions of all conversations, with one client."""

    def __init__(
        self,
        client: AsyncOpenAI,
        model: str,
        settings: Settings,
        tools: Toolbox = TOOLS,
        tracer: Tracer | None = None,
    ) -> None:
        self.client, self.model, self.settings, self.tools = client, model, settings, tools
        self.spending = Spending(settings.budget)
        self._tracer = tracer or trace.get_tracer("chat_service")
        retries.install()

    async def close(self) -> None:
        """Close the client and cancel the budget."""
        self.spending.close()
        await self.client.close()

    async def answer(self, conversation: Conversation, question: str) -> None:
        """Answer one question and report its progress to the conversation. Raises nothing.

        A question without an answer leaves the messages of the conversation as they were.
        """
        # Each question gets a trace: the trace of the page's socket would last for hours.
        conversation.tell("question", text=question)
        async with conversation.turn:
            if self.spending.is_spent(conversation.id):
                conversation.tell("failed", text="This conversation has cost as much as it may.")
                return
            with (
                self._span("answer question", conversation) as span,
                self._reported(conversation, span),
                toolspan.attributes({ID: conversation.id, KEY: conversation.id}, feature="chat"),
            ):
                await self._turns(conversation, {"role": "user", "content": question})
            if conversation.tokens > self.settings.summarise_above:
                with self._span("shorten conversation", conversation, Link(span.get_span_context())) as span:
                    await self._shorten(conversation, span)

    def _span(self, name: str, conversation: Conversation, *links: Link) -> AbstractContextManager[Span]:
        attributes = {ID: conversation.id}
        return self._tracer.start_as_current_span(name, Context(), attributes=attributes, links=links)

    @contextmanager
    def _reported(self, conversation: Conversation, span: Span) -> Iterator[None]:
        """Report retries and errors of a question to the conversation and to the span."""
        conversation.span = span
        try:
            with retries.report_waits(partial(_waits, conversation)):
                yield
        except Exception as error:
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR))
            conversation.tell("failed", text=f"There is no answer: {retries.reason(error)}.")
        finally:
            conversation.span = trace.INVALID_SPAN

    async def _turns(self, conversation: Conversation, question: dict[str, Any]) -> None:
        """Run turns of the model until a reply has no calls; then keep the messages in the conversation."""
        began, messages = time.perf_counter(), [*conversation.messages, question]
        running = Running(self.tools, conversation.tell)
        try:
            for _ in range(self.settings.turns):
                reply = await self._ask(conversation, messages, running)
                messages.append(as_message(reply.text, reply.calls))
                if not reply.calls:
                    conversation.messages = messages
                    conversation.tokens = reply.tokens or estimate(messages)
                    return conversation.tell("answered", seconds=round(time.perf_counter() - began, 2))
                messages += await running.results()
            raise TooManyTurnsError
        finally:
            await running.stop()

    async def _ask(self, conversation: Conversation, messages: list[Any], running: Running) -> Reply:
        """Run one turn of the model, and retry errors that may pass."""
        async for attempt in retries.attempts(self.settings):
            with attempt:
                running.begin()
                tools = self.tools.offered
                stream = await self.client.chat.completions.create(
                    model=self.model,
                    messages=[{"role": "system", "content": INSTRUCTION}, *messages],
                    tools=tools,
                    stream=True,
                    stream_options={"include_usage": True},
                )
                reply = await listen(stream, tools, conversation.tell, running.start)
                conversation.tell("usage", **self.spending.total(conversation.id))
                return reply
        raise AssertionError("the last attempt returns an answer or raises")

    async def _shorten(self, conversation: Conversation, span: Span) -> None:
        """Replace old messages by a summary; after a failure the next question tries again."""
        # After the answer, so that the user does not wait for the summary.
        before, client = conversation.messages, self.client
        try:
            with toolspan.attributes({KEY: conversation.id}, feature="summary"):
                found = await summarise(client, self.model, before, self.settings.keep_questions)
        except Exception as error:  # of the SDK of any provider
            span.record_exception(error)
            return
        if found is not before:
            conversation.messages, conversation.tokens = found, 0
            conversation.tell("summarised", before=len(before), after=len(found))
            conversation.tell("usage", **self.spending.total(conversation.id))


def _waits(conversation: Conversation, why: str, seconds: float, attempt: int) -> None:
    conversation.tell("again", text=why, seconds=round(seconds, 2), attempt=attempt)
