"""Checks a set of attributes against the levels of its signal; must not know spans, metrics and logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .facts import ATTRIBUTES, Levels
from .messages import check_content
from .values import check_value, template, unknown


def check_attributes(attributes: Mapping[str, Any], levels: Levels, *, text: bool = False) -> list[str]:
    """Unknown, missing and wrong attributes; `text` where content may also be a JSON string."""
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
        return []  # arguments that are no JSON are recorded as they came
    return [f"{name}: {each}" for each in check_content(schema, value, text=text)]


def _address(attributes: Mapping[str, Any]) -> list[str]:
    """The port is there if and only if the address is."""
    if "server.address" in attributes and "server.port" not in attributes:
        return ["server.port: missing though server.address is set"]
    if "server.port" in attributes and "server.address" not in attributes:
        return ["server.port: set though server.address is missing"]
    return []
