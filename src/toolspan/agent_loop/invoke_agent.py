"""`toolspan.agent`: a span for each run of an agent, with what its models and tools did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter_ns as now
from time import time_ns as wall_now
from types import TracebackType
from typing import Any, TypeVar, overload

from opentelemetry import context, trace
from opentelemetry.trace import SpanKind

from ..guard import made, shown
from ..otel import active, call_data
from ..otel import semconv as names
from ..otel.attributes import Value, clean, seconds
from ..otel.call_data import CallData
from ..otel.content.agent_messages import input_of, output_of
from ..otel.content.worker import ContentMakers
from ..otel.deferred_metrics import measured_context
from ..otel.internal_span import InternalSpans, Running
from ..otel.other_instrumentations import instruments_of
from ..otel.span_events import noted
from ..user_context import NOTHING, current, enter, leave, with_attributes
from ..wire.events import Runaway
from ..wire.response_items import ANSWERED
from .metrics import AgentMetrics
from .runaways import AgentStopped
from .wrapping import Block, arguments_of, name_of, wrap

F = TypeVar("F", bound=Callable[..., Any])

KEY = context.create_key("toolspan-agent")
"""The key of the running agent in OpenTelemetry's context."""


@dataclass(slots=True, eq=False)
class AgentRun(Running):
    """One run of an agent, with the sums of its own requests and tools, not of those of an agent inside.

    `outer` is the agent around it. `borrowed`: its span belongs to another instrumentation. `stops` is the
    argument `stop_on_runaway`, of this agent or of one around it; `reason` is why it is stopped.
    """

    agents: Agents | None = None
    outer: AgentRun | None = None
    borrowed: bool = False
    stops: bool = False
    reason: Runaway | None = None
    input: Any = None
    output: Any = None
    items: list[Any] = field(default_factory=list)  # what a generator yields
    # Without a lock, which a forked child could inherit while it is held: two threads that add at the same
    # moment may lose a count.
    inference_calls: int = 0
    called: int = 0  # tool calls of its models that the application answers
    executions: int = 0
    sums: dict[str, float] = field(default_factory=dict)  # the other sums, by the attribute's name
    # How often tools failed that no call of a model is known for, by tool and error.
    failing: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def tool_calls(self) -> int:
        """The calls of its models, or its executions if there are more: its model may not be traced."""
        return max(self.called, self.executions)

    def step(self, value: Any) -> None:
        """Keep an item of a generator, for the output, as long as there is room."""
        if self.agents is not None and len(self.items) < self.agents.room:
            self.items.append(value)

    def end(self, error: BaseException | None, result: Any = None) -> None:
        """End the run; `result` is its output, unless one was set. An error is reported and not raised."""
        self.output = self.items if result is None else result
        made("ending the span of an agent", partial(self.agents.end, self, error))  # type: ignore[union-attr]

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

    def report_runaway(self, runaway: Runaway) -> None:
        """Add the event to the span; stop the agent if it is to be stopped."""
        if self.stops:
            self.reason = runaway
        if self.span is not None and self.span.is_recording():
            self.span.add_event(*noted(runaway))

    def _add(self, name: str, value: float) -> None:
        self.sums[name] = self.sums.get(name, 0) + value


