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
from .execution import Look, begin
from .wrapping import wrap

F = TypeVar("F", bound=Callable[..., Any])

_inside: ContextVar[Tool | None] = ContextVar("toolspan_tool", default=None)


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
        self._look: Look | None = None
        self._tokens: tuple[Any, Token[Tool | None] | None] = (None, None)

    def __call__(self, function: F) -> F:
        """Decorate a function."""
        name = self.name or getattr(function, "__name__", None) or type(function).__name__
        made: Any = wrap(function, functools.partial(self._begin, name, function))
        return made  # type: ignore[no-any-return]  # of the function's own type, as far as anyone can see

    def _begin(self, name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Look | None:
        outer, arguments = _inside.get(), functools.partial(_named, function, args, kwargs)
        if outer is not None and outer.name == name and outer.look is not None and not outer.look.shared:
            look: Look | None = outer.look.share()
        else:
            look = begin(name, self._call_id, self._description, arguments)
        if look is not None and look.captures:
            look.arguments(arguments)
        return look

    @property
    def look(self) -> Look | None:
        """The execution that is going on; `None` if nobody wants to know."""
        return self._look

    def result(self, value: Any) -> None:
        """Say what the tool gave; recorded only where content is captured."""
        if self._look is not None:
            self._look.gave = value

    def __enter__(self) -> Tool:  # noqa: PYI034 - nobody derives from it
        given = self._arguments
        self._look = begin(self.name or "tool", self._call_id, self._description, lambda: given)
        if self._look is not None:
            if given is not None and self._look.captures:
                self._look.arguments(lambda: given)
            self._tokens = (enter(self._look.context), _inside.set(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        token, inside = self._tokens
        leave(token)
        leave(inside)
        if self._look is not None:
            self._look.end(error, self._look.gave)

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
