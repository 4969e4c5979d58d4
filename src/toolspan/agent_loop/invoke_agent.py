"""`toolspan.agent`: a span for each run of an agent, with what its models and tools did."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter_ns as now
from time import time_ns as wall_now
from types import TracebackType
from typing import Any, TypeVar, overload

from opentelemetry import context, trace
from opentelemetry.trace import SpanKind

from ..guard import made, report, shown
from ..otel import active, call_data
from ..otel import semconv as names
from ..otel.attributes import Attributes, Value, clean, seconds
from ..otel.call_data import CallData
from ..otel.content.agent_messages import input_of, output_of
from ..otel.deferred_metrics import measured_context
from ..otel.internal_span import InternalSpans, Running
from ..otel.other_instrumentations import instruments_of
from ..otel.span_events import noted
from ..user_context import current, enter, leave, with_attributes
from ..wire.events import Runaway
from ..wire.response_items import ANSWERED
from .metrics import AgentMetrics
from .runaways import AgentStopped
from .wrapping import wrap

F = TypeVar("F", bound=Callable[..., Any])

KEY = context.create_key("toolspan-agent")
"""The key of the running agent in OpenTelemetry's context."""


@dataclass(slots=True, eq=False)
class AgentRun(Running):
    """One run of an agent, and the sums of its own requests and tools, without those of an agent inside."""

    # Without a lock, which a forked child could inherit while it is held: two threads that add at the same
    # moment may lose a count.
    outer: AgentRun | None = None
    """The agent around this one."""
    borrowed: bool = False
    """Whether the span belongs to another instrumentation."""
    stops: bool = False
    """The argument `stop_on_runaway`, of this agent or of one around it."""
    reason: Runaway | None = None
    """Why it is stopped."""
    inference_calls: int = 0
    called: int = 0
    """Tool calls of its models that the application answers."""
    executions: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    """The other sums, by the attribute's name."""
    failing: dict[tuple[str, str], int] = field(default_factory=dict)
    """How often tools failed that no call of a model is known for, by tool and error."""

    @property
    def tool_calls(self) -> int:
        """The calls of its models, or its executions if there are more: its model may not be traced."""
        return max(self.called, self.executions)

    def check(self) -> None:
        """Raise `AgentStopped` if this agent is stopped, or one around it."""
        if (reason := self._stopped_for()) is not None:
            raise AgentStopped(reason, self.name)

    def _stopped_for(self) -> Runaway | None:
        return self.reason or (None if self.outer is None else self.outer._stopped_for())

    def opened(self, call: CallData) -> None:
        """Count a request of this agent, and follow it to its end."""
        call.agent = self
        if self._stopped_for() is not None:
            return  # `check` refuses it next
        self.inference_calls += call.traits.has_messages
        then = partial(made, "adding a request to its agent", partial(self._answered, call))
        call.afterwards = (*call.afterwards, then)

    def _answered(self, call: CallData) -> None:
        """Add what a request took; it runs after the telemetry of the request."""
        step, usage = call.step, call.record.usage
        if call.cost is not None and call.operation != call_data.FETCH_RESPONSE:
            self._add(names.AGENT_COST, call.cost.amount)
        if not call.traits.has_messages:
            return
        self.called += sum(tool.kind in ANSWERED for tool in call.record.calls)
        self._add(names.AGENT_RETRIES, call.retries + (call.attempt > 1))
        self._add(names.AGENT_INFERENCE_TIME, seconds(call.ended_at - call.began_at))
        if usage is not None:
            self._add(names.AGENT_INPUT_TOKENS, usage.input or 0)
            self._add(names.AGENT_OUTPUT_TOKENS, usage.output or 0)
        if step is not None and step.number is not None:
            self.sums[names.AGENT_STEPS] = max(step.number, self.sums.get(names.AGENT_STEPS, 0))

    def executed(self, elapsed: int) -> None:
        """Add an execution of a tool, which took this many nanoseconds."""
        self.executions += 1
        self._add(names.AGENT_TOOL_TIME, seconds(elapsed))

    def failures(self, tool: str, error: str | None) -> int:
        """Return how often in a row a tool has failed so; without an error, it has not failed."""
        if error is None:
            self.failing = {what: count for what, count in self.failing.items() if what[0] != tool}
            return 0
        self.failing[tool, error] = count = self.failing.get((tool, error), 0) + 1
        return count

    def runs_away(self, runaway: Runaway) -> None:
        """Add the event to the span; stop the agent if it is to be stopped."""
        if self.stops:
            self.reason = runaway
        if self.span is not None and self.span.is_recording():
            self.span.add_event(*noted(runaway))

    def summary(self) -> Attributes:
        """Return the sums as attributes."""
        return {
            names.AGENT_INFERENCE_CALLS: self.inference_calls,
            names.AGENT_TOOL_CALLS: self.tool_calls,
            **self.sums,
        }

    def _add(self, name: str, value: float) -> None:
        self.sums[name] = self.sums.get(name, 0) + value