class Agents(InternalSpans):
    """The recorder of agents; its methods raise errors, which `AgentRun.end` and `Agent` report."""

    exception_event = names.INVOKE_AGENT_EXCEPTION_EVENT
    name_key = names.AGENT_NAME

    def __init__(self, *parts: Any, metrics: AgentMetrics) -> None:
        super().__init__(*parts)
        self._metrics = metrics
        # Items of a generator: pieces of a text, mostly, which is cut at as many characters.
        self.room = self.capture.limit if self.capture.on else 0

    def begin(self, facts: Mapping[str, Value], user: Mapping[str, Value], stops: bool) -> AgentRun:
        """Begin a run and start its span, or use the one that a framework has for it.

        `facts` are the attributes of the agent's arguments, `user` those of `toolspan.attributes`.
        """
        around = context.get_current()
        run = AgentRun(str(facts[names.AGENT_NAME]), now(), wall_now(), labels=self._user_labels.of(user))
        outer: Any = around.get(KEY)
        run.agents, run.outer, run.stops = self, outer, stops or (outer is not None and outer.stops)
        span = trace.get_current_span(around)
        # An agent within one that has that span is another one.
        run.borrowed = _is_agents(span) and (outer is None or outer.span is not span)
        if not run.borrowed:
            attributes = {**user, **facts, names.OPERATION_NAME: names.INVOKE_AGENT}
            span = self._tracer.start_span(
                f"{names.INVOKE_AGENT} {run.name}",
                kind=SpanKind.INTERNAL,
                attributes=self._with_others(names.INVOKE_AGENT, attributes),
                start_time=run.began,
            )
            around = trace.set_span_in_context(span, around)
        run.span = span
        passed = {key: facts[key] for key in _PASSED_ON if key in facts}
        run.context = context.set_value(KEY, run, with_attributes(passed, around))
        return run

    def end(self, run: AgentRun, error: BaseException | None) -> None:
        """End a run; only the first end counts."""
        if run.ended or run.span is None:
            return
        run.ended = True
        elapsed = now() - run.began_at
        counts = {names.AGENT_INFERENCE_CALLS: run.inference_calls, names.AGENT_TOOL_CALLS: run.tool_calls}
        run.span.set_attributes({**counts, **run.sums})
        if run.borrowed:
            self._measure(run, None, elapsed)
            return
        recorded = self.capture.on and run.span.is_recording()
        self._conclude(run, error, elapsed, _content(run) if recorded else {})

    def _measure(self, run: Any, kind: str | None, elapsed: int) -> None:
        # The framework's instrumentation may record the metrics of its agents itself.
        if run.borrowed and names.INVOKE_AGENT_DURATION in instruments_of(_scope(run.span)):
            return
        counts, where = (run.inference_calls, run.tool_calls), measured_context(run.span)
        self._metrics.record(run.name, seconds(elapsed), kind, counts, dict(run.labels), where)


def _content(run: AgentRun) -> ContentMakers:
    return {
        names.INPUT_MESSAGES: partial(input_of, run.input),
        names.OUTPUT_MESSAGES: partial(output_of, run.output),
    }


_PASSED_ON = (names.AGENT_NAME, names.CONVERSATION_ID, names.USER_ID)
"""The attributes of an agent that its requests and tools have, too."""


def _scope(span: Any) -> str:
    return str(getattr(getattr(span, "instrumentation_scope", None), "name", None))


def _is_agents(span: Any) -> bool:
    """Return whether a framework has made the current span for an agent."""
    found = getattr(span, "attributes", None)
    if not isinstance(found, Mapping) or _scope(span) == names.SCOPE or not span.is_recording():
        return False
    return found.get(names.OPERATION_NAME) == names.INVOKE_AGENT


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


class Agent(Block):
    """The result of `agent()`: a context manager to enter once, or a decorator of functions.

    `input` and `output` are the content of the run; see `agent`.
    """

    def __init__(self, facts: Mapping[str, Value], sent: Any, stops: bool) -> None:
        self._facts = facts
        self._stops = stops
        self.input = sent
        self.output: Any = None
        self._run: AgentRun | None = None
        self._token: Any = None

    def __call__(self, function: F) -> F:
        """Return the function, wrapped so that each of its calls is a run.

        Raise `TypeError` for an object that cannot be called, such as the result of `classmethod`.
        """
        if not callable(function):
            raise TypeError(f"toolspan: agent() takes a name or a function, not {shown(function)}")
        wrapped: Any = wrap(function, partial(self._begin, name_of(function), function))
        return wrapped  # type: ignore[no-any-return]  # a wrapper of the function's own type

    def _begin(
        self, name: str, function: Any = None, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] = NOTHING
    ) -> AgentRun | None:
        found = active.newest()
        agents: Agents | None = found.agents
        if agents is None:
            return None
        user = current(found.settings.baggage_keys)
        act = partial(self._begun, agents, name, user, function, args, kwargs)
        return made("starting the span of an agent", act)

    def _begun(
        self, agents: Agents, name: str, user: Mapping[str, Value], function: Any, args: Any, kwargs: Any
    ) -> AgentRun:
        run = agents.begin({names.AGENT_NAME: clean(name), **self._facts}, user, self._stops)
        sent = self.input
        if agents.capture.on and function is not None:
            sent = arguments_of(function, args, kwargs)
            sent = next(iter(sent.values())) if len(sent) == 1 else sent or None
        # A copy: an agent appends to its messages while it runs.
        run.input = list(sent) if isinstance(sent, list) else sent
        return run

    def __enter__(self) -> Agent:  # noqa: PYI034 - not for derived classes
        self._run = self._begin("agent")
        if self._run is not None:
            self._token = enter(self._run.context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        leave(self._token)
        if self._run is not None:
            self._run.input = self._run.input or self.input  # it may be set within the block
            self._run.end(error, self.output)
