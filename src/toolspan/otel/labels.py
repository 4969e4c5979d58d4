"""The labels that our own metrics share, and which tool names they may carry.

A model that invents names must not invent time series. It knows no instrument.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from ..wire.response_items import HOSTED
from ..wire.tools import Tools
from . import semconv as names
from .attributes import Value, clean
from .content.truncate import dump, shorten
from .sink import Observed

MOST_NAMES = 100
"""Of tools that were called without any being offered in the request."""
MOST_VALUES = 100
"""Of each attribute of the application's."""
_LONGEST = 128  # characters of such a value

Labels: TypeAlias = "dict[str, str | int]"


def call_labels(call: Observed) -> Labels:
    """Provider and model, and what the application wants to see on its metrics; a new dict each time."""
    if call.common is None:
        call.common = {**call.user_labels, names.PROVIDER_NAME: call.endpoint.provider}
        if call.request.model is not None:
            call.common[names.REQUEST_MODEL] = clean(call.request.model)
    return call.common.copy()


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


class UserLabels:
    """Those of the application's attributes that its metrics may carry; the first hundred values of each."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._kept: dict[str, set[str | int]] = {key: set() for key in keys}

    def of(self, user: Mapping[str, Value]) -> Mapping[str, str | int]:
        """The labels of one call; to be asked for once, so that a call is counted under one value."""
        if not user or not self._kept:
            return {}
        return {key: _known(kept, user[key]) for key, kept in self._kept.items() if key in user}


def _known(kept: set[str | int], value: Value) -> str | int:
    label = (
        value
        if isinstance(value, int)
        else shorten(value if isinstance(value, str) else dump(value), _LONGEST)
    )
    if label not in kept:
        if len(kept) >= MOST_VALUES:
            return names.ERROR_OTHER
        kept.add(label)
    return label
