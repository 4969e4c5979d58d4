"""The nine events: plain tuples that compare, and no tenth among them."""

from __future__ import annotations

import inspect
from typing import get_args

from toolspan.wire import events

from ..table import each_row

NAMES = {
    "CallArguments",
    "CallClosed",
    "CallOpened",
    "Finished",
    "Reasoning",
    "Refusal",
    "Started",
    "Text",
    "Usage",
}
KINDS = sorted(get_args(events.Event), key=lambda kind: kind.__name__)


def test_nine() -> None:
    """There are nine, and every class of the module is one of them."""
    defined = {
        name
        for name, value in vars(events).items()
        if inspect.isclass(value) and value.__module__ == events.__name__
    }
    defined -= {kind.__name__ for kind in get_args(events.Note)} | {"Reader"}
    assert {kind.__name__ for kind in KINDS} == NAMES == defined


@each_row("kind", KINDS, ids=lambda kind: kind.__name__)
def test_documented_tuple(kind: type) -> None:
    """Each is a tuple with a sentence of its own."""
    assert issubclass(kind, tuple)
    assert not (kind.__doc__ or "").startswith(f"{kind.__name__}(")


def test_unknown_is_none() -> None:
    """What a server did not say is `None`, in usage as in identity."""
    assert set(events.Usage()) == {None}
    started = events.Started(None, None)
    assert set(started) == {None, False}
    assert started.compacted is False
    assert events.CallOpened(0, 0, "a", "f").kind == "function"
    assert events.Finished(0, "stop").failure is None
