"""Record one execution of a tool: its span, its duration and its link to the model's call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter_ns as now
from time import time_ns as wall_now
from typing import Any, TypeAlias

from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.context import get_value
from opentelemetry.metrics import Meter
from opentelemetry.trace import Link, SpanKind

from ..agent_loop.invoke_agent import KEY, AgentRun
from ..agent_loop.loop import Loop
from ..agent_loop.runaways import History, Runaways
from ..guard import made
from ..otel import active, call_data
from ..otel import semconv as names
from ..otel.attributes import Attributes, Value, clean
from ..otel.attributes import seconds as to_seconds
from ..otel.call_data import RememberedCall, Turn
from ..otel.content import capture as content
from ..otel.content.truncate import WHOLE, call_arguments
from ..otel.errors import error_type
from ..otel.instruments import histogram
from ..otel.internal_span import InternalSpans, Running
from ..otel.labels import Labels, ToolNames
from ..otel.log import event_record
from ..otel.span_events import noted
from ..user_context import current
from ..wire.events import Runaway
from ..wire.record import Record, is_failure
from ..wire.values import word

_MOST_STEPS = 100  # items of a generator that are recorded as its result


Arguments: TypeAlias = Callable[[], Any]


def begin(name: str, call_id: str | None, description: str | None, arguments: Arguments) -> Observer | None:
    """Begin an execution; return its observer, or `None` if nothing is recorded.

    Raise `AgentStopped` within an agent that is stopped.
    """
    # Decorators run before `instrument()`: the present instrumentation is found at each execution.
    found = active.newest()
    executions: Executions | None = found.executions
    if executions is None:
        return None
    if (agent := get_value(KEY)) is not None:
        agent.check()  # type: ignore[attr-defined]  # an `AgentRun`; outside of the guard below
    user = current(found.settings.baggage_keys)
    start = partial(executions.begin, name, call_id, description, user, arguments)
    execution = made("starting the span of a tool execution", start)
    return None if execution is None else Observer(executions, execution)


class Observer:
    """An observer of one execution; its errors are reported and not raised."""

    def __init__(self, executions: Executions, execution: Execution) -> None:
        self._executions = executions
        self._execution = execution
        self._steps: list[Any] = []
        self.context = execution.context
        self.captures = executions.capture.on
        self.shared = False
        # Whether a result reports an error; it must not raise.
        self.is_error: Callable[[Any], bool] = lambda result: False
        self.result: Any = None

    def share(self) -> Observer:
        """Return an observer for the decorated function inside of the block, which ends the execution."""
        self.shared = True
        inner = Observer(self._executions, self._execution)
        # Its end only keeps the result: the block goes on after the function has returned.
        inner.end = self._keep_result  # type: ignore[method-assign]
        return inner

    def _keep_result(self, error: BaseException | None, result: Any = None) -> None:
        self.result = result

    def arguments(self, make: Callable[[], Any]) -> None:
        """Record the arguments, unless they are recorded already; `make` is called only then."""
        if not self._execution.has_arguments:
            made(
                "recording the arguments of a tool execution",
                lambda: self._executions.arguments(self._execution, make()),
            )

    def step(self, value: Any) -> None:
        """Keep an item of a generator, for the result."""
        if self.captures and len(self._steps) < _MOST_STEPS:
            self._steps.append(value)

    def end(self, error: BaseException | None, result: Any = None) -> None:
        """End the execution."""
        if error is None and self.is_error(result):
            self._execution.failure = _TOOL_ERROR
        # Two blocks: content that cannot be recorded must not cost the span.
        if self.captures:
            made("recording the result of a tool execution", partial(self._record, error, result))
        made("ending a tool execution", partial(self._executions.end, self._execution, error))

    def _record(self, error: BaseException | None, result: Any) -> None:
        self._executions.remembered_arguments(self._execution)
        if error is None:
            # A generator's return value, if it has one, is its result; otherwise its items are.
            value = self._steps if self._steps and result is None else result
            self._executions.result(self._execution, value)


_TOOL_ERROR = "tool_error"  # the convention's type of a result that reports an error
_TYPE = "function"  # the convention's type of a tool that the application executes


@dataclass(slots=True, eq=False)
class Execution(Running):
    """One execution of a tool."""

    turn: Turn | None = None
    """The model's turn that called the tool; `None` if it is not known."""
    agent: AgentRun | None = None
    """The agent that runs the tool."""
    has_arguments: bool = False
    remembered: RememberedCall | None = None
    """The model's call, if it is known."""


