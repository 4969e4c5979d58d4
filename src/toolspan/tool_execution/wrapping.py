"""Running functions of every kind with a look at their beginning, their steps and their end.

The function's arguments, results and errors pass through as they are; whatever a look raises is reported and
costs nothing. It knows nothing of what is told of an execution.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any, Protocol

from ..guard import is_coroutine
from ..user_context import enter, leave


class Observer(Protocol):
    """What follows one execution; none of its methods raises."""

    context: Any
    """What is current while the function runs."""

    def step(self, value: Any) -> None:
        """A generator gave this."""

    def end(self, error: BaseException | None, result: Any = None) -> None:
        """It is over."""


Begin = Callable[[tuple[Any, ...], dict[str, Any]], "Observer | None"]
"""Sees the arguments; gives what follows the execution, or `None` if nobody wants to know."""


def wrap(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    """The function, followed: of the same kind, with the same name, signature and documentation."""
    call = getattr(function, "__call__", None)  # noqa: B004 - of an object that is called like a function
    for is_kind, make in (
        (inspect.isasyncgenfunction, _async_generator),
        (inspect.isgeneratorfunction, _generator),
        (inspect.iscoroutinefunction, _coroutine),
    ):
        if is_kind(function) or is_kind(call):
            return make(function, begin)
    return _function(function, begin)


def _function(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    @functools.wraps(function, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        observer = begin(args, kwargs)
        if observer is None:
            return function(*args, **kwargs)
        token = enter(observer.context)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            observer.end(error)
            raise
        finally:
            leave(token)
        if is_coroutine(result):  # of a coroutine function that another decorator hides
            return _awaited(result, observer)
        observer.end(None, result)
        return result

    return run


def _coroutine(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    @functools.wraps(function, updated=())
    async def run(*args: Any, **kwargs: Any) -> Any:
        observer = begin(args, kwargs)
        if observer is None:
            return await function(*args, **kwargs)
        return await _awaited(function(*args, **kwargs), observer)

    return run


async def _awaited(coroutine: Any, observer: Observer) -> Any:
    token = enter(observer.context)
    try:
        result = await coroutine
    except BaseException as error:
        observer.end(error)
        raise
    finally:
        leave(token)
    observer.end(None, result)
    return result


def _generator(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    @functools.wraps(function, updated=())
    def run(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        observer = begin(args, kwargs)
        source = function(*args, **kwargs)
        return (yield from source) if observer is None else (yield from _steps(source, observer))

    return run


def _steps(source: Any, observer: Observer) -> Generator[Any, Any, Any]:
    """The items of a generator; the context is current only while the generator itself runs."""
    act, sent = source.send, None
    while True:
        token = enter(observer.context)
        try:
            item = act(sent)
        except StopIteration as stop:
            observer.end(None, stop.value)
            return stop.value
        except BaseException as error:
            observer.end(error)
            raise
        finally:
            leave(token)
        observer.step(item)
        try:
            act, sent = source.send, (yield item)
        except GeneratorExit:
            _close(source, observer)
            raise
        except BaseException as error:
            act, sent = source.throw, error


def _close(source: Any, observer: Observer) -> None:
    """Whoever reads it wants no more: that is no error of the tool's."""
    try:
        source.close()
    except BaseException as error:
        observer.end(error)
        raise
    observer.end(None)


def _async_generator(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    @functools.wraps(function, updated=())
    async def run(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        observer = begin(args, kwargs)
        source, act, sent = function(*args, **kwargs), "asend", None
        while True:
            token = enter(observer.context if observer is not None else None)
            try:
                item = await getattr(source, act)(sent)
            except StopAsyncIteration:
                _report_end(observer, None)
                return
            except BaseException as error:
                _report_end(observer, error)
                raise
            finally:
                leave(token)
            if observer is not None:
                observer.step(item)
            try:
                act, sent = "asend", (yield item)
            except GeneratorExit:
                await source.aclose()
                _report_end(observer, None)
                raise
            except BaseException as error:
                act, sent = "athrow", error

    return run


def _report_end(observer: Observer | None, error: BaseException | None) -> None:
    if observer is not None:
        observer.end(error)
