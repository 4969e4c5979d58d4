"""Following one execution of a tool, so that whatever fails in it is reported and costs nothing.

It knows neither decorators nor how a function is run; what is told is decided in `otel/execution.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .guard import report
from .otel.execution import Execution, Executions
from .user import current

_MOST_STEPS = 100  # of what a generator gives, for those who capture content
_executions: Executions | None = None
_baggage_keys: tuple[str, ...] = ()


def use(executions: Executions | None, baggage_keys: tuple[str, ...] = ()) -> None:
    """Where executions are told from now on; nowhere without any. `baggage_keys` as in `user.current`."""
    global _executions, _baggage_keys
    _executions, _baggage_keys = executions, baggage_keys


def begin(
    name: str, call_id: str | None, description: str | None, arguments: Callable[[], Any]
) -> Look | None:
    """An execution begins; `None` if nobody wants to know."""
    executions = _executions
    if executions is None:
        return None
    try:
        user = current(_baggage_keys)
        return Look(executions, executions.begin(name, call_id, description, user, arguments))
    except Exception as error:
        report("beginning a tool's execution", error)
        return None


class Look:
    """Follows one execution, and raises nothing."""

    def __init__(self, executions: Executions, execution: Execution) -> None:
        self._executions = executions
        self._execution = execution
        self._steps: list[Any] = []
        self.context = execution.context
        self.captures = executions.capture.on
        self.shared = False
        self.gave: Any = None

    def share(self) -> Look:
        """The same execution, for the decorated function inside of its context manager, which ends it."""
        self.shared = True
        inner = Look(self._executions, self._execution)
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
