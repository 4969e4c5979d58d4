"""Checks the rules that bind an operation's attributes to each other; must not know spans and logs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# values that say the same as leaving the attribute out
NEVER = (
    ("gen_ai.request.stream", False),
    ("gen_ai.conversation.compacted", False),
    ("gen_ai.request.choice.count", 1),
    ("openai.request.service_tier", "auto"),
)

# the first is set only together with the second
NEEDS = (
    ("gen_ai.response.time_to_first_chunk", "gen_ai.request.stream"),
    ("toolspan.stream.outcome", "gen_ai.request.stream"),
    ("gen_ai.prompt.version", "gen_ai.prompt.name"),
)

# the first is contained in the second
PARTS = (
    ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.input_tokens"),
    ("gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.input_tokens"),
    ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.output_tokens"),
    ("gen_ai.usage.text.input_tokens", "gen_ai.usage.input_tokens"),
    ("gen_ai.usage.image.input_tokens", "gen_ai.usage.input_tokens"),
    ("gen_ai.usage.audio.input_tokens", "gen_ai.usage.input_tokens"),
    ("gen_ai.usage.text.output_tokens", "gen_ai.usage.output_tokens"),
    ("gen_ai.usage.image.output_tokens", "gen_ai.usage.output_tokens"),
    ("gen_ai.usage.audio.output_tokens", "gen_ai.usage.output_tokens"),
    ("gen_ai.usage.text.cache_read.input_tokens", "gen_ai.usage.cache_read.input_tokens"),
    ("gen_ai.usage.image.cache_read.input_tokens", "gen_ai.usage.cache_read.input_tokens"),
    ("gen_ai.usage.audio.cache_read.input_tokens", "gen_ai.usage.cache_read.input_tokens"),
    ("gen_ai.usage.text.cache_read.input_tokens", "gen_ai.usage.text.input_tokens"),
    ("gen_ai.usage.image.cache_read.input_tokens", "gen_ai.usage.image.input_tokens"),
    ("gen_ai.usage.audio.cache_read.input_tokens", "gen_ai.usage.audio.input_tokens"),
    ("toolspan.tool_calls.invalid", "toolspan.tool_calls.count"),
)


def check_operation(attributes: Mapping[str, Any]) -> list[str]:
    """The rules for a span and for the event that repeats its attributes."""
    found = [
        f"{name}: {value!r} is never recorded; leave the attribute out"
        for name, value in NEVER
        if attributes.get(name) == value and name in attributes
    ]
    found += [f"{name}: set without {other}" for name, other in NEEDS if _alone(attributes, name, other)]
    for part, whole in PARTS:
        less, more = attributes.get(part), attributes.get(whole)
        if isinstance(less, int) and isinstance(more, int) and less > more:
            found.append(f"{part}: {less} is more than {whole}, which contains it ({more})")
    return found + _choices(attributes) + _fetched(attributes)


def _alone(attributes: Mapping[str, Any], name: str, other: str) -> bool:
    if "toolspan.stage.name" in attributes:  # whose streams nobody asked for by a request
        return False
    return name in attributes and not attributes.get(other)


def _choices(attributes: Mapping[str, Any]) -> list[str]:
    """One output message for each choice, so never more messages than finish reasons."""
    messages = attributes.get("gen_ai.output.messages")
    reasons = attributes.get("gen_ai.response.finish_reasons")
    if isinstance(messages, str):
        try:
            messages = json.loads(messages)
        except ValueError:
            return []
    if not isinstance(messages, (list, tuple)) or not isinstance(reasons, (list, tuple)):
        return []
    if len(messages) <= len(reasons):
        return []
    return [f"gen_ai.output.messages: {len(messages)} messages for {len(reasons)} finish reasons"]


def _fetched(attributes: Mapping[str, Any]) -> list[str]:
    """The reasons of a fetched response are derived from its status; while it is made there are none."""
    status = attributes.get("gen_ai.response.status")
    fetched = attributes.get("gen_ai.operation.name") == "fetch_response"
    if not fetched or "gen_ai.response.finish_reasons" not in attributes:
        return []
    if status not in (None, "queued", "in_progress"):
        return []
    return [f"gen_ai.response.finish_reasons: set though the fetched response is {status}"]
