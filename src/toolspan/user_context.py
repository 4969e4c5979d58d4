"""`toolspan.attributes`, and attaching an OpenTelemetry context for a while."""

from __future__ import annotations

import contextvars
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar, cast

from opentelemetry import baggage, context
from opentelemetry.context import Context

from .guard import report
from .otel.attributes import Value
from .otel.user_attributes import AttributeValues, attributes_of, warn_once

NOTHING: Mapping[str, Value] = {}
_KEY = context.create_key("toolspan-user")
_Function = TypeVar("_Function", bound=Callable[..., Any])
_Entries = tuple[tuple["Block", Mapping[str, Value]], ...]


def attributes(values: Mapping[str, AttributeValues] | None = None, /, **named: AttributeValues) -> Block:
    """Say something of all calls that are made inside: `with toolspan.attributes(feature="search"): …`.

    The attributes stand on the spans and log records that toolspan makes there, and on its metrics as far as
    the setting `metric_attributes` names them. Names with dots come in a mapping: `attributes({"enduser.id":
    "42"}, feature="search")`. Values are `str`, `bool`, `int`, `float`, or lists of one of them; anything
    else is named in the log of `toolspan`, once, and left out. The inner one of nested blocks wins, and what
    toolspan finds out itself wins over both. `gen_ai.conversation.id` counts as the conversation of requests
    that name none.

    Also a decorator, of functions and coroutine functions. Raises nothing.
    """
    try:
        return Block(attributes_of({**(values or {}), **named}))
    except Exception as error:
        report("reading attributes", error)
        return Block(NOTHING)


class Block:
    """Calls made inside of it carry its attributes; it may be entered again and in many threads."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def __enter__(self) -> None:
        try:
            _set((*_entries(), (self, self._values)))
        except Exception as error:
            report("setting attributes", error)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take its entry away; in a context that it was not entered in there is none."""
        try:
            entries = _entries()
            for at in reversed(range(len(entries))):
                if entries[at][0] is self:
                    return _set(entries[:at] + entries[at + 1 :])
        except Exception as error:
            report("resetting attributes", error)

    def __call__(self, function: _Function) -> _Function:
        """The function, whose calls run in this block; a generator's would also be those of its reader."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            warn_once("a decorator", "of a generator function would give them to whoever reads it")
            return function
        wrap = _asynchronous if inspect.iscoroutinefunction(function) else _plain
        return cast("_Function", functools.wraps(function)(wrap(self, function)))


def current(baggage_keys: Iterable[str] = ()) -> Mapping[str, Value]:
    """The attributes of this moment: of the open blocks, and of those baggage entries that are wanted."""
    try:
        entries = _entries()
        if not entries and not baggage_keys:
            return NOTHING
        found = _baggage(baggage_keys) if baggage_keys else {}
        for _, values in entries:
            found.update(values)
        return found
    except Exception as error:
        report("reading attributes", error)
        return NOTHING


def _baggage(keys: Iterable[str]) -> dict[str, Value]:
    carried = baggage.get_all()
    return attributes_of({key: carried[key] for key in keys if key in carried})


def _entries() -> _Entries:
    return cast("_Entries", context.get_value(_KEY) or ())


def _set(entries: _Entries) -> None:
    """Without a token to reset: whoever attached something meanwhile keeps it."""
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
    """Make it current; gives what `leave` needs."""
    try:
        return context.attach(found) if found is not None else None
    except Exception:
        return None


def leave(token: Any) -> None:
    """Restore what was current; a coroutine that is closed from elsewhere has nothing of ours to restore."""
    try:
        if isinstance(token, contextvars.Token):
            token.var.reset(token)
        elif token is not None:
            context.detach(token)
    except (RuntimeError, ValueError):
        pass
