"""Wrap a method so that callbacks run before and after it, and remove the wrapper again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from ..guard import is_coroutine, report

Observer: TypeAlias = "Callable[[Any, BaseException | None], None]"
"""Called with the result of a method, or with the exception that it raised."""
Before: TypeAlias = "Callable[[Any, tuple[Any, ...]], Observer]"
"""Called with the instance and all arguments; returns the observer of the result."""


def nothing(result: Any, error: BaseException | None) -> None:
    """Ignore the result; stands for an observer where there is nothing to observe."""


def guarded(what: Callable[..., Any], *args: Any) -> Any:
    """Call a callback and return its result; return the observer `nothing` if it raises."""
    try:
        return what(*args)
    except Exception as error:
        report("observing a method of the SDK", error)
        return nothing


def around(before: Before, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """Call a sync method of the SDK between its two callbacks."""
    # The caller may name its arguments: the callback gets all of them in order, with or without names.
    after = guarded(before, instance, (*args, *kwargs.values()))
    try:
        result = wrapped(*args, **kwargs)
    except BaseException as error:  # also KeyboardInterrupt and SystemExit: the observer must end its call
        guarded(after, None, error)
        raise
    guarded(after, result, None)
    return result


async def around_async(before: Before, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """Call a coroutine method of the SDK between its two callbacks."""
    after = guarded(before, instance, (*args, *kwargs.values()))
    try:
        result = await wrapped(*args, **kwargs)
    except BaseException as error:
        guarded(after, None, error)
        raise
    guarded(after, result, None)
    return result


def passed_on(result: Any, act: Callable[[Any], Any]) -> Any:
    """Return a result after an act on it; for a coroutine, another one that does the same."""
    if is_coroutine(result):
        return _passed_on_later(result, act)
    guarded(act, result)
    return result


async def _passed_on_later(coroutine: Any, act: Callable[[Any], Any]) -> Any:
    result = await coroutine
    guarded(act, result)
    return result


def undoing(owner: Any, name: str, own: Any) -> Callable[[], None]:
    """Return a function that restores `own`, the class's own attribute before the wrapper, or `None`."""
    ours = owner.__dict__[name]

    def undo() -> None:
        # Another instrumentation has wrapped the method since: restoring it would remove that wrapper, too.
        if owner.__dict__.get(name) is not ours:
            return
        if own is None:  # the method was inherited: what the base class has shows again
            delattr(owner, name)
        else:
            setattr(owner, name, own)

    return undo
