"""Iterators that hand on another's items, the very same, and show each to a run of a stage.

Whatever else is asked of them is the other's. They know nothing of what a stage is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import drops
from .guard import report
from .runs import Run
from .watching import ACTS, Watch


class Passing:
    """What all kinds share: the other, what is told of it, and what makes the next step."""

    __slots__ = ("__weakref__", "_later", "_look", "_source", "_step", "_watch")

    def __init__(self, source: Any, run: Run, given: bool) -> None:
        watch = Watch(source, run, given)
        put = object.__setattr__
        put(self, "_source", source)
        put(self, "_watch", watch)
        put(self, "_look", watch.look)
        put(self, "_step", None)
        put(self, "_later", None)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._source, name)
        return self._watch.act(name, found) if name in ACTS and callable(found) else found

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._source, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._source, name)

    def __dir__(self) -> list[str]:
        return dir(self._source)

    def __repr__(self) -> str:
        return repr(self._source)

    @property  # type: ignore[misc]  # so that isinstance says what it would say of the other
    def __class__(self) -> Any:
        return self._source.__class__

    def __enter__(self) -> Any:
        return self._entered(self._source.__enter__())

    def __exit__(self, *error: object) -> Any:
        try:
            return self._source.__exit__(*error)
        finally:
            self._watch.closed()

    def _entered(self, found: Any) -> Any:
        return self if found is self._source else found

    def __del__(self) -> None:
        if self._watch.given:
            drops.dropped(self._watch.run)


class Sync(Passing):
    """Of a sync iterator, or of what can be iterated."""

    __slots__ = ()

    def __iter__(self) -> Any:
        if self._step is not None and not hasattr(self._source, "__next__"):
            return iter(self._source)  # what can be read again is read again, unseen
        return self

    def __next__(self) -> Any:
        try:
            step = self._step
            if step is None:
                step = _first(self, "_step", "__next__", iter)
            item = step()
        except BaseException as error:
            self._watch.stopped(error)
            raise
        self._look(item)
        return item


class Async(Passing):
    """Of an async one."""

    __slots__ = ()

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        try:
            step = self._later
            if step is None:
                step = _first(self, "_later", "__anext__", lambda source: source.__aiter__())
            item = await step()
        except BaseException as error:
            self._watch.stopped(error)
            raise
        self._look(item)
        return item

    async def __aenter__(self) -> Any:
        return self._entered(await self._source.__aenter__())

    async def __aexit__(self, *error: object) -> Any:
        try:
            return await self._source.__aexit__(*error)
        finally:
            self._watch.closed()


class Both(Sync, Async):
    """Of one that can be iterated either way, as LiteLLM's streams."""

    __slots__ = ()


def passing(source: Any, run: Run, *, given: bool) -> Any:
    """The source, watched; the source itself if it cannot be iterated."""
    try:
        return _watched(source, run, given)
    except Exception as error:  # of a class that answers to any name in its own way
        report("watching a stream", error)
        return source


def _watched(source: Any, run: Run, given: bool) -> Any:
    sync = hasattr(source, "__next__") or hasattr(source, "__iter__")
    asynchronous = hasattr(source, "__anext__") or hasattr(source, "__aiter__")
    if not sync and not asynchronous:
        return source
    kind = Both if sync and asynchronous else Async if asynchronous else Sync
    return kind(source, run, given)


def run_of(stream: object) -> Run | None:
    """The run that a watched iterator belongs to."""
    watch: Watch | None = (
        object.__getattribute__(stream, "_watch") if issubclass(type(stream), Passing) else None
    )
    return None if watch is None else watch.run


def _first(passed: Passing, kept: str, name: str, start: Callable[[Any], Any]) -> Any:
    """What makes the next step; something that is no iterator yet is asked for one."""
    source = passed._source
    step = getattr(source if hasattr(source, name) else start(source), name)
    object.__setattr__(passed, kept, step)
    return step
