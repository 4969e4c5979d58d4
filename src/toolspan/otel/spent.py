"""The sink that brings what each call has used to `toolspan.usage`.

It knows no totals and no budgets; it must come after the sink that finds out what a call cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from ..wire.events import Usage
from . import operations
from .sinks import Observed, Sink

_NOTHING = Usage()
Add = Callable[[Mapping[str, "str | None"], tuple[float, ...]], None]
"""Takes the names that a call is counted under, and what it has used: the fields of `UsageTotal`."""


class SpentSink(Sink):
    """Counts a call when it has ended, also one of which another instrumentation tells: none counts here."""

    signals: ClassVar[Mapping[str, str]] = {
        "ended": "totals of usage",
    }

    def __init__(self, add: Add) -> None:
        self._add = add

    def ended(self, call: Observed) -> None:
        """Fetching a response uses nothing; a call without usage is counted as such."""
        if call.operation == operations.FETCH_RESPONSE:
            return
        record, request = call.record, call.request
        names: dict[str, str | None] = {name: str(value) for name, value in call.user.items()}
        names["conversation"] = request.conversation
        names["model"] = request.model or record.started.model
        usage = record.usage or _NOTHING
        used = (
            1,
            usage.input or 0,
            usage.output or 0,
            usage.cache_read or 0,
            usage.reasoning or 0,
            0.0 if call.cost is None else call.cost.amount,
            int(usage.input is None and usage.output is None),
            int(call.cost is None),
        )
        self._add(names, used)
