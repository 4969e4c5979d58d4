"""A method with a look before it and a look after it; whatever the looks do, the method runs as it would.

It knows nothing of what is looked at.
"""

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
