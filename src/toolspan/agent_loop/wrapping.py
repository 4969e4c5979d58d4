"""Wrap functions of every kind, so that an observer follows each execution.

Arguments, results and errors pass unchanged. An observer raises nothing.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from typing import Any, Protocol

from ..guard import is_coroutine
from ..user_context import enter, leave


class Observer(Protocol):
    """An observer of one execution; none of its methods raises."""

    context: Any
    """The context that is attached while the function runs; it has the execution's span."""

    def step(self, value: Any) -> None:
        """Take a value that a generator yields."""

    def end(self, error: BaseException | None, result: Any = None) -> None:
        """End the execution."""


Begin = Callable[[tuple[Any, ...], dict[str, Any]], "Observer | None"]
"""Called with the arguments; returns the observer of the execution, or `None` if nothing is recorded.

It may raise, which stops the function before it runs.
"""


_START: tuple[Any, ...] = (None,)  # what the first `send` takes


def wrap(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    """Return a wrapper of the same kind as the function, with its name, signature and documentation."""
    # An object with a `__call__` of that kind: `inspect` looks only at functions.
    call = getattr(function, "__call__", None)  # noqa: B004 - the method is inspected, not called
    for is_kind, make in (
        (inspect.isasyncgenfunction, _async_generator),
        (inspect.isgeneratorfunction, _generator),
        (inspect.iscoroutinefunction, _coroutine),
    ):
        if is_kind(function) or is_kind(call):
            return make(function, begin)
    return _function(function, begin)


def _function(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    @functools.wraps(function, updated=())  # the attributes of a callable object are its own state
    def run(*args: Any, **kwargs: Any) -> Any:
        observer = begin(args, kwargs)
        if observer is None:
            return function(*args, **kwargs)
        result = _called(function, args, kwargs, observer)
        # A coroutine function behind another decorator is a plain function for `inspect`.
        if is_coroutine(result):
            return awaited(result, observer)
        observer.end(None, result)
        return result

    return run


def _called(function: Callable[..., Any], args: Any, kwargs: Any, observer: Observer) -> Any:
    token = enter(observer.context)
    try:
        return function(*args, **kwargs)
    except BaseException as error:  # KeyboardInterrupt, too: the span must end
        observer.end(error)
        raise
    finally:
        leave(token)


def _coroutine(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    @functools.wraps(function, updated=())
    async def run(*args: Any, **kwargs: Any) -> Any:
        # The coroutine comes first, as the generators below: a call with wrong arguments never runs.
        coroutine = function(*args, **kwargs)
        try:
            observer = begin(args, kwargs)
        except BaseException:  # the agent is stopped: the coroutine never runs
            coroutine.close()
            raise
        return await (coroutine if observer is None else awaited(coroutine, observer))

    return run


async def awaited(coroutine: Any, observer: Observer) -> Any:
    """Await a coroutine in the context of its execution."""
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
        source = function(*args, **kwargs)
        observer = begin(args, kwargs)
        return (yield from source) if observer is None else (yield from _steps(source, observer))

    return run


def _steps(source: Any, observer: Observer) -> Generator[Any, Any, Any]:
    """Yield the items of a generator, with the context attached only while the generator itself runs."""
    # Written out instead of `yield from`: between two items the reader's code runs, whose spans would
    # become children of the execution. `act` is what the reader did last: `send`, `throw` or `close`.
    act, sent, left = source.send, _START, False
    while True:
        token = enter(observer.context)
        try:
            item = act(*sent)
        except StopIteration as stop:
            observer.end(None, stop.value)
            return stop.value
        except BaseException as error:
            observer.end(error)
            raise
        finally:
            leave(token)
        if left:  # a reader that needs no more items is no error of the tool
            observer.end(None)
            raise GeneratorExit
        observer.step(item)
        try:
            act, sent = source.send, ((yield item),)
        except GeneratorExit:
            act, sent, left = source.close, (), True
        except BaseException as error:
            act, sent = source.throw, (error,)


def _async_generator(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    # As `_steps`; async generators have no `yield from`, so that the case without observer is here, too.
    @functools.wraps(function, updated=())
    async def run(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        source = function(*args, **kwargs)
        observer = begin(args, kwargs) or _NoObserver
        act, sent, left = source.asend, _START, False
        while True:
            token = enter(observer.context)
            try:
                item = await act(*sent)
            except StopAsyncIteration:
                observer.end(None)
                return
            # Also where the tool's own clean-up raises, is cancelled or yields.
            # That asyncio closes the tool at the end of its loop is no error.
            except BaseException as error:
                observer.end(None if issubclass(type(error), GeneratorExit) else error)
                raise
            finally:
                leave(token)
            if left:
                observer.end(None)
                raise GeneratorExit
            observer.step(item)
            try:
                act, sent = source.asend, ((yield item),)
            except GeneratorExit:
                act, sent, left = source.aclose, (), True
            except BaseException as error:
                act, sent = source.athrow, (error,)

    return run


class _NoObserver:
    """An observer of an execution that is not recorded."""

    context: Any = None

    @staticmethod
    def step(value: Any) -> None:
        """Do nothing."""

    @staticmethod
    def end(error: BaseException | None, result: Any = None) -> None:
        """Do nothing."""


class Block:
    """A context manager that is entered with `async with`, too; it never waits."""

    async def __aenter__(self) -> Any:
        return self.__enter__()  # type: ignore[attr-defined]  # of the derived class

    async def __aexit__(self, *args: object) -> None:
        self.__exit__(*args)  # type: ignore[attr-defined]


def name_of(function: Any) -> str:
    """Return the name of a function; a `partial` or another callable object has that of its class."""
    return getattr(function, "__name__", None) or type(function).__name__


def arguments_of(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments by their names, without `self` or `cls`; empty for a wrong call."""
    try:
        bound = dict(inspect.signature(function).bind(*args, **kwargs).arguments)
    except TypeError:  # the function itself raises it next, for the application
        return {}
    return {name: value for name, value in bound.items() if name not in ("self", "cls")}
