"""The ten events: plain tuples that compare."""

from __future__ import annotations

import inspect
from typing import get_args

from toolspan.wire import events

from ..table import each_row

NAMES = {
    "CallArguments",
    "CallClosed",
    "CallCorrected",
    "CallOpened",
    "Finished",
    "Reasoning",
    "Refusal",
    "Started",
    "Text",
    "Usage",
}
KINDS = sorted(get_args(events.Event), key=lambda kind: kind.__name__)


def test_every_class_of_the_module_is_one_of_ten_events() -> None:
    """The event type names each class of the module, and there are ten."""
    defined = {
        name
        for name, value in vars(events).items()
        if inspect.isclass(value) and value.__module__ == events.__name__
    }
    defined -= {kind.__name__ for kind in get_args(events.Note)} | {"Reader"}
    assert {kind.__name__ for kind in KINDS} == NAMES == defined


@each_row("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_event_is_a_documented_tuple(kind: type) -> None:
    """Each event is a tuple with a docstring."""
    assert issubclass(kind, tuple)
    assert not (kind.__doc__ or "").startswith(f"{kind.__name__}(")


def test_fields_that_a_server_did_not_send_are_none() -> None:
    """Fields without a value are `None`, in usage as in identity."""
    assert set(events.Usage()) == {None}
    started = events.Started(None, None)
    assert set(started) == {None, False}
    assert started.compacted is False
    assert events.CallOpened(0, 0, "a", "f").kind == "function"
    assert events.Finished(0, "stop").failure is None