class Executions(InternalSpans):
    """The recorder of executions; its methods raise errors, which `Observer` reports."""

    exception_event = names.EXECUTION_EXCEPTION_EVENT
    name_key = names.TOOL_NAME

    def __init__(self, *parts: Any, meter: Meter, loop: Loop, runaways: Runaways) -> None:
        super().__init__(*parts)
        self._loop = loop
        self._names = ToolNames()  # bounds the tool names that metrics get
        self._runaways = runaways
        name, described = names.EXECUTE_TOOL_DURATION, "Duration of a tool's execution."
        self._duration = histogram(meter, name, described, names.SECONDS, names.DURATION_BUCKETS)

    def begin(
        self,
        name: str,
        call_id: str | None,
        description: str | None,
        user: Mapping[str, Value],
        arguments: Arguments,
    ) -> Execution:
        """Begin an execution and start its span.

        `user` are the attributes of `toolspan.attributes`. `arguments` is called only if several tool calls
        have this name.
        """
        found = Execution(name, now(), wall_now())
        remembered, turn = self._loop.executed_call(name, call_id, arguments)
        found.turn, found.remembered = turn, remembered
        found.user, found.labels = user, self._user_labels.of(user)
        found.agent = get_value(KEY)  # type: ignore[assignment]  # only `toolspan.agent` sets it
        identity = word(call_id) or (remembered.id if remembered is not None else None)
        facts = _attributes(name, identity, description)
        attributes = self._with_others(call_data.EXECUTE_TOOL, facts)
        found.span = self._tracer.start_span(
            f"{call_data.EXECUTE_TOOL} {clean(name)}",
            kind=SpanKind.INTERNAL,
            attributes={**user, **attributes},
            links=_links(turn, remembered),
            start_time=found.began,
        )
        found.context = trace.set_span_in_context(found.span)
        return found

    def arguments(self, execution: Execution, value: Any) -> None:
        """Record the arguments, where content is captured."""
        execution.has_arguments = True
        self._content(execution, names.TOOL_CALL_ARGUMENTS, value)

    def remembered_arguments(self, execution: Execution) -> None:
        """Record the arguments of the model's call, unless the application has passed some."""
        call = execution.remembered
        if not execution.has_arguments and call is not None and call.arguments:
            self.arguments(execution, call_arguments(call.arguments, WHOLE))

    def result(self, execution: Execution, value: Any) -> None:
        """Record the result, where content is captured."""
        self._content(execution, names.TOOL_CALL_RESULT, value)

    def end(self, execution: Execution, error: BaseException | None) -> None:
        """End the execution; only the first end counts."""
        if execution.ended:
            return
        execution.ended, ended_at = True, now()
        # For the agent loop: the next request of the turn records how long its tools ran.
        if execution.turn is not None:
            execution.turn.executions.append((execution.began_at, ended_at))
        elapsed = ended_at - execution.began_at
        # Before the span ends, which gets the event.
        runaway = made("finding a runaway", partial(self._runaway, execution, error))
        self._conclude(execution, error, elapsed, {})
        if execution.agent is not None:
            execution.agent.executed(elapsed)
        if runaway is not None:
            self._runaways.notify(runaway)

    def _runaway(self, execution: Execution, error: BaseException | None) -> Runaway | None:
        """Record that a tool failed again and again, if it did; return that."""
        agent, limit = execution.agent, self._loop.limit
        if not limit or (error is not None and not is_failure(error)):
            return None
        kind = execution.failure if error is None else error_type(error, Record())
        count = _failures(execution, kind)
        if not count or count % limit:
            return None
        conversation = execution.user.get(names.CONVERSATION_ID)
        runaway = Runaway(
            kind="failure",
            tools=(execution.name,),
            times=count,
            error=kind,
            agent=None if agent is None else agent.name,
            conversation=None if conversation is None else str(conversation),
        )
        event, attributes = noted(runaway)
        if execution.span is not None:
            execution.span.add_event(event, attributes)
        facts = {**execution.user, **attributes}
        self._logger.emit(event_record(event, facts, SeverityNumber.INFO, execution.context))
        self._runaways.count(runaway, execution.labels, execution.context)
        if agent is not None:
            agent.report_runaway(runaway)
        return runaway

    def _measure(self, running: Running, kind: str | None, elapsed: int) -> None:
        tool = {names.TOOL_NAME: self._names.known(None, running.name), names.TOOL_TYPE: _TYPE}
        labels: Labels = {**running.labels, **tool}
        if kind is not None:
            labels[names.ERROR_TYPE] = kind
        self._duration.record(to_seconds(elapsed), labels, running.context)

    def _content(self, execution: Execution, name: str, value: Any) -> None:
        # Checked before the value is read: without content capture nothing of it is touched.
        span = execution.span
        if span is not None and self.capture.on and span.is_recording():
            self._emit(execution, content.value_makers(name, value), partial(self._fill, span))


def _attributes(name: str, identity: str | None, description: str | None) -> Attributes:
    """Return the attributes of a tool's span at its start."""
    found: Attributes = {
        names.OPERATION_NAME: call_data.EXECUTE_TOOL,
        names.TOOL_NAME: clean(name),
        names.TOOL_TYPE: _TYPE,
    }
    if identity is not None:
        found[names.TOOL_CALL_ID] = clean(identity)
    if description:
        found[names.TOOL_DESCRIPTION] = clean(description)
    return found


def _failures(execution: Execution, kind: str | None) -> int:
    """Return how often in a row the tool has failed so; 0 if it has not, or if that is not known."""
    turn, agent = execution.turn, execution.agent
    if turn is None:
        return 0 if agent is None else agent.failures(execution.name, kind)
    if kind is None:
        return 0
    history = turn.history = turn.history or History()
    return int(history.failure(execution.name, kind))


def _links(turn: Turn | None, remembered: RememberedCall | None) -> list[Link]:
    if turn is None or turn.asker is None:
        return []
    # Without the call itself, the link names all calls of its answer.
    ids = [remembered.id] if remembered is not None else [one.id for one in turn.calls]
    return [Link(turn.asker, {names.LINK: "executes", names.TOOL_CALL_IDS: ids})]
