"""`toolspan.agent`: a span, three metrics and a summary for each run of an agent of any kind."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import openai
import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

import toolspan
from toolspan.agent_loop.invoke_agent import Agents

from ..otel import kept
from ..sdk import script, wire
from ..sdk.faults import broken
from ..sdk.sdk import ASYNC, http
from ..sdk.telemetry import Telemetry
from ..table import each_row
from ..tool_execution.test_decorator import drain
from .loops import CHAT, Agent, Clock, Server

WEATHER = ("call_a", "get_weather", '{"city": "Bern"}')
TIME = ("call_b", "get_time", "{}")
LATER = ("call_c", "get_time", '{"at": 1}')
METRICS = ("duration", "inference_calls", "tool_calls")


class OopsError(Exception):
    """What an agent raises."""


def inside(question: str) -> str:
    """What each agent does: a span, and maybe an error."""
    trace.get_tracer("inner").start_span("inner").end()
    if question == "fail":
        raise OopsError("MARK-error")
    return f"MARK-answer to {question}"


@toolspan.agent
def plain(question: str) -> str:
    """Answer."""
    return inside(question)


@toolspan.agent("awaited")
async def awaited(question: str) -> str:
    """Answer later."""
    await asyncio.sleep(0)
    return inside(question)


@toolspan.agent("steps")
def steps(question: str) -> Iterator[str]:
    """Answer in pieces."""
    yield "MARK-"
    yield inside(question)


@toolspan.agent("awaited_steps")
async def awaited_steps(question: str) -> AsyncIterator[str]:
    """Answer in pieces, later."""
    yield "MARK-"
    await asyncio.sleep(0)
    yield inside(question)


def block(question: str) -> str:
    """Answer within a block."""
    with toolspan.agent("block", input=question) as run:
        run.output = inside(question)
        return str(run.output)


async def awaited_block(question: str) -> str:
    """Answer within an async block, whose input is known later."""
    async with toolspan.agent("awaited_block") as run:
        run.input = question
        run.output = inside(question)
        return str(run.output)


KINDS: dict[str, Callable[..., Any]] = {
    each.__name__: each for each in (plain, awaited, steps, awaited_steps, block, awaited_block)
}


def outcome(kind: str, question: str) -> Any:
    """What the application gets of an agent."""
    try:
        return asyncio.run(drain(KINDS[kind](question)))
    except OopsError as error:
        return type(error), error.args


@each_row(("kind", "question"), [(kind, question) for kind in KINDS for question in ("Why?", "fail")])
def test_each_kind_of_agent_is_a_span_with_metrics(kind: str, question: str) -> None:
    """Results and errors are the agent's own; content is recorded only where it is captured."""
    bare = outcome(kind, question)
    for mode in ("no_content", "span_only"):
        telemetry = Telemetry()
        with telemetry.on(capture_message_content=mode):
            assert outcome(kind, question) == bare
        span, failed = telemetry.span, question == "fail"
        assert (span.name, span.kind) == (f"invoke_agent {kind}", SpanKind.INTERNAL)
        assert span.status.is_ok is not failed
        assert span.attributes.get("error.type", "").endswith("OopsError") is failed
        events = [record.event_name for record in telemetry.records]
        assert events == ["toolspan.invoke_agent.exception"] * failed
        points = [telemetry.points(f"gen_ai.invoke_agent.{name}")[0] for name in METRICS]
        assert [point.count for point in points] == [1, 1, 1]
        assert points[0].sum == pytest.approx((span.end_time - span.start_time) / 1e9)
        assert points[0].attributes.get("error.type") == span.attributes.get("error.type")
        texts = str([span.attributes, span.status.description, [one.attributes for one in telemetry.records]])
        assert ("MARK" in texts) is (mode == "span_only")
        if mode == "span_only":
            (sent,) = kept.plain(span.attributes["gen_ai.input.messages"])
            assert sent == {"role": "user", "parts": [{"type": "text", "content": question}]}
        if mode == "span_only" and not failed:
            (answer,) = kept.plain(span.attributes["gen_ai.output.messages"])
            text = {"type": "text", "content": bare if isinstance(bare, str) else "".join(bare)}
            assert answer == {"role": "assistant", "parts": [text], "finish_reason": "stop"}


