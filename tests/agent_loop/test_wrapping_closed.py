"""A generator tool that is left early: its clean-up runs within its span, which ends once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import toolspan
from toolspan.otel import semconv as names

from ..sdk.telemetry import Telemetry
from ..tool_execution.test_decorator import OopsError


def _raises() -> None:
    raise OopsError


def _is_cancelled() -> None:
    raise asyncio.CancelledError


CLEANUPS: dict[str, tuple[Callable[[], None], str | None]] = {
    "nothing": (lambda: None, None),
    "raises": (_raises, "tests.tool_execution.test_decorator.OopsError"),
    "is-cancelled": (_is_cancelled, "asyncio.exceptions.CancelledError"),
}
cleanups = pytest.mark.parametrize(("act", "expected"), CLEANUPS.values(), ids=CLEANUPS)


def stepped(act: Callable[[], None]) -> Any:
    """Yield twice, and clean up within a span."""
    try:
        yield 1
        yield 2
    finally:
        with _tracer.start_as_current_span("cleanup"):
            act()


async def astepped(act: Callable[[], None]) -> Any:
    """Do the same with an await."""
    try:
        yield 1
        yield 2
    finally:
        with _tracer.start_as_current_span("cleanup"):
            await asyncio.sleep(0)
            act()


_tracer: Any = None


@pytest.fixture(autouse=True)
def _traced(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "_tracer", telemetry.tracers.get_tracer("cleanup"))


def check(telemetry: Telemetry, expected: str | None) -> None:
    """The clean-up's span is a child of the tool's, which has ended once with this error."""
    (span,) = telemetry.spans
    (cleanup,) = [span for span in telemetry.everything_ended if span.name == "cleanup"]
    assert cleanup.parent.span_id == span.context.span_id
    assert cleanup.end_time <= span.end_time
    found = span.attributes.get("error.type")
    cancelled = bool(expected) and expected.endswith("CancelledError")  # is no failure of the tool
    assert span.attributes.get(names.CANCELLED, False) is cancelled
    wanted = None if cancelled else expected
    assert (found and found.rpartition(".")[2]) == (wanted and wanted.rpartition(".")[2])


def outcome(act: Callable[[], Any]) -> Any:
    """Return what a function returns, or the type of what it raises."""
    try:
        return act()
    except BaseException as error:
        return type(error)


def _close(generator: Any) -> Any:
    next(generator)
    return generator.close()


def _throw(generator: Any) -> Any:
    next(generator)
    return generator.throw(GeneratorExit)


def _break(generator: Any) -> Any:
    for _ in generator:
        break
    return generator.close()


@cleanups
@pytest.mark.parametrize("leave", [_close, _throw, _break], ids=lambda leave: leave.__name__)
def test_cleanup_of_a_generator_is_inside_its_span(
    leave: Callable[[Any], Any], act: Callable[[], None], expected: str | None, telemetry: Telemetry
) -> None:
    """However a generator is left, the reader sees the same as without the decorator."""
    with telemetry.on():
        seen = outcome(lambda: leave(toolspan.tool(stepped)(act)))
    check(telemetry, expected)
    assert seen == outcome(lambda: leave(stepped(act)))


async def _aclose(generator: Any) -> Any:
    async for _ in generator:
        break
    return await generator.aclose()


async def _athrow(generator: Any) -> Any:
    await generator.__anext__()
    return await generator.athrow(GeneratorExit)


async def _cancel(generator: Any) -> Any:
    async def read() -> None:
        async for _ in generator:
            await asyncio.sleep(9)

    task = asyncio.ensure_future(read())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return await generator.aclose()


@cleanups
@pytest.mark.parametrize("leave", [_aclose, _athrow, _cancel], ids=lambda leave: leave.__name__)
def test_cleanup_of_an_async_generator_is_inside_its_span(
    leave: Callable[[Any], Any], act: Callable[[], None], expected: str | None, telemetry: Telemetry
) -> None:
    """However an async generator is left, its span ends, and the reader sees the same."""
    with telemetry.on():
        seen = outcome(lambda: asyncio.run(leave(toolspan.tool(astepped)(act))))
    check(telemetry, expected)
    assert seen == outcome(lambda: asyncio.run(leave(astepped(act))))


def test_an_async_generator_that_asyncio_closes_has_ended(telemetry: Telemetry) -> None:
    """A reader that only breaks leaves the clean-up to asyncio, in a context of its own."""

    async def left() -> None:
        async for _ in toolspan.tool(astepped)(lambda: None):
            break

    with telemetry.on():
        asyncio.run(left())
    check(telemetry, None)


def _stubborn() -> Any:
    try:
        yield 1
    finally:
        yield 2


def test_a_generator_that_yields_although_it_is_closed_has_failed(telemetry: Telemetry) -> None:
    """A clean-up that yields is an error for the reader as without the decorator, and the span ends."""
    with telemetry.on():
        seen = outcome(lambda: _close(toolspan.tool(_stubborn)()))
    assert seen is outcome(lambda: _close(_stubborn())) is RuntimeError
    assert [span.attributes["error.type"] for span in telemetry.spans] == ["RuntimeError"]


def test_generators_that_are_not_traced_are_closed_too(telemetry: Telemetry) -> None:
    """Without instrumentation, the clean-up runs and its error reaches the reader."""
    assert outcome(lambda: _close(toolspan.tool(stepped)(_raises))) is OopsError
    assert outcome(lambda: asyncio.run(_aclose(toolspan.tool(astepped)(_raises)))) is OopsError
    assert asyncio.run(_aclose(toolspan.tool(_ended)())) is None
    assert telemetry.spans == []


async def _ended() -> Any:
    yield 1
