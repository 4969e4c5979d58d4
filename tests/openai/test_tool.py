"""`toolspan.tool`: executions of every kind of function, as spans and durations, and nothing else changes."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry import trace

import toolspan
from toolspan.otel.execution import Executions

from .faults import broken
from .loops import CHAT, Agent, Clock, Server
from .sdk import ASYNC, SYNC
from .telemetry import Telemetry


class OopsError(Exception):
    """What a tool raises."""


@toolspan.tool
def plain(city: str, *, days: int = 1) -> str:
    """The weather."""
    if city == "nowhere":
        raise OopsError("MARK-error")
    trace.get_tracer("inner").start_span("inner").end()
    return f"MARK-sunny in {city}"


@toolspan.tool("awaited")
async def awaited(city: str, *, days: int = 1) -> str:
    """The same, awaited."""
    await asyncio.sleep(0)
    return plain.__wrapped__(city)  # type: ignore[attr-defined,no-any-return]


@toolspan.tool(description="Several answers.")
def steps(city: str, *, days: int = 1) -> Iterator[str]:
    """The same, in steps."""
    yield "MARK-one"
    yield plain.__wrapped__(city)  # type: ignore[attr-defined]


@toolspan.tool()
async def awaited_steps(city: str, *, days: int = 1) -> AsyncIterator[str]:
    """The same, awaited in steps."""
    yield "MARK-one"
    await asyncio.sleep(0)
    yield plain.__wrapped__(city)  # type: ignore[attr-defined]


async def drain(found: Any) -> Any:
    """What a tool gives, whichever kind it is."""
    if inspect.isasyncgen(found):
        return [item async for item in found]
    if inspect.isgenerator(found):
        return list(found)
    return await found if inspect.isawaitable(found) else found


KINDS = {"plain": plain, "awaited": awaited, "steps": steps, "awaited_steps": awaited_steps}
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
@pytest.mark.parametrize("city", ["Bern", "nowhere"], ids=["returns", "raises"])
def test_one_span(kind: str, city: str, telemetry: Telemetry) -> None:
    """Each execution is a span and a duration; results and errors are what they were."""
    run = KINDS[kind]

    def outcome() -> Any:
        try:
            return asyncio.run(drain(run(city, days=2)))
        except OopsError as error:
            return type(error), error.args

    bare = outcome()
    with telemetry.on():
        assert outcome() == bare
    span = telemetry.span
    assert (span.name, span.kind) == (f"execute_tool {kind}", trace.SpanKind.INTERNAL)
    assert span.attributes["gen_ai.operation.name"] == "execute_tool"
    assert span.attributes.get("gen_ai.tool.description") == ("Several answers." if kind == "steps" else None)
    (point,) = telemetry.points("gen_ai.execute_tool.duration")
    failed = city == "nowhere"
    assert point.attributes.get("error.type") == span.attributes.get("error.type")
    assert (span.attributes.get("error.type") or "").endswith("OopsError") is failed
    assert span.status.is_ok is not failed
    assert [record.event_name for record in telemetry.records] == ["toolspan.execute_tool.exception"] * failed
    assert "MARK" not in str(
        [span.attributes, span.status.description, [r.attributes for r in telemetry.records]]
    )


@every_kind
def test_what_runs_inside(kind: str, telemetry: Telemetry) -> None:
    """Spans that the tool makes are its children; the caller's context is not changed between steps."""
    inner = telemetry.tracers.get_tracer("inner")

    @toolspan.tool
    def made(kind: str) -> Any:
        inner.start_span("inner").end()
        return kind

    @toolspan.tool
    def stepped() -> Iterator[int]:
        for number in range(2):
            inner.start_span("inner").end()
            yield number

    with telemetry.on(), telemetry.tracer.start_as_current_span("application") as outer:
        made(kind)
        for _ in stepped():
            assert trace.get_current_span() is outer
        assert trace.get_current_span() is outer
    parents = {span.context.span_id for span in telemetry.spans}
    inside = [span for span in telemetry.everything_ended if span.name == "inner"]
    assert {span.parent.span_id for span in inside} == parents
    assert {span.parent.span_id for span in telemetry.spans} == {outer.get_span_context().span_id}


@every_kind
def test_the_function_stays_what_it_is(kind: str) -> None:
    """Name, signature, documentation and kind are the function's own."""
    run, bare = KINDS[kind], KINDS[kind].__wrapped__  # type: ignore[attr-defined]
    assert (run.__name__, run.__doc__, inspect.signature(run)) == (
        bare.__name__,
        bare.__doc__,
        inspect.signature(bare),
    )
    for is_kind in (
        inspect.isasyncgenfunction,
        inspect.isgeneratorfunction,
        inspect.iscoroutinefunction,
        inspect.isfunction,
    ):
        assert is_kind(run) is is_kind(bare)
    assert asyncio.run(drain(run("Bern"))) == asyncio.run(drain(bare("Bern")))


