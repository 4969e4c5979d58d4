"""`toolspan.stage`: one stage of a pipeline as a stream wrapper, a decorator or a context manager."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar, cast, overload

from .. import open_streams
from ..guard import is_coroutine, report
from ..wire.record import End
from .iterators import end_of, run_of, wrap_iterator
from .run import Run, begin
from .span import Route

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
    sample_every: int | None = None,
) -> R: ...


@overload
def stage(name: str, stream: S, /, *, route: Route | None = None, sample_every: int | None = None) -> S: ...


@overload
def stage(
    name: str | None = None,
    /,
    *,
    input: str | None = None,
    route: Route | Callable[..., Route | None] | None = None,
    sample_every: int | None = None,
) -> Stage: ...


def stage(
    name: Any = None,
    stream: Any = _NOTHING,
    /,
    *,
    through: Callable[[Any], Any] | None = None,
    input: str | None = None,
    route: Any = None,
    sample_every: int | None = None,
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
    made = Stage(name, input, route, sample_every)
    if stream is _NOTHING:
        return made
    return made.around(stream) if through is None else made(through)(stream)


class Stage:
    """What `stage` returns: decorate functions with it, or enter it once."""

    def __init__(self, name: str | None, input: str | None, route: Any, sample_every: int | None) -> None:
        self._name = name
        self._reads = input
        self._route = route
        self._every = sample_every
        self._run: Run | None = None

    def around(self, stream: Any) -> Any:
        """The stream, passing this point."""
        route = self._route if isinstance(self._route, Route) else None
        run = begin(self._name or "stage", route, run_of(stream), self._every)
        if run is None:
            return stream
        run.point()
        return emitted(stream, run)

    def __call__(self, function: F) -> F:
        """Decorate a function that gets a stream and gives one, as a generator or not."""
        name = self._name or getattr(function, "__name__", None) or type(function).__name__
        return cast("F", stage_function(function, name, self._reads, self._route, self._every))

    def __enter__(self) -> Stage:  # noqa: PYI034 - nobody derives from it
        route = self._route if isinstance(self._route, Route) else None
        self._run = begin(self._name or "stage", route, None, self._every)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._run is not None:
            open_streams.finish(self._run, End.EXHAUSTED if error is None else end_of(error))

    def __del__(self) -> None:
        if self._run is not None:
            open_streams.dropped(self._run)

    @property
    def route(self) -> Route:
        """The way on from here, for the next stage."""
        if self._run is not None:
            return self._run.route
        return self._route if isinstance(self._route, Route) else Route()

    def input(self, stream: S) -> S:
        """The stream, each of whose items counts as read."""
        if self._run is None:
            return stream
        self._run.reading()
        return cast("S", wrap_iterator(stream, self._run, emitted=False))

    def received(self, chunk: S) -> S:
        """Say that the stage has read this chunk; gives the same."""
        if self._run is not None:
            self._run.reading()
            self._run.received(chunk)
        return chunk

    def emitted(self, chunk: S) -> S:
        """Say that the stage hands this chunk on; gives the same."""
        if self._run is not None:
            self._run.emitted(chunk)
        return chunk


Arguments = tuple[tuple[Any, ...], dict[str, Any]]
Begin = Callable[[Route | None, Run | None], Run | None]
"""Begins a stage: its route, if that is known, and the stage before it in this process."""


def stage_function(
    function: Callable[..., Any], name: str, input: str | None, route: Any, sample_every: int | None
) -> Any:
    """The function, each call of which is a stage; see `toolspan.stage` for the rest."""

    def start(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Run | None, Arguments]:
        where = _where(function, input, args, kwargs)
        stream = None if where is None else (args[where] if isinstance(where, int) else kwargs[where])
        run = begin(name, _route(route, args, kwargs), run_of(stream), sample_every)
        if run is None or where is None:
            return run, (args, kwargs)
        run.reading()
        wrapped = wrap_iterator(stream, run, emitted=False)
        if isinstance(where, int):
            return run, ((*args[:where], wrapped, *args[where + 1 :]), kwargs)
        return run, (args, {**kwargs, where: wrapped})

    @functools.wraps(function, updated=())
    def within(*args: Any, **kwargs: Any) -> Any:
        run, (args, kwargs) = start(args, kwargs)
        if run is None:
            return function(*args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            open_streams.finish(run, error)
            raise
        return _emitted_later(result, run) if is_coroutine(result) else emitted(result, run)

    @functools.wraps(function, updated=())
    async def later(*args: Any, **kwargs: Any) -> Any:
        return await within(*args, **kwargs)

    return later if inspect.iscoroutinefunction(function) else within


def emitted(result: Any, run: Run) -> Any:
    """What the stage hands on, watched."""
    wrapped = wrap_iterator(result, run, emitted=True)
    if wrapped is result:  # nothing that can be followed
        open_streams.finish(run, End.EXHAUSTED)
    return wrapped


async def _emitted_later(coroutine: Any, run: Run) -> Any:
    try:
        return emitted(await coroutine, run)
    except BaseException as error:
        open_streams.finish(run, error)
        raise


def _route(route: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Route | None:
    try:
        found = route(*args, **kwargs) if callable(route) else route
        return found if isinstance(found, Route) else None
    except Exception as error:
        report("finding the route of a stream", error)
        return None


def _where(
    function: Any, name: str | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> int | str | None:
    try:
        return _stream_at(function, name, args, kwargs)
    except Exception as error:
        report("finding the stream that a stage reads", error)
        return None


def _stream_at(
    function: Any, name: str | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> int | str | None:
    """Where the stream is among the arguments: the named one, else the first iterator or async iterable."""
    if name is not None:
        if name in kwargs:
            return name
        parameters = list(inspect.signature(function).parameters)
        at = parameters.index(name)
        return at if at < len(args) else None
    for wanted in (("__next__", "__anext__"), ("__aiter__",)):
        for where, value in (*enumerate(args), *kwargs.items()):
            if any(hasattr(type(value), each) for each in wanted):
                return cast("int | str", where)
    return None
