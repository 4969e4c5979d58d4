"""Tools of every kind of function, all of which do the same; nothing here is a test."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry import trace

import toolspan


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
