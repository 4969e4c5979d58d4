"""The tools that a request offers, and what is wrong with a call by that offer.

The definitions are the body's own objects, never changed or copied; whoever holds them lets go of them with
the request. It knows no answer and no telemetry name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from . import values
from .json_scanner import UNPARSED
from .json_schema import Violation, violation_of
from .response_items import HOSTED

UNKNOWN_TOOL = "unknown_tool"

_OFFERED = frozenset(("function", "custom"))
"""Kinds of calls to tools that a request can name."""
_SEARCHED = frozenset(("tool_search", "mcp"))
_PLAIN = tuple(_OFFERED | HOSTED)
"""How those kinds of tools begin that are called by the name they are offered with, or as their kind."""


class Tools(NamedTuple):
    """The tools offered. `size` is in bytes of JSON; `fingerprint` changes when any of them does.

    `names`, `kinds` and `definitions` are in the same order.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    size: int
    fingerprint: str
    definitions: tuple[Mapping[str, Any], ...] = ()

    def unknown(self, name: str, kind: str) -> bool:
        """Whether a call is one to a tool that is certainly not among these.

        Searches and MCP servers bring tools that the request does not name; so may kinds that we do not know,
        as xAI's `x_search` does, which is called `x_keyword_search` (codegraff#632).
        """
        if name in self.names or kind not in _OFFERED:
            return False
        return all(each.startswith(_PLAIN) and each not in _SEARCHED for each in self.kinds)

    @property
    def described(self) -> bool:
        """Whether any of them says what its arguments are."""
        return any(isinstance(each.get("parameters"), dict) for each in self.definitions)

    def violation(self, name: str | None, kind: str, arguments: object) -> Violation | None:
        """What is wrong with a call by its parsed arguments, which may be `UNPARSED`.

        A call without a name, or to a name that is offered twice, is not held against anything.
        """
        if name is None:
            return None
        if self.unknown(name, kind):
            return Violation(UNKNOWN_TOOL)
        if arguments is UNPARSED or self.names.count(name) != 1:
            return None
        return violation_of(self.definitions[self.names.index(name)].get("parameters"), arguments)


def tools(value: object) -> Tools | None:
    """The tools of a body; of a namespace, the functions in it."""
    if not isinstance(value, (list, tuple)) or not value:
        return None
    found = [each for tool in value for each in _offered(values.fields(tool))]
    data = _json(value)
    return Tools(
        tuple(_name(known) or kind for kind, known in found),
        tuple(kind for kind, _ in found),
        len(data),
        hashlib.blake2b(data, digest_size=8).hexdigest(),
        tuple(known for _, known in found),
    )


def _offered(known: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Kind and definition of each tool in an entry: there are several in a namespace."""
    if known.get("type") == "namespace":
        yield from (_definition(values.fields(inner)) for inner in values.sequence(known.get("tools")))
    else:
        yield _definition(known)


def _definition(known: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    kind = values.text(known.get("type")) or "function"
    return kind, values.fields(known.get(kind)) or known


def _name(known: Mapping[str, Any]) -> str | None:
    return values.text(known.get("name")) or values.text(known.get("server_label"))


def _json(value: object) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError):
        text = ""
    return text.encode("utf-8", "surrogatepass")
