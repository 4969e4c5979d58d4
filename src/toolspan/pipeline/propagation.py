"""`inject` and `extract`: the way of a stream, put into any message envelope and taken out again.

They know no schema; how an envelope is treated is in `pipeline/carrier.py`.
"""

from __future__ import annotations

from typing import TypeVar

from ..guard import report
from .iterators import run_of
from .span import Route, received, sent
from .stages import Stage

E = TypeVar("E")


def inject(envelope: E, of: object) -> E:
    """The envelope with the stream's id and the trace's context in it, for the next stage to find.

    `of` is what is sent: a stream that `stage` gave, an entered `stage`, or a `Route`. Envelopes are dicts
    and JSON texts of objects, which get one field `toolspan`, and lists of header pairs, which get one more
    for each entry; for HTTP headers in a dict see `Route.headers`. Other envelopes stay as they are. The
    given envelope is not changed. Raises nothing.
    """
    try:
        route = route_from(of)
        found: E = envelope if route is None else sent(envelope, route)
        return found
    except Exception as error:
        report("putting a route into an envelope", error)
        return envelope


def extract(envelope: E) -> tuple[E, Route | None]:
    """The envelope as it was before `inject`, and the route that came with it, if any did.

    Also takes headers, as a mapping, as pairs, or as a framework's object with `items()`; those stay as they
    are. Raises nothing.
    """
    try:
        found: tuple[E, Route | None] = received(envelope)
        return found
    except Exception as error:
        report("taking a route out of an envelope", error)
        return envelope, None


def route_from(of: object) -> Route | None:
    """The route of what is sent."""
    if isinstance(of, Route):
        return of
    if issubclass(type(of), Stage):
        return of.route  # type: ignore[attr-defined,no-any-return]  # by its real type
    run = run_of(of)
    return run.route if run is not None else None
