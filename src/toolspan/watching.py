"""What an iterator of ours tells its run: that the other ended, raised, or was closed, and by which calls.

It knows neither how items are handed on nor what a stage is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import drops
from .runs import Run
from .wire.outcome import End, is_exhaustion


class Watch:
    """Of one side of a run: `given` is what the stage hands on, which ends it; else what it reads."""

    __slots__ = ("given", "look", "run", "source")

    def __init__(self, source: Any, run: Run, given: bool) -> None:
        self.source = source
        self.run = run
        self.given = given
        self.look = run.gave if given else run.read

    def stopped(self, error: BaseException) -> None:
        """The other ended or raised."""
        exhausted = is_exhaustion(error)
        if _busy(self.source):
            return  # somebody else is inside of it, and goes on
        if not self.given:
            self.run.read_over(None if exhausted else error)
        else:
            drops.finish(self.run, End.EXHAUSTED if exhausted else end_of(error))

    def closed(self) -> None:
        """Whoever reads it wants no more."""
        if self.given:
            drops.finish(self.run, End.CLOSED)

    def act(self, name: str, found: Callable[..., Any]) -> Callable[..., Any]:
        """The other's own method, watched: one of `ACTS`."""
        return {
            "close": self._closing,
            "aclose": self._closing_later,
            "send": self._sending,
            "throw": self._sending,
            "asend": self._sending_later,
            "athrow": self._sending_later,
        }[name](found)

    def _closing(self, close: Callable[..., Any]) -> Callable[..., Any]:
        def closing(*args: Any, **kwargs: Any) -> Any:
            try:
                found = close(*args, **kwargs)
            except BaseException as error:
                self.stopped(error)
                raise
            if hasattr(type(found), "__await__"):  # the SDK's async streams close so
                return self._closed_later(found)
            self.closed()
            return found

        return closing

    def _closing_later(self, close: Callable[..., Any]) -> Callable[..., Any]:
        async def closing(*args: Any, **kwargs: Any) -> Any:
            return await self._closed_later(close(*args, **kwargs))

        return closing

    async def _closed_later(self, found: Any) -> Any:
        try:
            result = await found
        except BaseException as error:
            self.stopped(error)
            raise
        self.closed()
        return result

    def _sending(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def sending(*args: Any) -> Any:
            try:
                item = act(*args)
            except BaseException as error:
                self.stopped(error)
                raise
            self.look(item)
            return item

        return sending

    def _sending_later(self, act: Callable[..., Any]) -> Callable[..., Any]:
        async def sending(*args: Any) -> Any:
            try:
                item = await act(*args)
            except BaseException as error:
                self.stopped(error)
                raise
            self.look(item)
            return item

        return sending


ACTS = frozenset(("close", "aclose", "send", "throw", "asend", "athrow"))


def _busy(source: Any) -> bool:
    try:
        return bool(getattr(source, "ag_running", False) or getattr(source, "gi_running", False))
    except Exception:  # of a class that answers to any name in its own way
        return False


def end_of(error: BaseException) -> End | BaseException:
    """How a stage ends that is left by this error: that of a generator which is closed is none."""
    return End.CLOSED if issubclass(type(error), GeneratorExit) else error
