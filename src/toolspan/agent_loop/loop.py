"""Relate a request to earlier answers: results of tool calls, turnaround times, growth of the context."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from opentelemetry.trace import SpanContext

from ..otel import call_data
from ..otel import semconv as names
from ..otel.call_data import RememberedCall, Step, Turn
from ..otel.sink import Observed
from ..wire.events import Answered, CallClosed, ContextReduced, Note, ToolsChanged
from ..wire.hashing import argument_hash
from ..wire.record import ToolCall
from ..wire.response_items import ANSWERED
from ..wire.tool_results import Returns
from .memory import Memory, caller_match, place


class Loop:
    """One memory for the process; works across clients, threads and tasks."""

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = Memory() if memory is None else memory

    def opened(self, call: Observed, at: int) -> list[Note]:
        """A request is about to be sent: finds its place, and links it to what it answers."""
        fetches = call.operation == call_data.FETCH_RESPONSE
        if not fetches and call.operation not in call_data.INFERENCE:
            return []
        here = place()
        step = call.step = Step(Turn(place=here, model=call.request.model))
        if fetches:
            return []
        returns = call.request.returns
        step.results = results = self._results(returns, here)
        step.before = self._before(call, results)
        notes, fresh = _answers(call, results, at)
        _number(step, call, returns, fresh)
        return notes + changes(call, step)

    def closed(self, call: Observed, event: CallClosed, at: int) -> None:
        """A tool call is complete: from now on the application can answer it."""
        if call.step is not None:
            self._remember(call, call.record.call(event), at)

    def ended(self, call: Observed) -> list[Note]:
        """The answer is over."""
        step, record = call.step, call.record
        if step is None:
            return []
        turn, usage = step.turn, record.usage
        turn.response = _response(call)
        turn.tokens = usage.input if usage is not None else None
        if len(turn.calls) < len(record.calls):  # an id may come late, but never changes
            known = {remembered.id for remembered in turn.calls}
            for tool in record.calls:
                if tool.id not in known:
                    self._remember(call, tool, tool.closed_at or call.ended_at)
        if call.outcome is not None and call.outcome.is_error:
            for remembered in step.results:
                remembered.answers = max(remembered.answers - 1, 0)
        elif call.operation in call_data.INFERENCE:
            self.memory.keep_turn(turn, *_keys(call, turn.response))
        return reduced(step)

    def executed_call(
        self, name: str, call_id: str | None, arguments: Callable[[], Any]
    ) -> tuple[RememberedCall | None, Turn | None]:
        """The call that an execution answers, and its turn; without an id only what is beyond doubt.

        Several calls of one answer are told apart by their arguments.
        """
        worth = partial(caller_match, place())
        if call_id is not None:
            remembered = self.memory.find(call_id, worth)
            found = [] if remembered is None else [remembered]
        else:
            found = self.memory.open(name)
            found = [one for one in found if worth(one)] or found
        turns = {id(one.turn): one.turn for one in found}
        if len(turns) != 1:
            return None, None
        (turn,) = turns.values()
        if len(found) > 1:
            own = argument_hash(arguments())
            found = [one for one in found if own is not None and one.argument_hash == own]
        if not found:
            return None, turn
        found[-1].taken = True  # the oldest: calls with equal arguments may take each other's place
        return found[-1], turn

    def _results(self, returns: Returns, here: tuple[int, int]) -> tuple[RememberedCall, ...]:
        """The remembered calls whose results come for the first time, or again at the end of the history."""
        wanted = returns.earlier + returns.results
        if not wanted:
            return ()
        worth = partial(caller_match, here)
        found: dict[str, RememberedCall] = {}
        for identity in wanted:
            remembered = self.memory.find(identity, worth)
            if remembered is not None and (not remembered.answers or identity in returns.results):
                found[identity] = remembered
        return tuple(found.values())

    def _before(self, call: Observed, results: tuple[RememberedCall, ...]) -> Turn | None:
        if results:
            return (
                results[0].turn
                if len(results) == 1
                else max(results, key=lambda remembered: remembered.at).turn
            )
        return self.memory.turn(_keys(call, call.request.previous_response))

    def _remember(self, call: Observed, tool: ToolCall, at: int) -> None:
        step = call.step
        if step is None or tool.id is None or tool.kind not in ANSWERED:
            return
        turn = step.turn
        if not turn.calls:  # the first one
            turn.response = _response(call)
            asker = None if call.span is None else call.span.get_span_context()
            turn.asker = asker if asker is not None and asker.is_valid else None
        self.memory.remember(RememberedCall(tool.id, tool.name, at, turn, tool.argument_hash))


def _answers(call: Observed, results: tuple[RememberedCall, ...], at: int) -> tuple[list[Note], int]:
    """Count and link the calls that are answered; says how many are so for the first time."""
    notes: list[Note] = []
    askers: dict[int, tuple[SpanContext, list[str]]] = {}
    fresh = 0
    for remembered in results:
        fresh += not remembered.answers
        remembered.answers += 1
        if not remembered.turnaround_recorded:
            remembered.turnaround_recorded = True
            notes.append(Answered(remembered.id, remembered.name, at - remembered.at))
        turn = remembered.turn
        if turn.asker is not None:
            askers.setdefault(id(turn), (turn.asker, []))[1].append(remembered.id)
    for asker, ids in askers.values():
        call.links.append((asker, {names.LINK: "answers", names.TOOL_CALL_IDS: ids}))
    return notes, fresh


def _number(step: Step, call: Observed, returns: Returns, fresh: int) -> None:
    """Which step it is, and which calls are answered, not answered, or answered too often."""
    before, results = step.before, step.results
    remembered = {remembered.id for remembered in results}
    step.answered = fresh + len(remembered.union(returns.results)) - len(remembered)
    step.repeated = returns.repeated + len(remembered) - fresh
    waiting = set(returns.called)
    if before is not None and (results or call.request.previous_response):
        waiting.update([remembered.id for remembered in before.calls if not remembered.answers])
    if waiting:
        step.unanswered = len(waiting.difference(returns.results, returns.earlier))
    if before is not None and results:
        step.number = step.turn.step = before.step + 1
    elif returns.results:
        step.number = step.turn.step = max(returns.turns, 1) + 1
    elif call.request.tools is not None:
        step.number = 1


def _keys(call: Observed, response: str | None) -> tuple[str | None, str | None]:
    """What a turn is known by: a response's id, and the conversation it belongs to."""
    conversation = call.request.conversation
    return response, None if conversation is None else f"conversation {conversation}"