class Agents(InternalSpans):
    """The recorder of agents; its methods raise errors, which `AgentObserver` reports."""

    exception_event = names.INVOKE_AGENT_EXCEPTION_EVENT
    name_key = names.AGENT_NAME

    def __init__(self, *parts: Any, metrics: AgentMetrics) -> None:
        super().__init__(*parts)
        self._metrics = metrics

    def begin(
        self, name: str, facts: Mapping[str, Value], user: Mapping[str, Value], stops: bool
    ) -> AgentRun:
        """Begin a run and start its span, or use the one that a framework has for it.

        `facts` are the attributes of the agent's arguments, `user` those of `toolspan.attributes`.
        """
        around = context.get_current()
        run = AgentRun(clean(name), now(), wall_now(), labels=self._user_labels.of(user))
        run.outer = around.get(KEY)  # type: ignore[assignment]  # only `toolspan.agent` sets it
        run.stops = stops or (run.outer is not None and run.outer.stops)
        span = trace.get_current_span(around)
        # An agent within one that has that span is another one.
        run.borrowed = _is_agents(span) and (run.outer is None or run.outer.span is not span)
        if run.borrowed:
            run.span = span
        else:
            run.span = self._tracer.start_span(
                f"{call_data.INVOKE_AGENT} {run.name}",
                kind=SpanKind.INTERNAL,
                attributes={**user, **facts, names.OPERATION_NAME: call_data.INVOKE_AGENT},
                start_time=run.began,
            )
            around = trace.set_span_in_context(run.span, around)
        passed = {key: facts[key] for key in _PASSED_ON if key in facts}
        run.context = context.set_value(KEY, run, with_attributes(passed, around))
        return run

    def end(self, run: AgentRun, error: BaseException | None, sent: Any, answer: Any) -> None:
        """End a run; only the first end counts. `sent` and `answer` are content."""
        if run.ended or run.span is None:
            return
        run.ended = True
        elapsed = now() - run.began_at
        run.span.set_attributes(run.summary())
        if run.borrowed:
            self._measure(run, None, elapsed)
            return
        wanted = {}
        if self.capture.on and run.span.is_recording():
            wanted = {
                names.INPUT_MESSAGES: partial(input_of, sent),
                names.OUTPUT_MESSAGES: partial(output_of, answer),
            }
        self._conclude(run, error, elapsed, wanted)

    def _measure(self, run: Any, kind: str | None, elapsed: int) -> None:
        # The framework's instrumentation may record the metrics of its agents itself.
        if run.borrowed and names.INVOKE_AGENT_DURATION in instruments_of(_scope(run.span)):
            return
        counts, where = (run.inference_calls, run.tool_calls), measured_context(run.span)
        self._metrics.record(run.name, seconds(elapsed), kind, counts, dict(run.labels), where)


_PASSED_ON = (names.AGENT_NAME, names.CONVERSATION_ID, names.USER_ID)
"""The attributes of an agent that its requests and tools have, too."""


def _scope(span: Any) -> str:
    return str(getattr(getattr(span, "instrumentation_scope", None), "name", None))


def _is_agents(span: Any) -> bool:
    """Return whether a framework has made the current span for an agent."""
    found = getattr(span, "attributes", None)
    if not isinstance(found, Mapping) or _scope(span) == names.SCOPE or not span.is_recording():
        return False
    return found.get(names.OPERATION_NAME) == call_data.INVOKE_AGENT


class AgentObserver:
    """An observer of one run; its errors are reported and not raised."""

    def __init__(self, agents: Agents, run: AgentRun, sent: Callable[[], Any]) -> None:
        self._agents = agents
        self._run = run
        self._items: list[Any] = []
        self._room = agents.capture.limit if agents.capture.on else 0
        found = sent() if agents.capture.on else None
        # A copy: an agent appends to its messages while it runs.
        self.input = list(found) if isinstance(found, list) else found
        self.output: Any = None
        self.context = run.context

    def step(self, value: Any) -> None:
        """Keep an item of a generator, for the output, as long as there is room."""
        if self._room > 0:
            self._items.append(value)
            self._room -= len(value) if isinstance(value, str) else _ITEM

    def end(self, error: BaseException | None, result: Any = None) -> None:
        """End the run; `result` is its output, unless one was set."""
        output = self.output if result is None else result
        try:
            self._agents.end(self._run, error, self.input, self._items if output is None else output)
        except Exception as problem:
            report("ending the span of an agent", problem)


_ITEM = 64  # characters that an item of a generator counts which is no text
_TEXTS = {
    "name": names.AGENT_NAME,
    "id": names.AGENT_ID,
    "description": names.AGENT_DESCRIPTION,
    "version": names.AGENT_VERSION,
    "conversation_id": names.CONVERSATION_ID,
    "user_id": names.USER_ID,
}
"""The attributes of the arguments that are texts."""


@overload
def agent(name: F, /) -> F: ...


