"""`stage`: one stage of a pipeline, as a wrapper of a stream, a decorator, or a context manager.

How chunks are handed on is in `passing.py`, what is told of them in `runs.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar, cast, overload

from . import drops
from .otel.stages import Route
from .passing import passing, run_of
from .runs import Run, begin
from .staged import given, staged
from .watching import end_of
from .wire.outcome import End

S = TypeVar("S")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])
_NOTHING: Any = object()


@overload
def stage(name: F, /) -> F: ...


@overload
def stage(
    name: str,
    stream: S,
    /,
    *,
    through: Callable[[S], R],
    route: Route | None = None,
    every: int | None = None,
) -> R: ...


@overload
def stage(name: str, stream: S, /, *, route: Route | None = None, every: int | None = None) -> S: ...


@overload
def stage(
    name: str | None = None,
    /,
    *,
    reads: str | None = None,
    route: Route | Callable[..., Route | None] | None = None,
    every: int | None = None,
) -> Stage: ...


def stage(
    name: Any = None,
    stream: Any = _NOTHING,
    /,
    *,
    through: Callable[[Any], Any] | None = None,
    reads: str | None = None,
    route: Any = None,
    every: int | None = None,
) -> Any:
    """Follow the chunks of a stream through one stage of a pipeline: a span `stage {name}`, kind INTERNAL.

    ```python
    for chunk in toolspan.stage("client", stream): ...  # a point that the chunks pass

    @toolspan.stage("policy")  # what it takes as a stream goes in, what it yields comes out
    async def policy(chunks): ...

    chunks = toolspan.stage("judge", chunks, through=judge)  # the same for a function of somebody else's

    with toolspan.stage("worker") as stage:  # where neither is a stream
        stage.read(chunk), stage.gave(chunk)
    ```

    Streams are sync or async iterators of SDK objects, dicts, strings or bytes; the very same items are
    handed on, errors pass as they are, and the span ends with the stream however that ends. `route` is where
    the stream comes from, if not from another stage in this process; for a decorator also a function of the
    same arguments that finds it. `reads` names the argument that is the stream, by default the first
    iterator. Every `every`-th chunk is followed by its fingerprint, beside those that always are; by default
    as the setting `follow_every` says. Works with and without `instrument()`, and raises nothing.
    """
    if callable(name):
        return Stage(None, None, None, None)(name)
    made = Stage(name, reads, route, every)
    if stream is _NOTHING:
        return made
    return made.around(stream) if through is None else made(through)(stream)


class Stage:
    """What `stage` returns: decorate functions with it, or enter it once."""

    def __init__(self, name: str | None, reads: str | None, route: Any, every: int | None) -> None:
        self._name = name
        self._reads = reads
        self._route = route
        self._every = every
        self._run: Run | None = None

    def around(self, stream: Any) -> Any:
        """The stream, passing this point."""
        route = self._route if isinstance(self._route, Route) else None
        run = begin(self._name or "stage", route, run_of(stream), self._every)
        if run is None:
            return stream
        run.point()
        return given(stream, run)

    def __call__(self, function: F) -> F:
        """Decorate a function that gets a stream and gives one, as a generator or not."""
        name = self._name or getattr(function, "__name__", None) or type(function).__name__
        return cast("F", staged(function, name, self._reads, self._route, self._every))

    def __enter__(self) -> Stage:  # noqa: PYI034 - nobody derives from it
        route = self._route if isinstance(self._route, Route) else None
        self._run = begin(self._name or "stage", route, None, self._every)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._run is not None:
            drops.finish(self._run, End.EXHAUSTED if error is None else end_of(error))

    def __del__(self) -> None:
        if self._run is not None:
            drops.dropped(self._run)

    @property
    def route(self) -> Route:
        """The way on from here, for the next stage."""
        if self._run is not None:
            return self._run.route
        return self._route if isinstance(self._route, Route) else Route()

    def reads(self, stream: S) -> S:
        """The stream, each of whose items counts as read."""
        if self._run is None:
            return stream
        self._run.reading()
        return cast("S", passing(stream, self._run, given=False))

    def read(self, chunk: S) -> S:
        """Say that the stage has read this chunk; gives the same."""
        if self._run is not None:
            self._run.reading()
            self._run.read(chunk)
        return chunk

    def gave(self, chunk: S) -> S:
        """Say that the stage hands this chunk on; gives the same."""
        if self._run is not None:
            self._run.gave(chunk)
        return chunk
