"""Checks a log record that is an event; must not know spans and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .attributes import check_attributes
from .facts import DETAILS, EVENTS, EXCEPTION, event_levels
from .operations import check_operation
from .values import unknown


def check_log(log_record: Any) -> list[str]:
    """All that is wrong with a log record, bare or as an exporter keeps it; nothing if it conforms."""
    record = getattr(log_record, "log_record", log_record)
    name, attributes = record.event_name, record.attributes or {}
    if name is None:
        return ["event name: missing"]
    if name not in EVENTS:
        return [unknown(name, EVENTS, "event")]
    found = [*_severity(record.severity_number, EVENTS[name]["severity"])]
    if record.body is not None:
        found.append("body: set; events carry attributes only")
    found += check_attributes(attributes, event_levels(name, attributes))
    found += check_operation(attributes) if name == DETAILS else []
    found += _exception(attributes) if name == EXCEPTION else []
    return [f"{name}: {each}" for each in found]


def _severity(number: Any, expected: int | None) -> list[str]:
    if expected is None or (number is not None and number.value == expected):
        return []
    return [f"severity: {None if number is None else number.value}, not {expected}"]


def _exception(attributes: Mapping[str, Any]) -> list[str]:
    if "exception.type" in attributes or "exception.message" in attributes:
        return []
    return ["exception.type: missing, and so is exception.message; one of them is required"]