def test_the_agent_is_current_while_its_own_code_runs(telemetry: Telemetry) -> None:
    """Spans of the agent are its children; those of a generator's reader are not."""
    inner = telemetry.tracers.get_tracer("inner")

    @toolspan.agent
    def counting() -> Iterator[int]:
        for number in range(2):
            inner.start_span("of the agent").end()
            yield number

    with telemetry.on(), telemetry.tracer.start_as_current_span("application") as outer:
        for _ in counting():
            assert trace.get_current_span() is outer
            with toolspan.tool("reader"):
                pass
    tools, agent = telemetry.spans[:2], telemetry.spans[2]
    assert all("gen_ai.agent.name" not in span.attributes for span in tools)
    children = [span for span in telemetry.everything_ended if span.name == "of the agent"]
    assert {span.parent.span_id for span in children} == {agent.context.span_id}


STREAM: Any = {"model": "gpt-test", "messages": [{"role": "user", "content": "What now?"}], "stream": True}


def client_of(*answers: Any) -> Any:
    """A client whose server gives these answers."""
    channel = http.Client(transport=http.MockTransport(script.Transport(*answers)))
    return openai.OpenAI(api_key="k", base_url=wire.BASE_URL, http_client=channel, max_retries=0)


async def three_turns(client: Any, clock: Clock) -> None:
    """Two calls at once, one more, and an answer."""
    agent = Agent(ASYNC, client, CHAT)
    for calls in ([WEATHER, TIME], [LATER], []):
        await agent.turn(*calls)
        for identity, name, _ in calls:
            with toolspan.tool(name, call_id=identity):
                clock.pass_by(0.5)
        agent.answer(*(identity for identity, _, _ in calls))


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock(monkeypatch)
    monkeypatch.setattr("toolspan.agent_loop.invoke_agent.now", lambda: found.at)
    return found


def test_an_agent_of_three_turns_is_one_trace_with_true_sums(telemetry: Telemetry, clock: Clock) -> None:
    """Three requests and three executions are in one trace, and metrics and summary equal what happened."""
    server = Server(CHAT, only=[[WEATHER, TIME], [LATER], []])

    async def scenario() -> None:
        async with ASYNC.client(server) as client:
            with toolspan.agent(
                "travel", id="a-1", version="2", description="Plans.", conversation_id="c-1", user_id="u-1"
            ):
                clock.pass_by(1.0)
                await three_turns(client, clock)

    with telemetry.on(metric_attributes="gen_ai.agent.name"):
        asyncio.run(scenario())
    *others, agent = telemetry.spans
    assert agent.name == "invoke_agent travel"
    assert {span.context.trace_id for span in others} == {agent.context.trace_id}
    assert [span.name.partition(" ")[0] for span in others].count("chat") == 3
    for span in (*others, agent):
        names = ("gen_ai.agent.name", "gen_ai.conversation.id", "user.id")
        assert [span.attributes[name] for name in names] == ["travel", "c-1", "u-1"]
    facts = {name: agent.attributes[f"gen_ai.agent.{name}"] for name in ("id", "version", "description")}
    assert facts == {"id": "a-1", "version": "2", "description": "Plans."}
    sums = {
        name.removeprefix("toolspan.agent."): value
        for name, value in agent.attributes.items()
        if name.startswith("toolspan.agent.")
    }
    assert sums == {
        "steps": 3,
        "inference_calls": 3,
        "tool_calls": 3,
        "retries": 0,
        "inference.duration": 0.0,
        "tool.duration": 1.5,
        "input_tokens": 33,
        "output_tokens": 21,
    }
    values = [telemetry.points(f"gen_ai.invoke_agent.{name}")[0] for name in METRICS]
    assert [point.sum for point in values] == [2.5, 3, 3]
    assert [dict(point.attributes) for point in values] == [{"gen_ai.agent.name": "travel"}] * 3
    for name in ("gen_ai.client.inference.duration", "gen_ai.execute_tool.duration", "toolspan.tool_calls"):
        assert {point.attributes["gen_ai.agent.name"] for point in telemetry.points(name)} == {"travel"}