@overload
def agent(
    name: str | None = None,
    /,
    *,
    id: str | None = None,
    description: str | None = None,
    version: str | None = None,
    conversation_id: str | None = None,
    user_id: str | None = None,
    input: Any = None,
    stop_on_runaway: bool = False,
) -> Agent: ...


def agent(name: Any = None, /, *, input: Any = None, stop_on_runaway: bool = False, **texts: Any) -> Any:
    """Record each run of an agent as a span; a context manager, or a decorator with or without arguments.

    ```python
    @toolspan.agent("travel")
    async def travel(question: str) -> str: ...

    with toolspan.agent("travel", conversation_id=thread.id, input=question) as run:
        run.output = answer(question)
    ```

    Each run is a span `invoke_agent {name}` of kind INTERNAL, and a value of the conventions' three metrics
    of agents. All requests and executions of tools inside have the agent's name, conversation and user, and
    are summed on the span. If the current span is one that a framework made for an agent, it is used.

    `name` is the agent's name, by default the function's. `input` and the attribute `output` of the block are
    texts, lists of messages or any other values, recorded only where content is captured on spans; of a
    function they are its arguments and its result. With `stop_on_runaway`, the next request or tool inside
    raises `AgentStopped` when a runaway is found. Functions may be of any kind; the agent of a generator is
    current while its own code runs. Without `instrument()` nothing is recorded. Raises `TypeError` for
    arguments of a wrong type, `ValueError` for an empty text.
    """
    if unknown := texts.keys() - _TEXTS.keys():
        raise TypeError(f"toolspan: agent() knows no {min(unknown)}; it takes {', '.join(_TEXTS)}")
    if not isinstance(stop_on_runaway, bool):
        raise TypeError(f"toolspan: agent() takes a bool as stop_on_runaway, not {shown(stop_on_runaway)}")
    if name is None or isinstance(name, str):
        return Agent(_facts({"name": name, **texts}), input, stop_on_runaway)
    return Agent(_facts(texts), input, stop_on_runaway)(name)


def _facts(texts: Mapping[str, Any]) -> dict[str, Value]:
    """Return the attributes of the texts; raise for one that is no text or empty."""
    for what, value in texts.items():
        if value is not None and not isinstance(value, str):
            raise TypeError(f"toolspan: agent() takes a str as {what}, not {shown(value)}")
        if value == "":
            raise ValueError(f"toolspan: agent() takes a {what} that is not empty")
    return {_TEXTS[what]: clean(value) for what, value in texts.items() if value is not None}


class Agent:
    """The result of `agent()`: a context manager to enter once, or a decorator of functions.

    `input` and `output` are the content of the run; see `agent`.
    """

    def __init__(self, facts: Mapping[str, Value], sent: Any, stops: bool) -> None:
        self._facts = facts
        self._stops = stops
        self.input = sent
        self.output: Any = None
        self._observer: AgentObserver | None = None
        self._token: Any = None

    def __call__(self, function: F) -> F:
        """Return the function, wrapped so that each of its calls is a run.

        Raise `TypeError` for an object that cannot be called, such as the result of `classmethod`.
        """
        if not callable(function):
            raise TypeError(f"toolspan: agent() takes a name or a function, not {shown(function)}")
        # A `partial` or another callable object has no name of its own.
        name = getattr(function, "__name__", None) or type(function).__name__
        made: Any = wrap(function, functools.partial(self._run, name, function))
        return made  # type: ignore[no-any-return]  # a wrapper of the function's own type

    def _run(
        self, name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> AgentObserver | None:
        return self._begin(name, partial(_arguments, function, args, kwargs))

    def _begin(self, name: str, sent: Callable[[], Any]) -> AgentObserver | None:
        found = active.newest()
        agents: Agents | None = found.agents
        if agents is None:
            return None
        try:
            facts = {names.AGENT_NAME: clean(name), **self._facts}
            user = current(found.settings.baggage_keys)
            run = agents.begin(str(facts[names.AGENT_NAME]), facts, user, self._stops)
            return AgentObserver(agents, run, sent)
        except Exception as error:
            report("starting the span of an agent", error)
            return None

    def __enter__(self) -> Agent:  # noqa: PYI034 - not for derived classes
        self._observer = self._begin("agent", lambda: self.input)
        if self._observer is not None:
            self._token = enter(self._observer.context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        leave(self._token)
        if self._observer is not None:
            if self.input is not None and self._observer.input is None:
                self._observer.input = self.input  # set within the block
            self._observer.end(error, self.output)

    async def __aenter__(self) -> Agent:  # noqa: PYI034 - not for derived classes
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


def _arguments(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the only argument, or all by their names, without `self` or `cls`; `None` for a wrong call."""
    try:
        bound = dict(inspect.signature(function).bind(*args, **kwargs).arguments)
    except TypeError:  # the function itself raises it next, for the application
        return None
    found = {name: value for name, value in bound.items() if name not in ("self", "cls")}
    return next(iter(found.values())) if len(found) == 1 else found or None
