"""Relate a request to earlier answers: results of tool calls, turnaround times, growth of the context."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any, ClassVar

from opentelemetry.trace import SpanContext

from ..otel import call_data
from ..otel import semconv as names
from ..otel.call_data import CallData, RememberedCall, Step, Turn
from ..otel.sink import Sink
from ..otel.span_events import SpanEvent
from ..wire.events import Answered, ContextReduced, Note, Runaway, ToolsChanged
from ..wire.hashing import argument_hash
from ..wire.record import Outcome, ToolCall
from ..wire.response_items import ANSWERED
from ..wire.tool_results import Returns
from ..wire.values import word
from .memory import Memory, caller_match, current_task
from .runaways import History, brought

RUNAWAYS = 4  # the default of the setting `runaways`


class Loop(Sink):
    """The agent loop of a process, which relates its requests across clients, threads and tasks."""

    signals: ClassVar[Mapping[str, str]] = {
        "opened": "steps of the agent loop",
        "span_event": "memories of tool calls",
        "ended": "memories of turns",
    }
    sets = ("step", "links", "notes")
    needs = ("caller",)

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = Memory() if memory is None else memory
        self.limit = RUNAWAYS
        """The setting `runaways`: how many equal turns, rounds or failures are a runaway; 0: none are."""

    # A fetched response brings no results; its tool calls are remembered like those of other answers.
    def opened(self, call: CallData) -> None:
        """Find the step of a request in its loop, link it to earlier answers, and note what changed."""
        fetches = call.operation == call_data.FETCH_RESPONSE
        if not fetches and not call.traits.has_messages:
            return
        request, fresh = call.request, 0
        returns = request.returns
        # A plain question takes no part in a loop; it has a step only if a tool is called all the same.
        involved = request.tools or returns.results or returns.turns or request.conversation
        if not (involved or call.api_type == "responses"):
            return
        step = call.step = _new_step(call)
        if fetches:
            return
        if returns.results or returns.earlier:
            step.results = self._results(returns, step.turn.task)
            fresh = _answers(call, step.results)
        if step.results or request.previous_response is not None or request.conversation is not None:
            step.before = self._before(call, step.results)
        if step.results and self.limit:
            digests = dict(zip(returns.results, returns.digests, strict=False))
            step.turn.history = History(step.before, brought(step.results, digests))
        # A request that is the first of its loop has a number if it offers tools, and nothing else.
        if step.before is not None or returns.called or returns.results:
            _number(step, call, fresh)
        elif request.tools is not None:
            step.number = 1
        if step.before is not None:
            _note_changes(call, step, step.before)

    def span_event(self, call: CallData, event: SpanEvent) -> None:
        """Remember a complete tool call: the application may answer it before the stream ends."""
        closed = event.closed
        if closed is None or not (call.traits.has_messages or call.operation == call_data.FETCH_RESPONSE):
            return
        if call.step is None:
            call.step = _new_step(call)
        self._remember(call, call.step.turn, closed, event.at)

    def ended(self, call: CallData) -> None:
        """Remember the turn of a finished answer, and note what its token count shows."""
        step, record = call.step, call.record
        if step is None or call.outcome is None:
            return
        turn, usage = step.turn, record.usage
        turn.tokens = usage.input if usage is not None else None
        if len(turn.calls) < len(record.calls) or (turn.calls and call.api_type == "responses"):
            self._remember_all(call, turn)
        # A request that failed or was cancelled has answered nothing: its results still count as missing.
        # Their turnaround is recorded once all the same, because the application did bring them.
        if call.outcome in (Outcome.FAILED, Outcome.CANCELLED):
            for remembered in step.results:
                remembered.answers = max(remembered.answers - 1, 0)
        elif call.traits.has_messages and (call.api_type == "responses" or call.request.conversation):
            turn.response = _response(call)
            self.memory.keep_turn(turn, *_keys(call, turn.response))
        if step.before is not None:
            call.notes += reduced(step, step.before)
        if turn.calls and self.limit and call.operation != call_data.FETCH_RESPONSE:
            call.notes += self._runaways(call, turn)

    def _runaways(self, call: CallData, turn: Turn) -> list[Note]:
        """Return the runaways that the calls of a finished answer show."""
        history = turn.history = turn.history or History()
        found: list[Note] = []
        if (cycle := history.cycle(turn.calls)) is not None and not cycle[2] % self.limit:
            tools, period, count = cycle
            found.append(runaway(call, "repeat" if period == 1 else "cycle", tools, count))
        for tool in call.record.calls:
            # A call that cannot be executed has failed; it is no failure that it was not checked.
            if tool.name and tool.outcome not in ("valid", "unchecked") and tool.kind in ANSWERED:
                count = history.failure(tool.name, tool.outcome)
                if count and not count % self.limit:
                    found.append(runaway(call, "failure", (tool.name,), count, tool.outcome))
        return found

    def _remember_all(self, call: CallData, turn: Turn) -> None:
        """Name the turn's calls, and remember those whose id came after their arguments."""
        self.memory.name_turn(turn, _response(call))
        if len(turn.calls) < len(call.record.calls):
            known = {remembered.id for remembered in turn.calls}
            for tool in call.record.calls:
                if tool.id not in known:
                    self._remember(call, turn, tool, tool.closed_at or call.ended_at)

    def executed_call(
        self, name: str, call_id: str | None, arguments: Callable[[], Any]
    ) -> tuple[RememberedCall | None, Turn | None]:
        """Return the tool call that an execution answers, and its turn; `None` where there is any doubt.

        Without an id, the call is found by the tool's name if exactly one answer has such a call. If that
        answer has several, the hash of the arguments decides.
        """
        rank = partial(caller_match, current_task())
        if call_id is not None:
            remembered = self.memory.find(word(call_id) or "", rank)
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

    def _results(self, returns: Returns, task: Hashable) -> tuple[RememberedCall, ...]:
        """Return the calls whose results are new in a request, or are sent again after the last turn."""
        # A history repeats the results of all its steps: those before the last turn are counted only if no
        # request has brought them yet.
        rank = partial(caller_match, task)
        found: dict[str, RememberedCall] = {}
        for identity in returns.earlier + returns.results:
            remembered = self.memory.find(identity, rank)
            if remembered is not None and (not remembered.answers or identity in returns.results):
                found[identity] = remembered
        return tuple(found.values())

    def _before(self, call: CallData, results: tuple[RememberedCall, ...]) -> Turn | None:
        # Results of several turns may come together: the newest turn is the step before.
        if results:
            return max(results, key=lambda remembered: remembered.at).turn
        return self.memory.turn(_keys(call, call.request.previous_response))

    def _remember(self, call: CallData, turn: Turn, tool: ToolCall, at: int) -> None:
        if tool.id is None or tool.kind not in ANSWERED:
            return
        if not turn.calls:
            turn.response = _response(call)
            # The span's context, not the span: a turn outlives its call and must not keep the span alive.
            asker = None if call.span is None else call.span.get_span_context()
            turn.asker = asker if asker is not None and asker.is_valid else None
        text = tool.arguments if tool.pieces else ""  # nothing is kept without capture
        self.memory.remember(RememberedCall(tool.id, tool.name, at, turn, tool.argument_hash, text))