def test_cost_and_retries_are_summed_and_streams_left_open_are_not(telemetry: Telemetry) -> None:
    """A request counts when it is sent; its cost, tokens and retries when it ends."""
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11, "cost": 0.25}
    busy = script.whole({"error": {"message": "Slow down."}}, status=429)
    paid = script.stream(wire.chunk(None, "stop"), {**wire.usage(), "usage": usage}, wire.DONE)
    client = client_of(busy, paid, script.TEXT)
    with telemetry.on(), toolspan.agent("payer"):
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(**STREAM)
        list(client.chat.completions.create(**STREAM))
        left = client.chat.completions.create(**STREAM)
    agent = next(span for span in telemetry.spans if span.name == "invoke_agent payer")
    left.close()
    client.close()
    names = ("inference_calls", "retries", "cost", "input_tokens")
    assert [agent.attributes[f"toolspan.agent.{name}"] for name in names] == [3, 1, 0.25, 9]


def test_agents_within_agents_count_their_own(telemetry: Telemetry) -> None:
    """An agent inside has its own name and sums, and the conversation and user of the outer one."""
    server = Server(CHAT, only=[[], [], []])

    async def scenario() -> None:
        async with ASYNC.client(server) as client:
            with toolspan.agent("outer", conversation_id="c-1", user_id="u-1"):
                await Agent(ASYNC, client, CHAT).turn()
                with toolspan.agent("inner"), toolspan.tool("look"):
                    await Agent(ASYNC, client, CHAT).turn()
                await Agent(ASYNC, client, CHAT).turn()

    with telemetry.on():
        asyncio.run(scenario())
    found = {span.name: span for span in telemetry.spans}
    outer, inner, tool = (
        found[name] for name in ("invoke_agent outer", "invoke_agent inner", "execute_tool look")
    )
    assert inner.parent.span_id == outer.context.span_id
    counts = [
        [span.attributes[f"toolspan.agent.{name}"] for name in ("inference_calls", "tool_calls")]
        for span in (outer, inner)
    ]
    assert counts == [[2, 0], [1, 1]]
    names = [span.attributes["gen_ai.agent.name"] for span in telemetry.spans if span.name == "chat gpt-test"]
    assert names == ["outer", "inner", "outer"]
    for span in (inner, tool):
        assert (span.attributes["gen_ai.conversation.id"], span.attributes["user.id"]) == ("c-1", "u-1")
    assert tool.attributes["gen_ai.agent.name"] == "inner"


def test_agents_in_parallel_tasks_keep_their_names(telemetry: Telemetry) -> None:
    """Each task's requests have the name of its agent."""
    names = [f"agent_{at}" for at in range(5)]
    server = Server(CHAT, **{name: [[], []] for name in names})

    async def one(client: Any, name: str) -> None:
        @toolspan.agent(name)
        async def run() -> None:
            for _ in range(2):
                await Agent(ASYNC, client, CHAT).turn(extra_headers={"x-agent": name}, user=name)
                await asyncio.sleep(0)

        await run()

    async def scenario() -> None:
        async with ASYNC.client(server) as client:
            await asyncio.gather(*(one(client, name) for name in names))

    with telemetry.on():
        asyncio.run(scenario())
    agents = {span.context.span_id: span for span in telemetry.spans if span.name.startswith("invoke_agent")}
    assert len(agents) == 5
    for span in telemetry.spans:
        if span.name == "chat gpt-test":
            assert (
                span.attributes["gen_ai.agent.name"]
                == agents[span.parent.span_id].attributes["gen_ai.agent.name"]
            )


