"""`tool`: the application's own tools, each execution a span that is tied to the call it answers.

How functions are run is decided in `running.py`, what is told of it in `looks.py`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, TypeVar, overload

from ..user_context import enter, leave
from .execution import Observer, begin
from .wrapping import wrap

F = TypeVar("F", bound=Callable[..., Any])

_current: ContextVar[Tool | None] = ContextVar("toolspan_tool", default=None)


@overload
def tool(name: F, /) -> F: ...


@overload
def tool(
    name: str | None = None,
    /,
    *,
    call_id: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    description: str | None = None,
) -> Tool: ...


def tool(
    name: Any = None,
    /,
    *,
    call_id: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    description: str | None = None,
) -> Any:
    """Follow the execution of a tool: a decorator, with or without arguments, or a context manager.

    ```python
    @toolspan.tool
    async def get_weather(city: str) -> str: ...

    with toolspan.tool(call.function.name, call_id=call.id) as execution:
        execution.result(run(call))
    ```

    Each execution is an `execute_tool {name}` span, kind INTERNAL, and a record of
    `gen_ai.execute_tool.duration` in seconds (GenAI conventions, "Execute tool span"). The span is linked to
    the one of the model's answer that asked for it: by `call_id`, the id of the call; without one by the
    tool's name and, of several such calls, by the arguments, as long as only one answer can be meant.

    `name` is the tool's, for functions their own by default; `description` is recorded as it is. `arguments`
    and results are recorded only where content is captured. Functions may be sync or async, plain or
    generators; errors are recorded and raised again as they are. Nothing of toolspan's is raised, and without
    `instrument()` nothing happens at all.
    """
    if name is None or isinstance(name, str):
        return Tool(name, call_id, arguments, description)
    return Tool(None, None, None, None)(name)


class Tool:
    """What `tool` returns: enter it once, or decorate functions with it."""

    def __init__(
        self,
        name: str | None,
        call_id: str | None,
        arguments: Mapping[str, Any] | None,
        description: str | None,
    ) -> None:
        self.name = name
        self._call_id = call_id
        self._arguments = arguments
        self._description = description
        self._observer: Observer | None = None
        self._tokens: tuple[Any, Token[Tool | None] | None] = (None, None)

    def __call__(self, function: F) -> F:
        """Decorate a function."""
        name = self.name or getattr(function, "__name__", None) or type(function).__name__
        made: Any = wrap(function, functools.partial(self._begin, name, function))
        return made  # type: ignore[no-any-return]  # of the function's own type, as far as anyone can see

    def _begin(
        self, name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Observer | None:
        outer, arguments = _current.get(), functools.partial(_named, function, args, kwargs)
        if (
            outer is not None
            and outer.name == name
            and outer.observer is not None
            and not outer.observer.shared
        ):
            observer: Observer | None = outer.observer.share()
        else:
            observer = begin(name, self._call_id, self._description, arguments)
        if observer is not None and observer.captures:
            observer.arguments(arguments)
        return observer

    @property
    def observer(self) -> Observer | None:
        """The execution that is going on; `None` if nobody wants to know."""
        return self._observer

    def result(self, value: Any) -> None:
        """Say what the tool gave; recorded only where content is captured."""
        if self._observer is not None:
            self._observer.result = value

    def __enter__(self) -> Tool:  # noqa: PYI034 - nobody derives from it
        value = self._arguments
        self._observer = begin(self.name or "tool", self._call_id, self._description, lambda: value)
        if self._observer is not None:
            if value is not None and self._observer.captures:
                self._observer.arguments(lambda: value)
            self._tokens = (enter(self._observer.context), _current.set(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        token, outer = self._tokens
        leave(token)
        leave(outer)
        if self._observer is not None:
            self._observer.end(error, self._observer.result)

    async def __aenter__(self) -> Tool:  # noqa: PYI034 - nobody derives from it
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


def _named(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by their names, without the object that a method belongs to; none of a wrong call."""
    try:
        bound = dict(inspect.signature(function).bind(*args, **kwargs).arguments)
    except TypeError:  # which the function itself will raise
        return {}
    return {name: value for name, value in bound.items() if name not in ("self", "cls")}
