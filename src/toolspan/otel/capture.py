"""How one signal carries content: whether it is on there, in which form, and how much of it.

It knows neither spans nor logs; what the content is, is decided in `content.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from . import semconv as names
from .shapes import names_only, narrow
from .sinks import Observed
from .telling import Contents
from .tidy import dump, messages_json, within

_STRUCTURES_SINCE = (1, 45)  # spans of older OpenTelemetry versions drop nested values


def spans_take_structures() -> bool:
    """Whether this OpenTelemetry keeps nested attribute values on spans."""
    try:
        numbers = re.findall(r"\d+", version("opentelemetry-api"))
    except PackageNotFoundError:
        return False
    return tuple(map(int, numbers[:2])) >= _STRUCTURES_SINCE


@dataclass(frozen=True, slots=True)
class Capture:
    """How one signal carries content.

    `limit` is in characters per text; `total`, where set, in characters per attribute. `full` says whether
    the tools' definitions have descriptions and parameters.
    """

    on: bool
    structured: bool
    limit: int
    total: int | None = None
    full: bool = False

    def of(self, call: Observed) -> bool:
        """Whether this call's content is wanted; it may be switched off for single clients."""
        return self.on and call.record.keep

    def attributes(self, contents: Contents) -> dict[str, Any]:
        """The content in this signal's form; what there is no room for is left out."""
        found = {}
        for name, value in contents.items():
            form = self._form(name, value)
            if form is not None:
                found[name] = form
        return found

    def _form(self, name: str, value: Any) -> Any:
        if self.total is not None and self.total < self.limit:
            value = narrow(name, value, self.total)
        if self.structured or value is None or isinstance(value, str):
            return value
        if isinstance(value, list):
            if name == names.TOOL_DEFINITIONS and self.total is not None and len(dump(value)) > self.total:
                value = names_only(value)
            return messages_json(value, self.total)
        found = within(value, self.limit, self.limit * 4 if self.total is None else self.total)
        return None if found is None else dump(found)