def _response(call: Observed) -> str | None:
    """The id by which a response can be referred to; those of chat completions are not always distinct."""
    return call.record.started.id if call.api_type == "responses" else None


_KEPT = 0.9  # of the tokens: a smaller share of the step before is no fluctuation


def changes(call: Observed, step: Step) -> list[Note]:
    """What is different from the step before."""
    turn, before, tools = step.turn, step.before, call.request.tools
    turn.messages = _whole_history(call)
    turn.tools = None if tools is None else tools.fingerprint
    found: list[Note] = []
    if before is None:
        return found
    if before.tools != turn.tools:
        found.append(ToolsChanged(before.tools, turn.tools))
    if before.messages is not None and turn.messages is not None:
        step.grown = turn.messages - before.messages
        if step.grown < 0:
            found.append(ContextReduced(before.messages, turn.messages, before.tokens, None))
    return found


def reduced(step: Step) -> list[Note]:
    """A drop that only the tokens tell."""
    turn, before = step.turn, step.before
    if before is None or before.tokens is None or turn.tokens is None or turn.model != before.model:
        return []
    if turn.tokens < before.tokens * _KEPT and (step.grown is None or step.grown >= 0):
        return [ContextReduced(before.messages, turn.messages, before.tokens, turn.tokens)]
    return []


def _whole_history(call: Observed) -> int | None:
    """How many messages there are, where the request holds them all and the server keeps none."""
    request = call.request
    partial = request.previous_response or (request.conversation and call.api_type == "responses")
    return None if partial else request.message_count
