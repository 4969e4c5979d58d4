"""The tools that a request offers, and how a call contradicts them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

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


class Tools:
    """The tools offered; `names`, `kinds` and `definitions` have the same order.

    `size` is in bytes of JSON. `fingerprint` changes with any change of a tool. `described` is whether any
    tool has a schema of its arguments. Not to be changed: requests share it.
    """

    __slots__ = ("definitions", "described", "fingerprint", "kinds", "names", "size")

    def __init__(self, value: Iterable[Any], data: bytes) -> None:
        found = [each for tool in value for each in _offered(values.fields(tool))]
        self.names = tuple([_name(known) or kind for kind, known in found])
        self.kinds = tuple([kind for kind, _ in found])
        self.definitions = tuple([known for _, known in found])
        self.described = any(isinstance(known.get("parameters"), dict) for known in self.definitions)
        self.size = len(data)
        # Not `hash()`: the fingerprint is an attribute, equal in every process.
        self.fingerprint = hashlib.blake2b(data, digest_size=8).hexdigest()

    def unknown(self, name: str, kind: str) -> bool:
        """Return whether a call is certainly to a tool that was not offered."""
        if name in self.names or kind not in _OFFERED:
            return False
        # An unknown kind may bring in tools as well: xAI's `x_search` is called as `x_keyword_search`
        # (codegraff#632).
        return all(each.startswith(_PLAIN) and each not in _SEARCHED for each in self.kinds)

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
        if arguments is UNPARSED:  # larger than what is kept: it is unknown whether they fit
            return Violation(UNCHECKED) if isinstance(schema, dict) else None
        return violation_of(schema, arguments)


# Agents send the same tools with every request, in new objects. Parsed JSON takes up to 40 times the memory
# of its text, so there is room for few large texts, and a still larger one is not kept.
_SMALL, _LARGE = 8 * 1024, 64 * 1024  # characters of JSON
_MOST_SMALL, _MOST_LARGE = 16, 4


def tools(value: object) -> Tools | None:
    """Return the tools of a request's body; a namespace counts as the functions in it."""
    if not isinstance(value, (list, tuple)) or not value:
        return None
    try:
        text = _encode(value)
        if len(text) <= _SMALL:
            return _kept_small(text)
        return _kept_large(text) if len(text) <= _LARGE else _read(text)
    except (TypeError, ValueError, RecursionError):  # no JSON, or nested too deeply
        return Tools(value, b"")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


def _read(text: str) -> Tools:
    # From the text, not from the request's own objects: the application may change those later.
    return Tools(json.loads(text), text.encode("utf-8", "surrogatepass"))


_kept_small = lru_cache(maxsize=_MOST_SMALL)(_read)
_kept_large = lru_cache(maxsize=_MOST_LARGE)(_read)


def _offered(known: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the kind and the definition of each tool in an entry."""
    if known.get("type") == "namespace":
        yield from (_definition(values.fields(inner)) for inner in values.sequence(known.get("tools")))
    else:
        yield _definition(known)


def _definition(known: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return a tool's kind and its definition, nested in chat and flat in Responses and Messages."""
    kind = values.text(known.get("type")) or "function"
    if "input_schema" in known:  # Anthropic's; its type may be `custom`, which is no free text there
        return "function", {**known, "parameters": known["input_schema"]}
    return kind, values.fields(known.get(kind)) or known


def _name(known: Mapping[str, Any]) -> str | None:
    """Return a tool's name; for an MCP server, its label."""
    return values.text(known.get("name")) or values.text(known.get("server_label"))
