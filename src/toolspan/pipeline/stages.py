"""`toolspan.stage`: one stage of a pipeline as a stream wrapper, a decorator or a context manager."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, wraps
from types import TracebackType
from typing import Any, TypeVar, cast, overload

from .. import open_streams
from ..guard import is_coroutine, made
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
    """Record one stage of a pipeline as a span `stage {name}` of kind INTERNAL. Raises nothing.

    ```python
    for chunk in toolspan.stage("client", stream): ...  # a point that chunks pass

    @toolspan.stage("policy")  # receives the chunks of its argument, emits the chunks that it yields
    async def policy(chunks): ...

    chunks = toolspan.stage("judge", chunks, through=judge)  # the same without a decorator

    with toolspan.stage("worker") as stage:  # for chunks that do not come as a stream
        stage.received(chunk), stage.emitted(chunk)
    ```

    Streams are sync or async iterators of SDK objects, dicts, strings or bytes. The reader gets the same
    objects and errors. The span ends with the stream: at its end, by an error, `close` or cancellation, or
    when its last reference is gone. `route` is the origin of the stream, needed if the stage before is in
    another process; for a decorator it may be a function that gets the same arguments and returns the route.
    `input` names the argument that is the stream, by default the first iterator. Every `sample_every`-th
    chunk becomes a span event with its fingerprint, besides those that always do; the default is the setting
    `sample_every`, and 0 means none. Works with and without `instrument()`.
    """
    if callable(name):
        return Stage(None, None, None, None)(name)
    made = Stage(name, input, route, sample_every)
    if stream is _NOTHING:
        return made
    return made.around(stream) if through is None else made(through)(stream)


class Stage:
    """A stage without a stream, as `stage` returns it: decorate functions with it, or enter it once."""

    def __init__(self, name: str | None, input: str | None, route: Any, sample_every: int | None) -> None:
        self._name = name
        self._input = input
        self._route = route
        self._every = sample_every
        self._run: Run | None = None

    def around(self, stream: Any) -> Any:
        """Return a wrapper of the stream, whose chunks are received and emitted unchanged by this stage."""
        run = self._begin(run_of(stream))
        if run is None:
            return stream
        run.point()
        return emitted(stream, run)

    def __call__(self, function: F) -> F:
        """Decorate a function that takes a stream and returns one, or a generator function."""
        # A callable object has no `__name__`.
        name = self._name or getattr(function, "__name__", None) or type(function).__name__
        return cast("F", stage_function(function, name, self._input, self._route, self._every))

    def __enter__(self) -> Stage:  # noqa: PYI034 - no subclasses
        self._run = self._begin(None)
        return self

    def _begin(self, upstream: Run | None) -> Run | None:
        route = self._route if isinstance(self._route, Route) else None
        return begin(self._name or "stage", route, upstream, self._every)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._run is not None:
            open_streams.finish(self._run, End.EXHAUSTED if error is None else end_of(error))

    def __del__(self) -> None:
        # A stage that was entered without `with` never gets an `__exit__`.
        if self._run is not None:
            open_streams.dropped(self._run)

    @property
    def route(self) -> Route:
        """Return the route of the next stage."""
        if self._run is not None:
            return self._run.route
        return self._route if isinstance(self._route, Route) else Route()

    def input(self, stream: S) -> S:
        """Return a wrapper of the stream that records each of its items as received."""
        if self._run is None:
            return stream
        self._run.reading()
        return cast("S", wrap_iterator(stream, self._run, emitted=False))

    def received(self, chunk: S) -> S:
        """Record that the stage received this chunk, and return it."""
        if self._run is not None:
            self._run.reading()
            self._run.received(chunk)
        return chunk

    def emitted(self, chunk: S) -> S:
        """Record that the stage emits this chunk, and return it."""
        if self._run is not None:
            self._run.emitted(chunk)
        return chunk


Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def stage_function(
    function: Callable[..., Any], name: str, input: str | None, route: Any, sample_every: int | None
) -> Any:
    """Wrap a function so that each call is a stage run. The parameters are those of `toolspan.stage`."""

    def start(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Run | None, Arguments]:
        where = made("finding the input of a stage", partial(_stream_at, function, input, args, kwargs))
        stream = None if where is None else (args[where] if isinstance(where, int) else kwargs[where])
        if callable(of := route):  # the application's own function, which may raise
            of = made("finding the route of a stream", partial(route, *args, **kwargs))
        run = begin(name, of if isinstance(of, Route) else None, run_of(stream), sample_every)
        if run is None or where is None:
            return run, (args, kwargs)
        run.reading()
        wrapped = wrap_iterator(stream, run, emitted=False)
        if isinstance(where, int):
            return run, ((*args[:where], wrapped, *args[where + 1 :]), kwargs)
        return run, (args, {**kwargs, where: wrapped})

    # `updated=()`: the attributes of a callable object are its state, and are not copied to the wrapper.
    @wraps(function, updated=())
    def within(*args: Any, **kwargs: Any) -> Any:
        run, (args, kwargs) = start(args, kwargs)
        if run is None:
            return function(*args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            open_streams.finish(run, error)
            raise
        # Another decorator may hide a coroutine function, so the result decides and not the function.
        return _emitted_later(result, run) if is_coroutine(result) else emitted(result, run)

    @wraps(function, updated=())
    async def later(*args: Any, **kwargs: Any) -> Any:
        # A coroutine function stays one, because frameworks decide by that how to call it.
        return await within(*args, **kwargs)

    return later if inspect.iscoroutinefunction(function) else within


def emitted(result: Any, run: Run) -> Any:
    """Return a wrapper of the stage's result; end the run at once if that is not a stream."""
    wrapped = wrap_iterator(result, run, emitted=True)
    if wrapped is result:  # not iterable: no later end will come
        open_streams.finish(run, End.EXHAUSTED)
    return wrapped


async def _emitted_later(coroutine: Any, run: Run) -> Any:
    try:
        return emitted(await coroutine, run)
    except BaseException as error:
        open_streams.finish(run, error)
        raise


def _position(function: Any, name: str, count: int) -> int | None:
    """Return the position of the argument of this name among `count` ones."""
    at = list(inspect.signature(function).parameters).index(name)
    return at if at < count else None  # the default value: the function is a source


def _stream_at(
    function: Any, name: str | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> int | str | None:
    """Return the position or the name of the argument that is the stream; `None` for a source."""
    if name is not None:
        return name if name in kwargs else _position(function, name, len(args))
    # Iterators first: an argument that is only async iterable may be a connection beside the stream. Plain
    # iterables do not count, because lists and dicts of other arguments are iterable too. The type is
    # searched, not the object: one whose `__getattr__` answers to any name is no iterator.
    for wanted in (("__next__", "__anext__"), ("__aiter__",)):
        for where, value in (*enumerate(args), *kwargs.items()):
            if any(hasattr(type(value), each) for each in wanted):
                return cast("int | str", where)
    return None
