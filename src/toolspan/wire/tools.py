"""The tools that a request offers, and how a call contradicts them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from . import values
from .json_scanner import UNPARSED
from .json_schema import UNCHECKED, Violation, violation_of
from .response_items import HOSTED

UNKNOWN_TOOL = "unknown_tool"

_OFFERED = frozenset(("function", "custom"))
"""Kinds of calls whose tool the request names."""
# Both bring in tools that the request does not name.
_SEARCHED = frozenset(("tool_search", "mcp"))
_PLAIN = tuple(_OFFERED | HOSTED)
"""Prefixes of the kinds of tools that are called by their name or kind, such as `web_search_preview`."""


class Tools(NamedTuple):
    """The tools offered; `names`, `kinds` and `definitions` have the same order.

    `size` is in bytes of JSON. `fingerprint` changes with any change of a tool. Definitions are the
    request's own objects, never copied and never changed; the caller drops them at the end of the request.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    size: int
    fingerprint: str
    definitions: tuple[Mapping[str, Any], ...] = ()

    def unknown(self, name: str, kind: str) -> bool:
        """Return whether a call is certainly to a tool that was not offered."""
        if name in self.names or kind not in _OFFERED:
            return False
        # An unknown kind may bring in tools as well: xAI's `x_search` is called as `x_keyword_search`
        # (codegraff#632).
        return all(each.startswith(_PLAIN) and each not in _SEARCHED for each in self.kinds)

    @property
    def described(self) -> bool:
        """Whether any tool has a schema of its arguments."""
        return any(isinstance(each.get("parameters"), dict) for each in self.definitions)

    def violation(self, name: str | None, kind: str, arguments: object) -> Violation | None:
        """Return how a call contradicts the tools, by its parsed arguments, which may be `UNPARSED`.

        A call without a name is not checked. If several tools have the name, the arguments are not checked.
        """
        if name is None:
            return None
        if self.unknown(name, kind):
            return Violation(UNKNOWN_TOOL)
        # With two definitions of one name, it is not known which one the model used.
        if kind == "custom" or self.names.count(name) != 1:
            return None
        schema = self.definitions[self.names.index(name)].get("parameters")
        if arguments is UNPARSED:  # larger than what is kept: nobody knows whether they fit
            return Violation(UNCHECKED) if isinstance(schema, dict) else None
        return violation_of(schema, arguments)


def tools(value: object) -> Tools | None:
    """Return the tools of a request's body; a namespace counts as the functions in it."""
    if not isinstance(value, (list, tuple)) or not value:
        return None
    found = [each for tool in value for each in _offered(values.fields(tool))]
    data = _json(value)
    return Tools(
        tuple(_name(known) or kind for kind, known in found),
        tuple(kind for kind, _ in found),
        len(data),
        # Not `hash()`: the fingerprint is an attribute, equal in every process.
        hashlib.blake2b(data, digest_size=8).hexdigest(),
        tuple(known for _, known in found),
    )


def _offered(known: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the kind and the definition of each tool in an entry."""
    if known.get("type") == "namespace":
        yield from (_definition(values.fields(inner)) for inner in values.sequence(known.get("tools")))
    else:
        yield _definition(known)


def _definition(known: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return a tool's kind and its definition, nested in chat and flat in Responses."""
    kind = values.text(known.get("type")) or "function"
    return kind, values.fields(known.get(kind)) or known


def _name(known: Mapping[str, Any]) -> str | None:
    """Return a tool's name; for an MCP server, its label."""
    return values.text(known.get("name")) or values.text(known.get("server_label"))


def _json(value: object) -> bytes:
    """Return tools as JSON bytes; empty if they cannot be encoded."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError):
        text = ""
    return text.encode("utf-8", "surrogatepass")
