"""Check attributes: their names and levels on one signal, their types and enumerations."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from typing import Any

from .facts import ATTRIBUTES, RENAMED, Levels
from .messages import check_content

# The conventions leave every enumeration open; for these no other value can apply to the OpenAI API.
CLOSED = (
    "gen_ai.token.type",
    "gen_ai.token.modality",
    "gen_ai.tool.type",
    "gen_ai.output.type",
    "openai.api.type",
)
_NEAR = 0.9
_TEMPLATE = "template["

_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "double": lambda value: isinstance(value, float),
    "string[]": lambda value: (
        isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)
    ),
    "any": lambda value: True,
}


def attribute_type(name: str) -> str | None:
    """Return the type of an attribute, or of the template to which its name belongs, or `None`."""
    if name in ATTRIBUTES:
        return str(ATTRIBUTES[name]["type"])
    parent = template(name)
    return None if parent is None else str(ATTRIBUTES[parent]["type"])[len(_TEMPLATE) : -1]


def template(name: str) -> str | None:
    """Return the template that begins this name, or `None`."""
    keyed = (each for each, fact in ATTRIBUTES.items() if fact["type"].startswith(_TEMPLATE))
    return next((each for each in keyed if name.startswith(each + ".")), None)


def check_value(name: str, value: Any) -> list[str]:
    """Return the complaints about the value of a known attribute."""
    kind = attribute_type(name)
    if kind is None or kind.startswith(_TEMPLATE):
        return [f"{name}: has no value of its own, only with a key after it"]
    if not _TYPES[kind](value):
        return [f"{name}: {value!r} is {type(value).__name__}, not {kind}"]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0 and _counts(name):
        return [f"{name}: {value!r} is negative"]
    return _check_enumeration(name, value)


def unknown(name: str, known: Collection[str], what: str = "attribute") -> str:
    """Return the complaint about a name that does not belong here, with the nearest name that does."""
    meant = RENAMED.get(name)
    near = [meant] if meant in known else difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    if name in ATTRIBUTES and what == "attribute":
        return f"{name}: attribute does not belong here"
    return f"{name}: unknown {what}" + (f"; is {near[0]} meant?" if near else "")


def _counts(name: str) -> bool:
    """Return whether the value is an amount, which is never negative."""
    return not name.endswith(("_penalty", ".change", ".seed", ".score.value"))


def _check_enumeration(name: str, value: Any) -> list[str]:
    fact: Mapping[str, Any] = ATTRIBUTES.get(name, {})
    values: list[str] = fact.get("values", [])
    if not values or value in values:
        return []
    if not fact["open"] or name in CLOSED:
        return [f"{name}: {value!r} is not one of {', '.join(values)}"]
    near = difflib.get_close_matches(value.lower().replace("-", "_"), values, n=1, cutoff=_NEAR)
    return [f"{name}: {value!r} is not a known value; is {near[0]} meant?"] if near else []


def check_attributes(attributes: Mapping[str, Any], levels: Levels, *, text: bool = False) -> list[str]:
    """Return the complaints about a signal's attributes; with `text`, content may be a JSON string."""
    found = [
        f"{name}: required attribute is missing"
        for name, fact in sorted(levels.items())
        if fact["level"] == "required" and name not in attributes
    ]
    for name, value in attributes.items():
        if not _belongs(name, levels):
            found.append(unknown(name, levels))
        else:
            found += check_value(name, value)
            found += _content(name, value, attributes, text=text)
    return found + _address(attributes)


def _belongs(name: str, levels: Levels) -> bool:
    return name in levels or template(name) in levels


def _content(name: str, value: Any, attributes: Mapping[str, Any], *, text: bool) -> list[str]:
    schema = ATTRIBUTES.get(name, {}).get("schema")
    if schema is None:
        return []
    if isinstance(value, str) and attributes.get("toolspan.tool_call.valid") is False:
        return []  # arguments that are not JSON are recorded unchanged
    return [f"{name}: {each}" for each in check_content(schema, value, text=text)]


def _address(attributes: Mapping[str, Any]) -> list[str]:
    """Address and port are set together."""
    if "server.address" in attributes and "server.port" not in attributes:
        return ["server.port: missing though server.address is set"]
    if "server.port" in attributes and "server.address" not in attributes:
        return ["server.port: set though server.address is missing"]
    return []