def test_a_frameworks_span_of_the_agent_is_used(telemetry: Telemetry) -> None:
    """There is no second span: the framework's gets the summary, and is neither ended nor failed."""
    tracer = telemetry.tracers.get_tracer("framework")
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "theirs"}
    with (
        telemetry.on(),
        tracer.start_as_current_span("agent run", attributes=attributes, record_exception=False) as outer,
    ):
        with pytest.raises(OopsError), toolspan.agent("ours"), toolspan.tool("look"):
            raise OopsError
        assert outer.is_recording()
        with toolspan.agent("ours"), toolspan.agent("nested"):  # ours is around the second one: it has a span
            pass
    assert [span.name for span in telemetry.spans] == ["execute_tool look", "invoke_agent nested"]
    (theirs,) = [span for span in telemetry.everything_ended if span.name == "agent run"]
    assert theirs.status.status_code is StatusCode.UNSET
    assert theirs.attributes["gen_ai.agent.name"] == "theirs"
    assert theirs.attributes["toolspan.agent.inference_calls"] == 0
    assert sum(point.count for point in telemetry.points("gen_ai.invoke_agent.duration")) == 3


@each_row(
    ("error", "expected"),
    [
        (asyncio.CancelledError, None),
        (KeyboardInterrupt, None),
        (GeneratorExit, None),
        (SystemExit, None),
        (OopsError, "tests.agent_loop.test_invoke_agent.OopsError"),
    ],
)
def test_interruptions_end_the_span_and_are_no_failure(
    error: type[BaseException], expected: str | None
) -> None:
    """Whatever leaves the block ends the span and is raised; only an exception is an error."""
    telemetry = Telemetry()
    with telemetry.on(), pytest.raises(error), toolspan.agent("x"):
        raise error
    attributes = telemetry.span.attributes
    assert (attributes.get("error.type"), attributes.get("toolspan.cancelled")) == (
        expected,
        None if expected else True,
    )


def repeats(calls: int) -> Server:
    """A server whose model makes the same call again and again."""
    return Server(CHAT, only=[[(f"call_{at}", *WEATHER[1:])] for at in range(calls)])


async def turns(agent: Agent, begin: int, count: int) -> None:
    """Turns of an agent that gets the same result each time."""
    for at in range(begin, begin + count):
        await agent.turn((f"call_{at}", *WEATHER[1:]))
        agent.answer(f"call_{at}")


def test_a_runaway_stops_the_agent_at_its_next_act(telemetry: Telemetry) -> None:
    """The next request or tool raises; nothing is sent, an agent inside stops too, and others go on."""
    server = repeats(9)

    @toolspan.tool
    def look() -> None: ...

    @toolspan.tool
    async def look_later() -> None: ...

    async def scenario() -> None:
        async with ASYNC.client(server) as client:
            agent = Agent(ASYNC, client, CHAT)
            with toolspan.agent("stopped", stop_on_runaway=True) as run:
                await turns(agent, 0, 4)
                with pytest.raises(
                    toolspan.AgentStopped, match="'stopped' was stopped: repeat of get_weather, 4"
                ) as x:
                    await agent.turn()
                assert (x.value.runaway.kind, x.value.runaway.agent) == ("repeat", "stopped")
                for act in (look, look_later):
                    with pytest.raises(toolspan.AgentStopped):
                        await drain(act())
                with toolspan.agent("inside"), pytest.raises(toolspan.AgentStopped), toolspan.tool("other"):
                    pass
                run.output = "as far as I came"
            assert len(server.requests) == 4
            look()
            with toolspan.agent("goes on"):
                await turns(agent, 4, 4)

    with telemetry.on():
        asyncio.run(scenario())
    stopped, other = (
        next(span for span in telemetry.spans if span.name == f"invoke_agent {name}")
        for name in ("stopped", "goes on")
    )
    assert [event.name for event in stopped.events] == ["toolspan.runaway"]
    assert stopped.attributes["toolspan.agent.inference_calls"] == 4
    assert stopped.status.status_code is StatusCode.UNSET
    assert [event.attributes["toolspan.runaway.count"] for event in other.events] == [8]


