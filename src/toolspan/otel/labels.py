"""The labels that our own metrics share, and which tool names they may carry.

A model that invents names must not invent time series. It knows no instrument.
"""

from __future__ import annotations

from typing import TypeAlias

from ..wire.items import HOSTED
from ..wire.tools import Tools
from . import semconv as names
from .attributes import clean
from .sinks import Observed

MOST_NAMES = 100
"""Of tools that were called without any being offered in the request."""

Labels: TypeAlias = "dict[str, str | int]"


def call_labels(call: Observed) -> Labels:
    """Provider and model."""
    labels: Labels = {names.PROVIDER_NAME: call.endpoint.provider}
    if call.request.model is not None:
        labels[names.REQUEST_MODEL] = clean(call.request.model)
    return labels


class ToolNames:
    """The names that one metric has carried; the first hundred that no request offered are kept."""

    def __init__(self) -> None:
        self._kept: set[str] = set()

    def known(self, tools: Tools | None, name: str | None, kind: str = "function") -> str:
        """The name if it was offered; where the offer is not known, one of the first that came."""
        if name is None:
            return names.ERROR_OTHER
        if name in HOSTED or (tools is not None and name in tools.names):
            return clean(name)
        if tools is not None and tools.unknown(name, kind):
            return names.ERROR_OTHER
        if name not in self._kept:
            if len(self._kept) >= MOST_NAMES:
                return names.ERROR_OTHER
            self._kept.add(name)
        return clean(name)
