"""Functions that are stages: what they take as a stream is read, what they return or yield is handed on.

They stay functions of the same kind; their arguments, results and errors pass as they are. What is told of a
stage is in `runs.py`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, cast

from . import drops
from .guard import is_coroutine, report
from .otel.stages import Route
from .passing import passing, run_of
from .runs import Run, begin
from .wire.outcome import End

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
Begin = Callable[[Route | None, Run | None], Run | None]
"""Begins a stage: its route, if that is known, and the stage before it in this process."""


def staged(function: Callable[..., Any], name: str, reads: str | None, route: Any, every: int | None) -> Any:
    """The function, each call of which is a stage; see `toolspan.stage` for the rest."""

    def start(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Run | None, Arguments]:
        where = _where(function, reads, args, kwargs)
        stream = None if where is None else (args[where] if isinstance(where, int) else kwargs[where])
        run = begin(name, _route(route, args, kwargs), run_of(stream), every)
        if run is None or where is None:
            return run, (args, kwargs)
        run.reading()
        watched = passing(stream, run, given=False)
        if isinstance(where, int):
            return run, ((*args[:where], watched, *args[where + 1 :]), kwargs)
        return run, (args, {**kwargs, where: watched})

    @functools.wraps(function, updated=())
    def within(*args: Any, **kwargs: Any) -> Any:
        run, (args, kwargs) = start(args, kwargs)
        if run is None:
            return function(*args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            drops.finish(run, error)
            raise
        return _given_later(result, run) if is_coroutine(result) else given(result, run)

    @functools.wraps(function, updated=())
    async def later(*args: Any, **kwargs: Any) -> Any:
        return await within(*args, **kwargs)

    return later if inspect.iscoroutinefunction(function) else within


def given(result: Any, run: Run) -> Any:
    """What the stage hands on, watched."""
    watched = passing(result, run, given=True)
    if watched is result:  # nothing that can be followed
        drops.finish(run, End.EXHAUSTED)
    return watched


async def _given_later(coroutine: Any, run: Run) -> Any:
    try:
        return given(await coroutine, run)
    except BaseException as error:
        drops.finish(run, error)
        raise


def _route(route: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Route | None:
    try:
        found = route(*args, **kwargs) if callable(route) else route
        return found if isinstance(found, Route) else None
    except Exception as error:
        report("finding the route of a stream", error)
        return None


def _where(
    function: Any, name: str | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> int | str | None:
    try:
        return _stream_at(function, name, args, kwargs)
    except Exception as error:
        report("finding the stream that a stage reads", error)
        return None


def _stream_at(
    function: Any, name: str | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> int | str | None:
    """Where the stream is among the arguments: the named one, else the first iterator or async iterable."""
    if name is not None:
        if name in kwargs:
            return name
        parameters = list(inspect.signature(function).parameters)
        at = parameters.index(name)
        return at if at < len(args) else None
    for wanted in (("__next__", "__anext__"), ("__aiter__",)):
        for where, value in (*enumerate(args), *kwargs.items()):
            if any(hasattr(type(value), each) for each in wanted):
                return cast("int | str", where)
    return None
