"""The labels of toolspan's own metrics, with bounds on their values.

Each set of labels is a time series in the backend, so no value may be invented by a model or a user.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from ..wire.response_items import HOSTED
from ..wire.tools import Tools
from . import semconv as names
from .attributes import Value, clean
from .call_data import CallData
from .content.truncate import dump, shorten

MOST_NAMES = 100
"""Tool names of requests without tool definitions; further ones are recorded as `_OTHER`."""
MOST_VALUES = 100
"""Values of each user attribute, and words of servers of each kind; further ones are recorded as `_OTHER`."""
_LONGEST = 128  # characters of a user attribute's value

Labels: TypeAlias = "dict[str, str | int]"


def call_labels(call: CallData) -> Labels:
    """Return provider, model and the user attributes for metrics; the caller must not change them."""
    # Cached on the call, because every measurement of it needs them.
    found = call.common
    if found is None:
        found = call.common = {**call.user_labels, names.PROVIDER_NAME: call.endpoint.provider}
        if (model := call.request.model) is not None:
            found[names.REQUEST_MODEL] = model if model.isascii() else clean(model)
    return found


class ToolNames:
    """The tool names that one metric may carry."""

    def __init__(self) -> None:
        self._kept: set[str] = set()

    # If the request's tools are not known completely, the first hundred names are kept.
    def known(self, tools: Tools | None, name: str | None, kind: str = "function") -> str:
        """Return a name that the request offered; `_OTHER` for any other."""
        if name is None:
            return names.ERROR_OTHER
        if name in HOSTED or (tools is not None and name in tools.names):
            return clean(name)
        if tools is not None and tools.unknown(name, kind):
            return names.ERROR_OTHER
        # A response that is fetched, or a server with MCP tools: the request does not list all names.
        if name not in self._kept:
            if len(self._kept) >= MOST_NAMES:
                return names.ERROR_OTHER
            self._kept.add(name)
        return clean(name)


class ServerWords(dict[str, str]):
    """The words of servers that one label may have: read it by the word; `_OTHER` for one too many.

    Servers make up models, tiers and error codes as they please.
    """

    # A dictionary, because each call reads it several times: only a new word costs a call of Python code.
    def __missing__(self, word: str) -> str:
        """Keep a word that is new, and return its label."""
        if len(self) >= MOST_VALUES:
            return names.ERROR_OTHER
        self[word] = found = clean(word)
        return found


class UserLabels:
    """The user attributes that metrics carry, selected by a setting, with bounded values."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._kept: dict[str, set[str | int]] = {key: set() for key in keys}

    def of(self, user: Mapping[str, Value]) -> Mapping[str, str | int]:
        """Return the labels of one call.

        Call this once for each call: a second result may be `_OTHER`, and the gauge of open streams would
        be decremented under other labels than it was incremented.
        """
        if not user or not self._kept:  # nearly every call: no user attribute is selected
            return {}
        return {key: _known(kept, user[key]) for key, kept in self._kept.items() if key in user}


def _known(kept: set[str | int], value: Value) -> str | int:
    # A float or a list becomes text: floats could differ in every call, and lists cannot be hashed.
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