def test_a_stream_that_runs_is_never_stopped(telemetry: Telemetry) -> None:
    """An agent that is stopped reads its open stream to the end."""
    with telemetry.on(), toolspan.agent("x", stop_on_runaway=True):
        client = client_of(script.CALLS)
        stream = client.chat.completions.create(**STREAM)
        next(stream)
        for _ in range(4):
            with pytest.raises(OopsError), toolspan.tool("same"):
                raise OopsError
        assert len(list(stream)) == len(wire.CALLS) - 1
        with pytest.raises(toolspan.AgentStopped):
            client.chat.completions.create(**STREAM)
        client.close()


@each_row(
    ("arguments", "keywords", "error", "message"),
    [
        ((3,), {}, TypeError, "a name or a function, not 3"),
        ((classmethod(len),), {}, TypeError, "a name or a function, not an object of class classmethod"),
        (("a",), {"id": 7}, TypeError, "a str as id, not 7"),
        ((), {"user_id": b"u"}, TypeError, "a str as user_id, not an object of class bytes"),
        (("",), {}, ValueError, "a name that is not empty"),
        (("a",), {"conversation_id": ""}, ValueError, "a conversation_id that is not empty"),
        (("a",), {"stop_on_runaway": 1}, TypeError, "a bool as stop_on_runaway, not 1"),
        (("a",), {"conversation": "c"}, TypeError, "knows no conversation; it takes name, id"),
    ],
)
def test_arguments_that_cannot_work_are_errors(
    arguments: Any, keywords: Any, error: Any, message: str
) -> None:
    """The error names the argument, its value and what is accepted."""
    with pytest.raises(error, match=message):
        toolspan.agent(*arguments, **keywords)


@each_row(("kind", "part"), [(kind, part) for kind in KINDS for part in ("begin", "end")])
def test_a_failure_leaves_the_agents_result(kind: str, part: str) -> None:
    """With any failing part the agent returns its result, and nothing is raised."""
    bare = outcome(kind, "Why?")
    telemetry = Telemetry()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("toolspan.guard.reraise", False)
        patch.setattr(Agents, part, broken)
        with telemetry.on():
            assert outcome(kind, "Why?") == bare


def test_nothing_is_recorded_without_instrumenting(telemetry: Telemetry) -> None:
    """An agent makes no span before instrumenting and after uninstrumenting, and keeps name and kind."""
    with telemetry.on():
        pass
    for kind, run in KINDS.items():
        assert "Why?" in str(asyncio.run(drain(run("Why?"))))
        bare = inspect.unwrap(run)
        assert (run.__name__, run.__doc__) == (kind, bare.__doc__)
    assert telemetry.started == []


def test_content_of_several_arguments_and_messages(telemetry: Telemetry) -> None:
    """Several arguments are an object by their names; messages are recorded as they were at the beginning."""

    class Box:
        @toolspan.agent("box")
        def method(self, question: str, depth: int = 1) -> dict[str, int]:
            return {"depth": depth}

    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    with telemetry.on(capture_message_content="span_only"):
        Box().method("Why?", depth=2)
        with toolspan.agent("messages", input=messages):
            messages.append({"role": "assistant", "content": "So."})
        with pytest.raises(TypeError):
            Box().method()  # type: ignore[call-arg]
    box, talk, wrong = telemetry.spans
    texts = [
        kept.plain(box.attributes[f"gen_ai.{side}.messages"])[0]["parts"][0]["content"]
        for side in ("input", "output")
    ]
    assert texts == ['{"question":"Why?","depth":2}', '{"depth":2}']
    assert [one["role"] for one in kept.plain(talk.attributes["gen_ai.input.messages"])] == ["system", "user"]
    assert "gen_ai.input.messages" not in wrong.attributes
