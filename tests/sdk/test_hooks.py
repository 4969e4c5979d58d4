"""Wrapped methods: callbacks before and after, errors for the caller, and the removal of the wrapper."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan.sdk.hooks import Observer, around, around_async, nothing, undoing

from .faults import broken
from .sdk import ASYNC, SYNC, Face, both_faces


class Owner:
    """A class with a method of its own."""

    def method(self, *args: Any, **kwargs: Any) -> Any:
        """Return the arguments, or raise the first of them."""
        if args and isinstance(args[0], BaseException):
            raise args[0]
        return args, kwargs


def call(face: Face, before: Any, *args: Any, **kwargs: Any) -> Any:
    """Call the method as its wrapper does."""
    owner = Owner()

    async def method(*args: Any, **kwargs: Any) -> Any:
        return owner.method(*args, **kwargs)

    if face is SYNC:
        return around(before, owner.method, owner, args, kwargs)
    return ASYNC.run(around_async(before, method, owner, args, kwargs))


@both_faces
def test_callbacks_see_arguments_and_result_of_a_method(face: Face) -> None:
    """The first callback gets the instance and all arguments, the second the result."""
    seen: list[Any] = []

    def before(instance: Any, args: tuple[Any, ...]) -> Observer:
        seen.append((type(instance), args))
        return lambda *result: seen.append(result)

    result = ((1,), {"name": 2})
    assert call(face, before, 1, name=2) == result
    assert seen == [(Owner, (1, 2)), (result, None)]


@both_faces
@pytest.mark.parametrize("error", [LookupError("x"), KeyboardInterrupt()], ids=["error", "interruption"])
def test_an_error_reaches_the_callback_and_the_caller(face: Face, error: BaseException) -> None:
    """The caller gets the same error that the second callback gets."""
    seen: list[Any] = []
    with pytest.raises(type(error)) as raised:
        call(face, lambda instance, args: lambda *result: seen.append(result), error)
    assert raised.value is error
    assert seen == [(None, error)]


@both_faces
@pytest.mark.parametrize("before", [broken, lambda instance, args: broken], ids=["before", "after"])
@pytest.mark.usefixtures("guarded")
def test_a_failing_callback_is_reported_and_changes_no_result(
    face: Face, before: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A callback that raises costs one warning."""
    assert call(face, before, 1) == ((1,), {})
    assert [record.levelname for record in caplog.records if record.name == "toolspan"] == ["WARNING"]


@pytest.mark.parametrize("own", [None, nothing], ids=["inherited", "own"])
def test_removing_a_wrapper_restores_what_the_class_had(own: Any) -> None:
    """A method that the class inherited is deleted, and its own method is set again."""
    owner = type("Owner", (), {"method": broken})
    undoing(owner, "method", own)()
    assert vars(owner).get("method") is own


def test_a_wrapper_set_later_is_not_removed() -> None:
    """A wrapper that the application put over the method stays."""
    owner = type("Owner", (), {"method": broken})
    undo = undoing(owner, "method", None)
    owner.method = nothing  # type: ignore[attr-defined]
    undo()
    assert vars(owner)["method"] is nothing
