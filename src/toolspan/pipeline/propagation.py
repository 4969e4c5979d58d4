"""`inject` and `extract`: put the route of a stream into a message envelope, and take it out again."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar, cast

from ..guard import log, report
from ..kill_switch import everywhere
from .carrier import put, take
from .iterators import run_of
from .run import settings
from .span import Route, route_of
from .stages import Stage

E = TypeVar("E")


def inject(envelope: E, of: object) -> E:
    """Return the envelope with the stream's id and the trace's context, for the next stage to extract.

    `of` is what is sent: a stream that `stage` returned, an entered `stage`, or a `Route`. With anything
    else the envelope stays unchanged, and one error line names the type.

    A dict or the JSON text of an object gets one field `toolspan`. A list of header pairs gets one pair per
    field. Any other envelope is returned unchanged. For HTTP headers in a dict use `Route.headers`. The
    argument itself is never modified. Raises nothing.
    """
    try:
        route = route_from(of)
        if route is not None:
            return cast("E", put(envelope, route.headers))
        # With toolspan switched off `stage` returns the stream itself, which is no mistake.
        if settings().enabled and everywhere().enabled:
            _refuse(type(of).__qualname__)
    except Exception as error:
        report("injecting a route into an envelope", error)
    return envelope


@lru_cache(maxsize=64)  # once for each class, not for each message
def _refuse(name: str) -> None:
    """Log that an object carries no route."""
    log.error(
        "toolspan: inject() adds no route: %s carries none; pass a stream of toolspan.stage, "
        "an entered stage or a Route",
        name,
    )


def extract(envelope: E) -> tuple[E, Route | None]:
    """Return the envelope as it was before `inject`, and the route, or `None` if it carries no route.

    Also takes headers as a mapping, as pairs, or as a framework's object with `items()`. Headers are
    returned unchanged. Raises nothing.
    """
    try:
        rest, carrier = take(envelope)
        return rest, route_of(carrier)
    except Exception as error:
        report("extracting a route from an envelope", error)
        return envelope, None


def route_from(of: object) -> Route | None:
    """Return the route of a `Route`, an entered stage or a stage's stream; `None` for anything else."""
    if isinstance(of, Route):
        return of
    # By the real type: a wrapped stream reports its source's class as `__class__`, and a class of the
    # application may answer to any attribute.
    if issubclass(type(of), Stage):
        return of.route  # type: ignore[attr-defined,no-any-return]  # by its real type
    run = run_of(of)
    return run.route if run is not None else None
