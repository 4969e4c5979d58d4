"""`toolspan.attributes`, and attaching an OpenTelemetry context while code of the application runs."""

from __future__ import annotations

import contextvars
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar, cast

from opentelemetry import baggage, context
from opentelemetry.context import Context

from .guard import made, report
from .otel.attributes import Value
from .otel.user_attributes import AttributeValues, attributes_of, warn_once

NOTHING: Mapping[str, Value] = {}
_KEY = context.create_key("toolspan-user")
_Function = TypeVar("_Function", bound=Callable[..., Any])
# Its tokens tell whether a block is left in the context in which it was entered.
_here: contextvars.ContextVar[None] = contextvars.ContextVar("toolspan-here")


def attributes(values: Mapping[str, AttributeValues] | None = None, /, **named: AttributeValues) -> Block:
    """Add attributes to all calls made in a block: `with toolspan.attributes(feature="search"): …`.

    The attributes are set on the spans and log records that toolspan makes in the block, and on those of its
    metrics that the setting `metric_attributes` allows. Names with dots are passed in a mapping:
    `attributes({"enduser.id": "42"}, feature="search")`. Values are `str`, `bool`, `int`, `float` or a
    sequence of one of them; any other value is ignored and logged once by its name. In nested blocks the
    inner value wins; attributes that toolspan sets itself win over both. `gen_ai.conversation.id` is the
    conversation of requests that name none.

    The block is also a decorator, for functions and coroutine functions. Raises `TypeError` if `values` is
    not a mapping, and for a decorated object that is not callable.
    """
    if values is not None and not isinstance(values, Mapping):
        kind = type(values).__name__
        raise TypeError(f"toolspan: attributes() takes a mapping of names to values, not {kind}")
    # A mapping of the application's may raise.
    found = made("reading user attributes", lambda: attributes_of({**(values or {}), **named}))
    return Block(found or NOTHING)


class _Entry:
    """One time that a block was entered; `over` if it was left in another context than that."""

    __slots__ = ("block", "over", "token", "values")

    def __init__(self, block: Block, values: Mapping[str, Value]) -> None:
        self.block = block
        self.values = values
        self.token = _here.set(None)
        self.over = False

    def leave(self) -> None:
        """Mark this entry as over in all contexts, unless this is the one in which it was made."""
        # A task that was started within the block keeps the attributes after the block; a generator that
        # asyncio closes in a context of its own must not leave them behind in that of its reader.
        try:
            _here.reset(self.token)
        except ValueError:
            self.over = True


class Block:
    """A block whose calls carry its attributes; it may be entered several times, also in several threads."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values
        self._open: list[_Entry] = []

    def __enter__(self) -> None:
        made("setting user attributes", self._enter)

    def _enter(self) -> None:
        entry = _Entry(self, self._values)
        self._open.append(entry)
        _set((*_entries(), entry))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open:  # else it could not be entered
            made("removing user attributes", self._leave)

    def _leave(self) -> None:
        """Remove the newest entry of this block, of this context if it has one, else of any."""
        entries = _entries()
        # Its own entry instead of a token: blocks may overlap, as those of generators do.
        own = [entry for entry in entries if entry.block is self and entry in self._open]
        entry = (own or self._open)[-1]
        self._open.remove(entry)
        entry.leave()
        if own:
            _set(tuple(each for each in entries if each is not entry))

    def __call__(self, function: _Function) -> _Function:
        """Return the function, wrapped so that each of its calls runs in this block."""
        if not callable(function):
            raise TypeError(f"toolspan: attributes() decorates functions, not {type(function).__name__}")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            # Its body runs in the context of its reader, whose own calls would get the attributes.
            warn_once(
                "attributes on a generator function", "they would also apply to the calls of its reader"
            )
            return function
        wrap = _asynchronous if inspect.iscoroutinefunction(function) else _plain
        return cast("_Function", functools.wraps(function)(wrap(self, function)))


def current(baggage_keys: Iterable[str] = ()) -> Mapping[str, Value]:
    """Return the attributes of the open blocks, and those of the named baggage entries."""
    try:
        # Most requests are in no block: one look, without a further call.
        if not context.get_value(_KEY) and not baggage_keys:
            return NOTHING
        # Baggage comes first, so that a block in this process wins over what another process sent.
        found = _baggage(baggage_keys) if baggage_keys else {}
        for entry in _entries():
            found.update(entry.values)
        return found
    except Exception as error:
        report("reading user attributes", error)
        return NOTHING


def with_attributes(values: Mapping[str, Value], around: Context) -> Context:
    """Return a context in which calls carry these attributes, too; unlike `Block`, it attaches nothing."""
    return context.set_value(_KEY, (*_entries(), _Entry(Block(values), values)), around)


def _baggage(keys: Iterable[str]) -> dict[str, Value]:
    carried = baggage.get_all()
    return attributes_of({key: carried[key] for key in keys if key in carried})


def _entries() -> tuple[_Entry, ...]:
    """Return the entries of this context, without those that were left in another one."""
    found = cast("tuple[_Entry, ...]", context.get_value(_KEY) or ())
    return tuple(entry for entry in found if not entry.over) if found else ()


def _set(entries: tuple[_Entry, ...]) -> None:
    """Attach a context with these entries, without a token.

    Resetting a token would also take away what other code has attached since.
    """
    context.attach(context.set_value(_KEY, entries))


def _plain(block: Block, function: Callable[..., Any]) -> Callable[..., Any]:
    def within(*args: Any, **kwargs: Any) -> Any:
        with block:
            return function(*args, **kwargs)

    return within


def _asynchronous(block: Block, function: Callable[..., Any]) -> Callable[..., Any]:
    async def within(*args: Any, **kwargs: Any) -> Any:
        with block:
            return await function(*args, **kwargs)

    return within


def enter(found: Context | None) -> Any:
    """Attach a context; return the token that `leave` takes, `None` if there is none."""
    try:
        return context.attach(found) if found is not None else None
    except Exception:  # a context implementation of the application's; the call goes on without it
        return None


def leave(*tokens: Any) -> None:
    """Detach the contexts of tokens of `enter`, or reset context variables; `None` is no token."""
    for token in tokens:
        try:
            # Not `context.detach`, which logs an error where a coroutine is closed in another context.
            if isinstance(token, contextvars.Token):
                token.var.reset(token)
            elif token is not None:
                context.detach(token)
        except (RuntimeError, ValueError):  # closed in another context, which has nothing of ours to restore
            pass
