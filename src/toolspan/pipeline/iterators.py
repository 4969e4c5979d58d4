"""Iterators that yield the items of another iterator unchanged and report them to a stage run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import open_streams
from ..guard import attribute, report
from ..wire.record import End, is_exhaustion, is_failure
from .run import Run


class WrappedIterator:
    """A wrapper that yields the items of its source unchanged; the base of all kinds."""

    __slots__ = ("__weakref__", "_later", "_observe", "_observer", "_source", "_step")

    def __init__(self, source: Any, run: Run, emitted: bool) -> None:
        # The observer holds the source, but not this wrapper. Without a reference cycle the wrapper dies
        # with its last reference, not at a later garbage collection, and `__del__` ends the stage at once.
        observer = RunObserver(source, run, emitted)
        put = object.__setattr__  # our own `__setattr__` sets attributes of the source
        put(self, "_source", source)
        put(self, "_observer", observer)
        put(self, "_observe", observer.observe)
        put(self, "_step", None)
        put(self, "_later", None)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._source, name)
        return self._observer.act(name, found) if name in ACTS and callable(found) else found

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._source, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._source, name)

    def __dir__(self) -> list[str]:
        return dir(self._source)

    def __repr__(self) -> str:
        return repr(self._source)

    @property  # type: ignore[misc]  # isinstance(stream, openai.Stream) holds for the wrapper too
    def __class__(self) -> Any:
        return self._source.__class__

    def __enter__(self) -> Any:
        return self._entered(self._source.__enter__())

    def __exit__(self, *error: object) -> Any:
        try:
            return self._source.__exit__(*error)
        finally:
            self._observer.closed()

    def _entered(self, found: Any) -> Any:
        # `__enter__` of most streams returns the stream: then the block must read the wrapper instead.
        return self if found is self._source else found

    def __del__(self) -> None:
        # Only the emitted side ends a stage. The stage may drop its input early and go on emitting.
        if self._observer.emitted:
            open_streams.dropped(self._observer.run)


class Sync(WrappedIterator):
    """The wrapper of a sync iterator or iterable."""

    __slots__ = ()

    def __iter__(self) -> Any:
        # A list may be iterated again. The second time is not part of the stage, and is not recorded.
        if self._step is not None and not hasattr(self._source, "__next__"):
            return iter(self._source)
        return self

    def __next__(self) -> Any:
        try:
            step = self._step
            if step is None:
                step = _first(self, "_step", "__next__", iter)
            item = step()
        except BaseException as error:
            self._observer.stopped(error)
            raise
        self._observe(item)
        return item


class Async(WrappedIterator):
    """The wrapper of an async iterator or iterable."""

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
            self._observer.stopped(error)
            raise
        self._observe(item)
        return item

    async def __aenter__(self) -> Any:
        return self._entered(await self._source.__aenter__())

    async def __aexit__(self, *error: object) -> Any:
        try:
            return await self._source.__aexit__(*error)
        finally:
            self._observer.closed()


class Both(Sync, Async):
    """The wrapper of a stream that is both sync and async, like LiteLLM's."""

    __slots__ = ()


def wrap_iterator(source: Any, run: Run, *, emitted: bool) -> Any:
    """Return a wrapper of the source; the source itself if it cannot be iterated."""
    try:
        sync = hasattr(source, "__next__") or hasattr(source, "__iter__")
        if hasattr(source, "__anext__") or hasattr(source, "__aiter__"):
            return (Both if sync else Async)(source, run, emitted)
        return Sync(source, run, emitted) if sync else source
    except Exception as error:  # a class of the application whose `__getattr__` raises
        report("wrapping a stream of a stage", error)
        return source


def run_of(stream: object) -> Run | None:
    """Return the stage run of a wrapped iterator; `None` for any other object."""
    # By the real type: `isinstance` would see the source's class.
    if not issubclass(type(stream), WrappedIterator):
        return None
    observer: RunObserver = object.__getattribute__(stream, "_observer")
    return observer.run


def _first(wrapped: WrappedIterator, slot: str, name: str, start: Callable[[Any], Any]) -> Any:
    """Return the bound method that makes the next step, and keep it in this slot of the wrapper."""
    # Kept so that each later step saves the look-up. Found at the first step: before that the source is
    # left alone, as it would be without a stage.
    source = wrapped._source
    step = getattr(source if hasattr(source, name) else start(source), name)
    object.__setattr__(wrapped, slot, step)
    return step


class RunObserver:
    """An observer of one side of a stage run. The end of the emitted side ends the run."""

    __slots__ = ("closing", "emitted", "observe", "run", "source")

    def __init__(self, source: Any, run: Run, emitted: bool) -> None:
        self.source = source
        self.run = run
        self.emitted = emitted
        self.closing = False
        self.observe = run.emitted if emitted else run.received

    def stopped(self, error: BaseException) -> None:
        """Record that the source ended or raised this error."""
        # A second task or thread that asks a running generator gets an error, but the first one goes on.
        if any(attribute(self.source, name) is True for name in ("ag_running", "gi_running")):
            return
        end = End.EXHAUSTED if is_exhaustion(error) else end_of(error)
        if not self.emitted:
            self.run.read_over(None if end is End.EXHAUSTED else error)
        else:
            # A close in another thread or task lets the reader's step end or raise: that is no failure.
            open_streams.finish(self.run, End.CLOSED if self.closing and is_failure(error) else end)

    def closed(self, result: Any = None) -> None:
        """Record that the reader closed the stream."""
        if self.emitted:
            open_streams.finish(self.run, End.CLOSED)

    def act(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a method of the source, one of `ACTS`."""
        closes = name in ("close", "aclose")
        then = self.closed if closes else self.observe

        def acting(*args: Any, **kwargs: Any) -> Any:
            self.closing = closes
            try:
                result = act(*args, **kwargs)
            except BaseException as error:
                self.closing = False  # the close itself raised
                self.stopped(error)
                raise
            # `close` of the SDK's AsyncStream is a coroutine function, `send` may give any item.
            if name[0] == "a" or (closes and hasattr(type(result), "__await__")):
                return self._later(result, then)
            then(result)
            return result

        return acting

    async def _later(self, awaitable: Any, then: Callable[[Any], None]) -> Any:
        try:
            result = await awaitable
        except BaseException as error:
            self.closing = False
            self.stopped(error)
            raise
        then(result)
        return result


ACTS = frozenset(("close", "aclose", "send", "throw", "asend", "athrow"))


def end_of(error: BaseException) -> End | BaseException:
    """Return the end of a stage that raised this error: `CLOSED` if its reader closed it."""
    return End.CLOSED if issubclass(type(error), GeneratorExit) else error
