"""Wrap a method so that callbacks run before and after it, and remove the wrapper again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from ..guard import report

Observer: TypeAlias = "Callable[[Any, BaseException | None], None]"
"""Sees what a method returned or raised."""
Before: TypeAlias = "Callable[[Any, tuple[Any, ...]], Observer]"
"""Sees the instance and the arguments, and says who shall see the result."""


def nothing(result: Any, error: BaseException | None) -> None:
    """Nothing to see."""


def guarded(what: Callable[..., Any], *args: Any) -> Any:
    """What a look gives; where it fails, there is nothing to see afterwards either."""
    try:
        return what(*args)
    except Exception as error:
        report("following the SDK", error)
        return nothing


def around(before: Before, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """The wrapper of a method of the sync classes."""
    after = guarded(before, instance, (*args, *kwargs.values()))
    try:
        result = wrapped(*args, **kwargs)
    except BaseException as error:
        guarded(after, None, error)
        raise
    guarded(after, result, None)
    return result


async def around_async(before: Before, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """The wrapper of a coroutine method."""
    after = guarded(before, instance, (*args, *kwargs.values()))
    try:
        result = await wrapped(*args, **kwargs)
    except BaseException as error:
        guarded(after, None, error)
        raise
    guarded(after, result, None)
    return result


def undoing(owner: Any, name: str, own: Any) -> Callable[[], None]:
    """Restores `own`, which the class had before the wrapper that it has now; `None` if it had nothing."""
    ours = owner.__dict__[name]

    def undo() -> None:
        if owner.__dict__.get(name) is not ours:
            return
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)

    return undo
