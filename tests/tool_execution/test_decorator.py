"""`toolspan.tool`: a span and a duration per execution of each kind of function; nothing else changes."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry import trace

import toolspan

from ..otel import kept
from ..sdk.telemetry import Telemetry
from ..table import each_row


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
def test_each_execution_is_a_span_and_a_duration(kind: str, city: str, telemetry: Telemetry) -> None:
    """Results and errors of a tool are unchanged."""
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
    assert [record.event_name for record in telemetry.records] == ["gen_ai.execute_tool.exception"] * failed
    assert "MARK" not in str(
        [span.attributes, span.status.description, [r.attributes for r in telemetry.records]]
    )


@every_kind
def test_a_decorated_function_keeps_name_signature_and_kind(kind: str) -> None:
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


def test_methods_partials_and_callable_objects_are_tools(telemetry: Telemetry) -> None:
    """Methods, static methods, partials and callable objects make spans."""

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
    arguments = [kept.plain(span.attributes["gen_ai.tool.call.arguments"]) for span in telemetry.spans]
    assert arguments == [{"value": 1}, {"value": 2}, {"value": 3}, {}, {"value": 4}, {"value": 5}]
    assert kept.plain(telemetry.spans[-1].attributes["gen_ai.tool.call.result"]) == {"output": 5}


@each_row(
    ("arguments", "keywords", "message"),
    [
        ((3,), {}, "a name or a function, not 3"),
        ((classmethod(len),), {}, "a name or a function, not an object of class classmethod"),
        (("f",), {"call_id": 7}, "a str as call_id, not 7"),
        ((), {"description": b"d"}, "a str as description, not an object of class bytes"),
    ],
    ids=["no name", "classmethod", "call_id", "description"],
)
def test_arguments_that_cannot_work_are_errors(arguments: Any, keywords: Any, message: str) -> None:
    """The error names the argument, its value and what is accepted."""
    with pytest.raises(TypeError, match=message):
        toolspan.tool(*arguments, **keywords)