def test_generators_are_driven_as_before(telemetry: Telemetry) -> None:
    """`send`, `throw`, `close` and a return value reach the generator and come back."""

    @toolspan.tool
    def talk() -> Any:
        heard = []
        try:
            while len(heard) < 2:
                try:
                    heard.append((yield len(heard)))
                except OopsError as error:
                    heard.append(error.args[0])
        finally:
            heard.append("closed")
        return heard

    with telemetry.on():
        found = talk()
        assert next(found) == 0
        assert found.send("a") == 1
        with pytest.raises(StopIteration) as stop:
            found.throw(OopsError("b"))
        assert stop.value.value == ["a", "b", "closed"]
        left = talk()
        next(left)
        left.close()
        next(talk())
        never = talk()
        del never
    assert len(telemetry.started) == len(telemetry.spans) == 3
    assert all(span.status.is_ok for span in telemetry.spans)


def test_async_generators_are_driven_as_before(telemetry: Telemetry) -> None:
    """The same where it is awaited."""

    @toolspan.tool
    async def talk() -> AsyncIterator[Any]:
        try:
            heard = yield 0
            try:
                yield heard
            except OopsError as error:
                yield error.args[0]
        finally:
            await asyncio.sleep(0)

    async def scenario() -> None:
        found: Any = talk()
        assert await found.asend(None) == 0
        assert await found.asend("a") == "a"
        assert await found.athrow(OopsError("b")) == "b"
        await found.aclose()

    with telemetry.on():
        asyncio.run(scenario())
    assert telemetry.span.status.is_ok


def test_methods_and_other_callables(telemetry: Telemetry) -> None:
    """Methods, static methods, partials and objects that are called like functions."""

    class Box:
        @toolspan.tool
        def method(self, value: int) -> Any:
            return self, value

        @staticmethod
        @toolspan.tool
        def static(value: int) -> int:
            return value

        @classmethod
        @toolspan.tool
        def of_class(cls, value: int) -> Any:
            return cls, value

        def __call__(self, value: int) -> int:
            return value

        async def later(self, value: int) -> int:
            return value

    box = Box()

    def hidden(value: int) -> Any:
        """A coroutine function that does not look like one."""
        return box.later(value)

    with telemetry.on(capture_message_content="span_only"):
        assert box.method(1) == (box, 1)
        assert (box.static(2), Box.of_class(3)) == (2, (Box, 3))
        assert toolspan.tool(functools.partial(plain.__wrapped__, "Bern"))() == "MARK-sunny in Bern"  # type: ignore[attr-defined]
        assert toolspan.tool("called")(box)(4) == 4
        assert asyncio.run(toolspan.tool("hidden")(hidden)(5)) == 5
    names = [span.attributes["gen_ai.tool.name"] for span in telemetry.spans]
    assert names == ["method", "static", "of_class", "partial", "called", "hidden"]
    arguments = [dict(span.attributes["gen_ai.tool.call.arguments"]) for span in telemetry.spans]
    assert arguments == [{"value": 1}, {"value": 2}, {"value": 3}, {}, {"value": 4}, {"value": 5}]
    assert telemetry.spans[-1].attributes["gen_ai.tool.call.result"] == {"output": 5}


WEATHER = ("call_a", "plain", '{"city":"Bern"}')
OTHER = ("call_b", "awaited", '{"city":"Oslo"}')
TWICE = ("call_c", "plain", '{"city":"Oslo"}')


