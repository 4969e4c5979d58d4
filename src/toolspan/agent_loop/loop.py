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
    """The agent loop of a process, which relates its requests across clients, threads and tasks."""

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = Memory() if memory is None else memory

    # A fetched response brings no results; its tool calls are remembered like those of other answers.
    def opened(self, call: Observed, at: int) -> list[Note]:
        """Find the step of a request in its loop, link it to earlier answers, and return its notes."""
        fetches = call.operation == call_data.FETCH_RESPONSE
        if not fetches and call.operation not in call_data.INFERENCE:
            return []
        here = place()
        step = call.step = Step(Turn(place=here, model=call.request.model))
        if fetches:
            return []
        step.results = results = self._results(call.request.returns, here)
        step.before = self._before(call, results)
        notes, fresh = _answers(call, results, at)
        _number(step, call, call.request.returns, fresh)
        return notes + changes(call, step)

    def closed(self, call: Observed, event: CallClosed, at: int) -> None:
        """Remember a complete tool call: the application may answer it before the stream ends."""
        if call.step is not None:
            self._remember(call, call.record.call(event), at)

    def ended(self, call: Observed) -> list[Note]:
        """Remember the turn of a finished answer; return the notes that need its token count."""
        step, record = call.step, call.record
        if step is None:
            return []
        turn, usage = step.turn, record.usage
        self.memory.name_turn(turn, _response(call))
        turn.tokens = usage.input if usage is not None else None
        # `closed` remembers a call with the id that it has then; some servers send the id later.
        if len(turn.calls) < len(record.calls):
            known = {remembered.id for remembered in turn.calls}
            for tool in record.calls:
                if tool.id not in known:
                    self._remember(call, tool, tool.closed_at or call.ended_at)
        # A request that failed has answered nothing: its results still count as missing. Their turnaround
        # is recorded once all the same, because the application did bring them.
        if call.outcome is not None and call.outcome.is_error:
            for remembered in step.results:
                remembered.answers = max(remembered.answers - 1, 0)
        elif call.operation in call_data.INFERENCE:
            self.memory.keep_turn(turn, *_keys(call, turn.response))
        return reduced(step)

    def executed_call(
        self, name: str, call_id: str | None, arguments: Callable[[], Any]
    ) -> tuple[RememberedCall | None, Turn | None]:
        """Return the tool call that an execution answers, and its turn; `None` where there is any doubt.

        Without an id, the call is found by the tool's name if exactly one answer has such a call. If that
        answer has several, the hash of the arguments decides.
        """
        rank = partial(caller_match, place())
        if call_id is not None:
            remembered = self.memory.find(call_id, rank)
            found = [] if remembered is None else [remembered]
        else:
            found = self.memory.open(name)
            # Those of the same trace, thread or task, if there are any: other agents use the same tools.
            found = [one for one in found if rank(one)] or found
        turns = {id(one.turn): one.turn for one in found}
        # Two answers called the tool: a wrong link is worse than none.
        if len(turns) != 1:
            return None, None
        (turn,) = turns.values()
        if len(found) > 1:
            own = argument_hash(arguments())  # called only here: binding arguments to names takes time
            found = [one for one in found if own is not None and one.argument_hash == own]
        if not found:
            return None, turn
        found[-1].taken = True  # the oldest one: calls with equal arguments are interchangeable
        return found[-1], turn

    def _results(self, returns: Returns, here: tuple[int, int]) -> tuple[RememberedCall, ...]:
        """Return the calls whose results are new in a request, or are sent again after the last turn."""
        # A history repeats the results of all its steps: those before the last turn are counted only if no
        # request has brought them yet.
        wanted = returns.earlier + returns.results
        if not wanted:
            return ()
        rank = partial(caller_match, here)
        found: dict[str, RememberedCall] = {}
        for identity in wanted:
            remembered = self.memory.find(identity, rank)
            if remembered is not None and (not remembered.answers or identity in returns.results):
                found[identity] = remembered
        return tuple(found.values())

    def _before(self, call: Observed, results: tuple[RememberedCall, ...]) -> Turn | None:
        # Results of several turns may come together: the newest turn is the step before.
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
        if not turn.calls:
            turn.response = _response(call)
            # The span's context, not the span: a turn outlives its call and must not keep the span alive.
            asker = None if call.span is None else call.span.get_span_context()
            turn.asker = asker if asker is not None and asker.is_valid else None
        self.memory.remember(RememberedCall(tool.id, tool.name, at, turn, tool.argument_hash))


