"""Check the rules of `data/rules.yaml` that bind an operation's attributes to each other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

RULES: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "data" / "rules.yaml").read_text("utf-8"))
Attributes = Mapping[str, Any]


def check_operation(attributes: Attributes) -> list[str]:
    """Return the complaints about a span, or about the event that repeats its attributes."""
    rules = (_never, _needs, _sizes, _choices, _fetched)
    return [complaint for rule in rules for complaint in rule(attributes)]


def _never(attributes: Attributes) -> Iterator[str]:
    for name, value in RULES["never"].items():
        if name in attributes and attributes[name] == value:
            yield f"{name}: {value!r} is never recorded; leave the attribute out"


def _needs(attributes: Attributes) -> Iterator[str]:
    if "toolspan.stage.name" in attributes:  # a stage's stream has no request
        return
    for name, other in RULES["needs"].items():
        if name in attributes and not attributes.get(other):
            yield f"{name}: set without {other}"


def _sizes(attributes: Attributes) -> Iterator[str]:
    for whole, parts in RULES["contains"].items():
        for part in parts:
            less, more = attributes.get(part), attributes.get(whole)
            if isinstance(less, int) and isinstance(more, int) and less > more:
                yield f"{part}: {less} is more than {whole}, which contains it ({more})"


def _choices(attributes: Attributes) -> Iterator[str]:
    """Each choice has one output message, so there are never more messages than finish reasons."""
    messages = _decoded(attributes.get("gen_ai.output.messages"))
    reasons: Any = attributes.get("gen_ai.response.finish_reasons")
    lists = isinstance(messages, (list, tuple)) and isinstance(reasons, (list, tuple))
    if lists and len(messages) > len(reasons):
        yield f"gen_ai.output.messages: {len(messages)} messages for {len(reasons)} finish reasons"


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return None


def _fetched(attributes: Attributes) -> Iterator[str]:
    """The reasons of a fetched response are derived from its status; an unfinished one has none."""
    status = attributes.get("gen_ai.response.status")
    fetched = attributes.get("gen_ai.operation.name") == "fetch_response"
    reasons = "gen_ai.response.finish_reasons" in attributes
    if fetched and reasons and status in (None, "queued", "in_progress"):
        yield f"gen_ai.response.finish_reasons: set though the fetched response is {status}"