def test_tied_to_its_call(telemetry: Telemetry, clock: Clock) -> None:
    """By its id or, where only one can be meant, by its name; the next request says how long they ran."""

    async def wait(seconds: float) -> None:
        clock.pass_by(seconds)

    async def scenario() -> None:
        async with SYNC.client(Server(CHAT, only=[[WEATHER, OTHER], []])) as client:
            agent = Agent(SYNC, client, CHAT)
            await agent.turn(WEATHER, OTHER)
            with toolspan.tool("awaited", call_id="call_b", arguments={"city": "Oslo"}) as one:
                await wait(1.0)
                plain("Bern")
                await wait(0.5)
                one.result({"weather": "rain"})
            agent.answer("call_a", "call_b")
            await agent.turn()

    with telemetry.on():
        SYNC.run(scenario())
    asked, first, second, answer = telemetry.spans
    assert [span.attributes["gen_ai.tool.call.id"] for span in (first, second)] == ["call_a", "call_b"]
    for span, identity in ((first, "call_a"), (second, "call_b")):
        (link,) = span.links
        assert link.context.span_id == asked.context.span_id
        assert link.attributes == {"toolspan.link": "executes", "toolspan.tool_call.ids": (identity,)}
    told = {name: answer.attributes[f"toolspan.loop.execution.{name}"] for name in ("sum", "wall", "saved")}
    assert told == pytest.approx({"sum": 1.5, "wall": 1.5, "saved": 0.0})


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_parallel(telemetry: Telemetry, clock: Clock) -> None:
    """Executions at the same time are seen as such: their sum against the clock."""
    gate: list[Any] = []

    @toolspan.tool
    async def held(name: str) -> str:
        await gate[0].wait()
        return name

    calls = [(f"call_{at}", "held", f'{{"name": "{at}"}}') for at in range(3)]

    async def scenario() -> None:
        gate.append(asyncio.Event())
        async with ASYNC.client(Server(CHAT, only=[calls, []])) as client:
            agent = Agent(ASYNC, client, CHAT)
            await agent.turn(*calls)
            tasks = [asyncio.ensure_future(held(str(at))) for at in range(3)]
            await asyncio.sleep(0)
            clock.pass_by(2.0)
            gate[0].set()
            await asyncio.gather(*tasks)
            agent.answer(*(identity for identity, _, _ in calls))
            await agent.turn()

    with telemetry.on():
        asyncio.run(scenario())
    answer = telemetry.spans[-1]
    told = {name: answer.attributes[f"toolspan.loop.execution.{name}"] for name in ("sum", "wall", "saved")}
    assert told == pytest.approx({"sum": 6.0, "wall": 2.0, "saved": 4.0})
    for span in telemetry.spans[1:-1]:
        (link,) = span.links
        assert link.context.span_id == telemetry.spans[0].context.span_id


def test_doubt(telemetry: Telemetry) -> None:
    """Calls of one name from different agents: without an id none of them is taken."""

    async def scenario() -> None:
        async with SYNC.client(Server(CHAT, only=[[WEATHER], [TWICE]])) as client:
            await Agent(SYNC, client, CHAT).turn(WEATHER)
            await Agent(SYNC, client, CHAT).turn(TWICE)
            plain("Bern")
            with toolspan.tool("plain", call_id="unknown"):
                pass

    with telemetry.on():
        SYNC.run(scenario())
    for span, identity in zip(telemetry.spans[2:], (None, "unknown"), strict=True):
        assert (span.attributes.get("gen_ai.tool.call.id"), span.links) == (identity, ())


@pytest.mark.parametrize("mode", ["no_content", "span_only", "event_only"])
@every_kind
def test_content(kind: str, mode: str, telemetry: Telemetry) -> None:
    """Arguments and results are recorded where content is captured, and only there."""
    with telemetry.on(capture_message_content=mode):
        asyncio.run(drain(KINDS[kind]("MARK-city")))
    attributes = telemetry.span.attributes
    if mode == "span_only":
        assert attributes["gen_ai.tool.call.arguments"] == {"city": "MARK-city"}
        assert "MARK-sunny in MARK-city" in str(attributes["gen_ai.tool.call.result"])
    else:
        assert "MARK" not in str(dict(attributes))


def test_a_decorated_function_within(telemetry: Telemetry) -> None:
    """Within the context manager of the same tool, the decorated function is the same execution."""
    with telemetry.on(capture_message_content="span_only"), toolspan.tool("plain", call_id="call_x"):
        assert plain("Bern", days=3) == "MARK-sunny in Bern"
    attributes = telemetry.span.attributes
    assert attributes["gen_ai.tool.call.id"] == "call_x"
    assert attributes["gen_ai.tool.call.arguments"] == {"city": "Bern", "days": 3}
    assert attributes["gen_ai.tool.call.result"] == {"output": "MARK-sunny in Bern"}


def test_cancelled(telemetry: Telemetry) -> None:
    """A task that is cancelled ends its span with the error, and is cancelled."""

    @toolspan.tool
    async def forever() -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        task = asyncio.ensure_future(forever())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with telemetry.on():
        asyncio.run(scenario())
    assert telemetry.span.attributes["error.type"] == "asyncio.exceptions.CancelledError"


@pytest.mark.parametrize("part", ["begin", "end", "arguments", "result"])
@every_kind
def test_what_fails_costs_nothing(
    kind: str, part: str, telemetry: Telemetry, guarded: None, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """Whatever of ours raises, the tool gives what it gave, and there is one warning."""
    monkeypatch.setattr(Executions, part, broken)
    with telemetry.on(capture_message_content="span_only"):
        found = asyncio.run(drain(KINDS[kind]("Bern")))
        with toolspan.tool("other", arguments={"a": 1}) as other:
            other.result(1)
    assert found == asyncio.run(drain(KINDS[kind].__wrapped__("Bern")))  # type: ignore[attr-defined]
    assert len([record for record in caplog.records if record.name == "toolspan"]) == 1


def test_off(telemetry: Telemetry) -> None:
    """Before and after instrumenting nothing is told."""
    plain("Bern")
    with telemetry.on():
        pass
    plain("Bern")
    with toolspan.tool("x") as nothing:
        nothing.result(1)
    assert telemetry.started == []