def _answers(call: Observed, results: tuple[RememberedCall, ...], at: int) -> tuple[list[Note], int]:
    """Count and link the calls that a request answers; return the notes, and the number of new answers."""
    notes: list[Note] = []
    askers: dict[int, tuple[SpanContext, list[str]]] = {}
    fresh = 0
    for remembered in results:
        fresh += not remembered.answers
        remembered.answers += 1
        # Every later request of the loop repeats the result in its history: only the first one counts.
        if not remembered.turnaround_recorded:
            remembered.turnaround_recorded = True
            notes.append(Answered(remembered.id, remembered.name, at - remembered.at))
        turn = remembered.turn
        if turn.asker is not None:
            askers.setdefault(id(turn), (turn.asker, []))[1].append(remembered.id)
    for asker, ids in askers.values():  # one link for each answering span, not one for each call
        call.links.append((asker, {names.LINK: "answers", names.TOOL_CALL_IDS: ids}))
    return notes, fresh


def _number(step: Step, call: Observed, returns: Returns, fresh: int) -> None:
    """Set the number of the step, and count the calls that are answered, unanswered or answered again."""
    before, results = step.before, step.results
    remembered = {remembered.id for remembered in results}
    step.answered = fresh + len(remembered.union(returns.results)) - len(remembered)
    step.repeated = returns.repeated + len(remembered) - fresh
    waiting = set(returns.called)
    # Without results or a reference to the last response, a request begins anew and leaves nothing open.
    if before is not None and (results or call.request.previous_response):
        waiting.update([remembered.id for remembered in before.calls if not remembered.answers])
    if waiting:
        step.unanswered = len(waiting.difference(returns.results, returns.earlier))
    if before is not None and results:
        step.number = step.turn.step = before.step + 1
    # Nothing is remembered (another process made the calls): the history itself shows the step.
    elif returns.results:
        step.number = step.turn.step = max(returns.turns, 1) + 1
    elif call.request.tools is not None:
        step.number = 1


def _keys(call: Observed, response: str | None) -> tuple[str | None, str | None]:
    """Return the keys of a turn: its response's id, and its conversation."""
    conversation = call.request.conversation
    # With a prefix, because an application may choose an id for a conversation that is a response's.
    return response, None if conversation is None else f"conversation {conversation}"


def _response(call: Observed) -> str | None:
    """Return the id of a response; `None` for chat completions, whose ids are not unique on all servers."""
    return call.record.started.id if call.api_type == "responses" else None


_KEPT = 0.9  # share of the tokens of the step before; a smaller drop is not reported as a reduced context


def changes(call: Observed, step: Step) -> list[Note]:
    """Return notes on changed tools and on a shorter history, compared with the step before."""
    turn, before, tools = step.turn, step.before, call.request.tools
    turn.messages = _whole_history(call)
    turn.tools = None if tools is None else tools.fingerprint
    found: list[Note] = []
    if before is None:
        return found
    if before.tools != turn.tools:
        found.append(ToolsChanged(before.tools, turn.tools))
    return found + _shortened(step, before)


def _shortened(step: Step, before: Turn) -> list[Note]:
    """Set how many messages the history has grown by; return a note if it has fewer now."""
    now = step.turn.messages
    if before.messages is None or now is None:
        return []
    step.grown = now - before.messages
    return [ContextReduced(before.messages, now, before.tokens, None)] if step.grown < 0 else []


def reduced(step: Step) -> list[Note]:
    """Return a note if the context has fewer tokens but not fewer messages, as after summarising messages."""
    turn, before = step.turn, step.before
    if before is None or before.tokens is None or turn.tokens is None or turn.model != before.model:
        # Another model counts the same text differently.
        return []
    if turn.tokens < before.tokens * _KEPT and (step.grown is None or step.grown >= 0):
        return [ContextReduced(before.messages, turn.messages, before.tokens, turn.tokens)]
    return []


def _whole_history(call: Observed) -> int | None:
    """Return the number of messages; `None` if the server keeps a part of the history."""
    request = call.request
    partial = request.previous_response or (request.conversation and call.api_type == "responses")
    return None if partial else request.message_count
