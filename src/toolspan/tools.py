"""`tool`: the application's own tools, each execution a span that is tied to the call it answers.

What an execution is, is decided in `otel/execution.py`; how functions are run, in `running.py`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, TypeVar, overload

from .guard import report
from .otel.current import enter, leave
from .otel.execution import Execution, Executions
from .running import wrap

F = TypeVar("F", bound=Callable[..., Any])

_MOST_STEPS = 100  # of what a generator gives, for those who capture content
_executions: Executions | None = None
_inside: ContextVar[Tool | None] = ContextVar("toolspan_tool", default=None)


def use(executions: Executions | None) -> None:
    """Where executions are told from now on; nowhere without any."""
    global _executions
    _executions = executions


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
    tool's name, as long as only one open call can be meant. `name` is the tool's, for functions their own by
    default; `description` is recorded as it is. `arguments` and results are recorded only where content is
    captured. Functions may be sync or async, plain or generators; errors are recorded and raised again as
    they are. Nothing of toolspan's is raised, and without `instrument()` nothing happens at all.
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
        self._look: _Look | None = None
        self._tokens: tuple[Any, Token[Tool | None] | None] = (None, None)

    def __call__(self, function: F) -> F:
        """Decorate a function."""
        name = self.name or getattr(function, "__name__", None) or type(function).__name__
        made: Any = wrap(function, functools.partial(self._begin, name, function))
        return made  # type: ignore[no-any-return]  # of the function's own type, as far as anyone can see

    def _begin(self, name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Look | None:
        outer = _inside.get()
        if outer is not None and outer.name == name and outer.look is not None and not outer.look.shared:
            look: _Look | None = outer.look.share()
        else:
            look = _begin(name, self._call_id, self._description)
        if look is not None and look.captures:
            look.arguments(functools.partial(_named, function, args, kwargs))
        return look

    @property
    def look(self) -> _Look | None:
        """The execution that is going on; `None` if nobody wants to know."""
        return self._look

    def result(self, value: Any) -> None:
        """Say what the tool gave; recorded only where content is captured."""
        if self._look is not None:
            self._look.gave = value

    def __enter__(self) -> Tool:  # noqa: PYI034 - nobody derives from it
        self._look = _begin(self.name or "tool", self._call_id, self._description)
        if self._look is not None:
            given = self._arguments
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


class _Look:
    """Follows one execution, and raises nothing."""

    def __init__(self, executions: Executions, execution: Execution) -> None:
        self._executions = executions
        self._execution = execution
        self._steps: list[Any] = []
        self.context = execution.context
        self.captures = executions.capture.on
        self.shared = False
        self.gave: Any = None

    def share(self) -> _Look:
        """The same execution, for the decorated function inside of its context manager, which ends it."""
        self.shared = True
        inner = _Look(self._executions, self._execution)
        inner.end = self._note  # type: ignore[method-assign]
        return inner

    def _note(self, error: BaseException | None, result: Any = None) -> None:
        self.gave = result

    def arguments(self, given: Callable[[], Any]) -> None:
        """What it is called with."""
        try:
            if not self._execution.has_arguments:
                self._executions.arguments(self._execution, given())
        except Exception as error:
            report("recording a tool's arguments", error)

    def step(self, value: Any) -> None:
        """A generator gave this."""
        if self.captures and len(self._steps) < _MOST_STEPS:
            self._steps.append(value)

    def end(self, error: BaseException | None, result: Any = None) -> None:
        """It is over."""
        try:
            if error is None and self.captures:
                value = self._steps if self._steps and result is None else result
                self._executions.result(self._execution, value)
        except Exception as problem:
            report("recording a tool's result", problem)
        try:
            self._executions.end(self._execution, error)
        except Exception as problem:
            report("ending a tool's execution", problem)


def _begin(name: str, call_id: str | None, description: str | None) -> _Look | None:
    executions = _executions
    if executions is None:
        return None
    try:
        return _Look(executions, executions.begin(name, call_id, description))
    except Exception as error:
        report("beginning a tool's execution", error)
        return None


def _named(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by their names, without the object that a method belongs to."""
    bound = dict(inspect.signature(function).bind(*args, **kwargs).arguments)
    return {name: value for name, value in bound.items() if name not in ("self", "cls")}
