"""Load the facts of the conventions and of toolspan's own table, and look up the levels of a signal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from toolspan.otel import call_data

Fact: TypeAlias = "Mapping[str, Any]"
Levels: TypeAlias = "Mapping[str, Fact]"
"""Attribute names, and the level and sampling relevance of each on one signal."""

_HERE = Path(__file__).parent
CONVENTION: dict[str, Any] = json.loads((_HERE / "facts.json").read_text("utf-8"))
OWN: dict[str, Any] = json.loads((_HERE / "toolspan_facts.json").read_text("utf-8"))

ATTRIBUTES: dict[str, Fact] = {**CONVENTION["attributes"], **OWN["attributes"]}
METRICS: dict[str, Fact] = {**CONVENTION["metrics"], **OWN["metrics"]}
EVENTS: dict[str, Fact] = {**CONVENTION["events"], **OWN["events"]}
OWN_EVENTS: dict[str, Fact] = OWN["events"]
LINK: Levels = OWN["links"]["attributes"]
SCHEMAS: dict[str, Fact] = CONVENTION["messages"]
RENAMED: dict[str, str] = CONVENTION["renamed"]

DETAILS = "gen_ai.client.inference.operation.details"
EXCEPTIONS = ("gen_ai.client.inference.exception", "gen_ai.client.operation.exception")
_SPANS = {name: fact["attributes"] for name, fact in {**CONVENTION["spans"], **OWN["spans"]}.items()}
_INFERENCE: Levels = {**_SPANS["gen_ai.client.inference"], **_SPANS["toolspan.inference"]}
_OPENAI: Levels = {**_SPANS["openai.gen_ai.client.inference"], **_SPANS["toolspan.inference"]}
_EMBEDDINGS: Levels = {**_SPANS["gen_ai.embeddings.client"], **_SPANS["toolspan.embeddings"]}
_AGENT: Levels = _SPANS["toolspan.agent"]
"""What everything within an agent carries."""
_PLAIN: Levels = {**_EMBEDDINGS, **_SPANS["toolspan.plain"]}
PLAIN = frozenset(call_data.PLAIN)
"""Operations that no convention names: spans without messages and tool calls."""
_FETCH: Levels = {**_SPANS["gen_ai.fetch_response.client"], **_SPANS["toolspan.fetch_response"]}
_OPENAI_FETCH: Levels = {**_SPANS["openai.fetch_response.client"], **_SPANS["toolspan.fetch_response"]}


def operation_levels(attributes: Mapping[str, Any]) -> Levels:
    """Return the attributes that belong on the span of an operation.

    The OpenAI refinements add names for every provider; their levels hold where the provider is `openai`.
    """
    return {**_AGENT, **_own_levels(attributes)}


def _own_levels(attributes: Mapping[str, Any]) -> Levels:
    operation = attributes.get("gen_ai.operation.name")
    if "toolspan.stage.name" in attributes:
        return _SPANS["toolspan.stage"]
    if operation == "execute_tool":
        return {**_SPANS["gen_ai.execute_tool.internal"], **_SPANS["toolspan.execute_tool"]}
    if operation == "invoke_agent":
        return {**_SPANS["gen_ai.invoke_agent.internal"], **_SPANS["toolspan.invoke_agent"]}
    if operation == "embeddings" or operation in PLAIN:
        return _EMBEDDINGS if operation == "embeddings" else _PLAIN
    plain, refined = (_FETCH, _OPENAI_FETCH) if operation == "fetch_response" else (_INFERENCE, _OPENAI)
    return refined if attributes.get("gen_ai.provider.name") == "openai" else {**refined, **plain}


def event_levels(name: str, attributes: Mapping[str, Any]) -> Levels:
    """Return the attributes that belong on a log event; an exception may also carry those of the span."""
    if name == DETAILS:  # the convention defines this event for inference only
        return operation_levels({**attributes, "gen_ai.operation.name": "chat"})
    own: Levels = {**_AGENT, **EVENTS[name]["attributes"]}
    if name not in EXCEPTIONS:
        return own
    optional = {each: {"level": "recommended"} for each in operation_levels(attributes)}
    return {**optional, **own}


def sampling_relevant(attributes: Mapping[str, Any]) -> set[str]:
    """Return the names that this operation's sampler should receive."""
    return {name for name, fact in operation_levels(attributes).items() if fact.get("sampling_relevant")}