def runaway(
    call: CallData, kind: str, tools: tuple[str, ...], count: int, error: str | None = None
) -> Runaway:
    """Return a runaway of the agent and the conversation of a request."""
    name = None if call.agent is None else call.agent.name
    return Runaway(kind, tools, count, error, name, call.request.conversation)


def _new_step(call: CallData) -> Step:
    request, task = call.request, None if call.caller is None else call.caller.task
    turn = Turn(task=task, model=request.model)
    # The number is unknown if the server keeps a part of the history.
    if not (request.previous_response or (request.conversation and call.api_type == "responses")):
        turn.messages = request.message_count
    turn.tools = None if request.tools is None else request.tools.fingerprint
    return Step(turn)


_MOST_LINKED = 128  # ids in the links of one span: each may be as long as a word


def _answers(call: CallData, results: tuple[RememberedCall, ...]) -> int:
    """Count, link and note the calls that a request answers; return the number of new answers."""
    askers: dict[int, tuple[SpanContext, list[str]]] = {}
    fresh = linked = 0
    for remembered in results:
        fresh += not remembered.answers
        remembered.answers += 1
        # Every later request of the loop repeats the result in its history: only the first one counts.
        if not remembered.turnaround_recorded:
            remembered.turnaround_recorded = True
            call.notes.append(Answered(remembered.id, remembered.name, call.began_at - remembered.at))
        turn = remembered.turn
        if turn.asker is not None and linked < _MOST_LINKED:
            linked += 1
            askers.setdefault(id(turn), (turn.asker, []))[1].append(remembered.id)
    for asker, ids in askers.values():  # one link for each answering span, not one for each call
        call.links.append((asker, {names.LINK: "answers", names.TOOL_CALL_IDS: ids}))
    return fresh


def _number(step: Step, call: CallData, fresh: int) -> None:
    """Set the number of the step, and count the calls that are answered, unanswered or answered again."""
    before, results, returns = step.before, step.results, call.request.returns
    if returns.results or returns.earlier:
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


def _keys(call: CallData, response: str | None) -> list[str]:
    """Return the keys of a turn: its response's id, and its conversation."""
    conversation = call.request.conversation
    found = [] if response is None else [response]
    # With a prefix, because an application may choose an id for a conversation that is a response's.
    return found if conversation is None else [*found, f"conversation {conversation}"]


def _response(call: CallData) -> str | None:
    """Return the id of a response; `None` for chat completions, whose ids are not unique on all servers."""
    return call.record.started.id if call.api_type == "responses" else None


_KEPT = 0.9  # share of the tokens of the step before; a smaller drop is not reported as a reduced context


def _note_changes(call: CallData, step: Step, before: Turn) -> None:
    """Note changed tools and a shorter history, compared with the step before."""
    turn = step.turn
    if before.tools != turn.tools:
        call.notes.append(ToolsChanged(before.tools, turn.tools))
    if before.messages is not None and turn.messages is not None:
        step.grown = turn.messages - before.messages
        if step.grown < 0:
            call.notes.append(ContextReduced(before.messages, turn.messages, before.tokens, None))


def reduced(step: Step, before: Turn) -> list[Note]:
    """Return a note if the context has fewer tokens but not fewer messages, as after summarising messages."""
    turn = step.turn
    if before.tokens is None or turn.tokens is None or turn.model != before.model:
        # Another model counts the same text differently.
        return []
    if turn.tokens < before.tokens * _KEPT and (step.grown is None or step.grown >= 0):
        return [ContextReduced(before.messages, turn.messages, before.tokens, turn.tokens)]
    return []
