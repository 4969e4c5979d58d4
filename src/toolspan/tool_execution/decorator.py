"""`toolspan.tool`: a decorator and context manager for the application's tools."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar, overload

from ..agent_loop.wrapping import Block, arguments_of, name_of, wrap
from ..guard import shown
from ..user_context import enter, leave
from .execution import Observer, begin

F = TypeVar("F", bound=Callable[..., Any])

# The context manager around the running code: a decorated function inside of it may be the same execution.
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
    """Record each execution of a tool as a span; a decorator with or without arguments, or a context manager.

    ```python
    @toolspan.tool
    async def get_weather(city: str) -> str: ...

    with toolspan.tool(call.function.name, call_id=call.id) as execution:
        execution.result(run(call))
    ```

    Each execution is a span `execute_tool {name}` of kind INTERNAL, and a value of
    `gen_ai.execute_tool.duration` in seconds (GenAI conventions, "Execute tool span"). The span is linked to
    the span of the answer that called the tool: by `call_id`, the call's id; without one by the tool's name
    and, among several such calls, by the arguments, as long as only one answer can be meant.

    `name` is the tool's name, by default the function's. `description` is recorded as it is; `arguments` and
    results only where content is captured. Functions may be sync or async, plain or generators. Their errors
    are recorded and raised unchanged. Without `instrument()` nothing is recorded. Raises `TypeError` for a
    name that is neither text nor a function, and for a `call_id` or `description` that is no text.
    """
    for what, value in (("call_id", call_id), ("description", description)):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"toolspan: tool() takes a str as {what}, not {shown(value)}")
    if name is None or isinstance(name, str):  # else `@tool` without parentheses: the name is the function
        return Tool(name, call_id, arguments, description)
    return Tool(None, call_id, arguments, description)(name)


@dataclass(eq=False, repr=False)
class Tool(Block):
    """The result of `tool()`: a context manager to enter once, or a decorator of functions."""

    name: str | None
    _call_id: str | None
    _arguments: Mapping[str, Any] | None
    _description: str | None
    _observer: Observer | None = field(default=None, init=False)
    _tokens: tuple[Any, Token[Tool | None] | None] = field(default=(None, None), init=False)

    def __call__(self, function: F) -> F:
        """Return the function, wrapped so that each of its calls is an execution.

        Raise `TypeError` for an object that cannot be called, such as the result of `classmethod`.
        """
        if not callable(function):
            raise TypeError(f"toolspan: tool() takes a name or a function, not {shown(function)}")
        name = self.name or name_of(function)
        made: Any = wrap(function, functools.partial(self._begin, name, function))
        return made  # type: ignore[no-any-return]  # a wrapper of the function's own type

    def _begin(
        self, name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Observer | None:
        arguments = functools.partial(arguments_of, function, args, kwargs)
        observer = _shared(name) or begin(name, self._call_id, self._description, arguments)
        # Binding arguments to names takes time: only where they are recorded.
        if observer is not None and observer.captures:
            observer.arguments(arguments)
        return observer

    @property
    def observer(self) -> Observer | None:
        """The execution that is running; `None` if nothing is recorded."""
        return self._observer

    def result(self, value: Any) -> None:
        """Set the tool's result; recorded only where content is captured."""
        if self._observer is not None:
            self._observer.result = value

    def __enter__(self) -> Tool:  # noqa: PYI034 - not for derived classes
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
        for token in self._tokens:
            leave(token)
        if self._observer is not None:
            self._observer.end(error, self._observer.result)


def _shared(name: str) -> Observer | None:
    """Return an observer of the execution that runs around a call of this tool; `None` if there is none."""
    # `with tool("f")` around a decorated `f` is one execution; a second call of `f` is another one.
    outer = _current.get()
    if outer is None or outer.name != name or outer.observer is None or outer.observer.shared:
        return None
    return outer.observer.share()
