"""Derive names, types and numbers from the YAML and the JSON schemas of OpenTelemetry's conventions.

`python tools/semconv_facts.py DATA_DIR` writes `tests/conformance/facts.json`; `--check` only compares.
It never imports toolspan, because the conformance tests compare toolspan with its result.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C, if there is one: ten times as fast."""

Facts: TypeAlias = "dict[str, Any]"

TARGET = Path(__file__).parents[1] / "tests" / "conformance" / "facts.json"
MODELS = ("core-v1.44.0/model", "genai-main-2026-08-15/model", "genai-newer")  # a later one wins
SCHEMAS = "genai-main-2026-08-15/model/gen-ai"
OUTPUT_MESSAGES = "derived/gen-ai-output-messages.after-pr363.json"
SPANS = (
    "gen_ai.client.inference",
    "openai.gen_ai.client.inference",
    "gen_ai.embeddings.client",
    "gen_ai.fetch_response.client",
    "openai.fetch_response.client",
    "gen_ai.execute_tool.internal",
    "gen_ai.invoke_agent.internal",
)
METRICS = ("gen_ai.client.", "gen_ai.execute_tool.", "gen_ai.invoke_agent.")  # the others are for model hosts
ALSO = (
    "gen_ai.tool.name",
    "gen_ai.tool.call.id",
    "gen_ai.tool.call.arguments",
)  # attributes that none of these signals has
PROSE = ("description", "title", "examples")
VERSIONS = ["0.1", "1.41"]

_DURATION = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
_AGENT_DURATION = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6]
_COUNTS = [2**power for power in range(8)]
_TOKENS = [4**power for power in range(14)]
_MODALITIES = ("text", "image", "audio")
_BY_MODALITY = [
    f"gen_ai.usage.{modality}.{count}"
    for modality in _MODALITIES
    for count in ("input_tokens", "output_tokens", "cache_read.input_tokens")
]

# Facts of the conventions that the YAML in DATA_DIR lacks: changes merged after 2026-08-15, and the buckets,
# which only the documents' text has. Nothing else in this file is written by hand.
OVERLAY: Facts = {
    # #521, 2026-10-06: the span's type; not visible in telemetry, but the newer events refer to it
    "span_types": {
        "gen_ai.inference.client": "gen_ai.client.inference",
        "openai.inference.client": "openai.gen_ai.client.inference",
    },
    # #440; the others are older names that some instrumentations still use
    "renamed": {
        "gen_ai.usage.cache_creation.input_tokens": "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.system": "gen_ai.provider.name",
        "gen_ai.usage.prompt_tokens": "gen_ai.usage.input_tokens",
        "gen_ai.usage.completion_tokens": "gen_ai.usage.output_tokens",
        "gen_ai.openai.request.service_tier": "openai.request.service_tier",
        "gen_ai.openai.response.service_tier": "openai.response.service_tier",
        "gen_ai.openai.response.system_fingerprint": "openai.response.system_fingerprint",
    },
    # #440 and #374: usage by modality on the inference span, the modality on the counters
    "attributes": {
        **{name: {"type": "int"} for name in _BY_MODALITY},
        "gen_ai.token.modality": {
            "type": "string",
            "values": sorted([*_MODALITIES, "unknown"]),
            "open": True,
        },
        # from the text of its note; the YAML has a string with examples
        "gen_ai.tool.type": {
            "type": "string",
            "values": ["datastore", "extension", "function"],
            "open": True,
        },
    },
    "inference": dict.fromkeys(_BY_MODALITY, "recommended"),
    # Metrics and events of v0.1.0 that are copies of others. #521: the metrics of inference; the provider is
    # always known there. Whether the OpenAI attributes were carried over was not checked; they are assumed
    # to be. Those of embeddings are in the changelog and in the conventions' reference implementation.
    "copies": {
        "gen_ai.client.embeddings.duration": "gen_ai.client.operation.duration",
        "gen_ai.client.embeddings.operation.input_tokens": "gen_ai.client.inference.operation.input_tokens",
        "gen_ai.client.inference.duration": "gen_ai.client.operation.duration",
        "gen_ai.client.inference.time_to_first_chunk": "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.client.inference.time_per_output_chunk": "gen_ai.client.operation.time_per_output_chunk",
    },
    "copied_levels": {"gen_ai.provider.name": "required"},
    "more_levels": {
        "gen_ai.client.embeddings.operation.input_tokens": {"error.type": "conditionally_required"},
        "gen_ai.execute_tool.exception": {"gen_ai.tool.name": "required"},
    },
    "copied_events": {
        "gen_ai.client.inference.exception": "gen_ai.client.operation.exception",
        "gen_ai.execute_tool.exception": "gen_ai.client.operation.exception",
    },
    # The versions in which a metric or an event exists: both, unless it is listed here. v0.1.0 keeps the
    # duration and the exception event of 1.41 for operations that have none of their own.
    "versions": {
        "gen_ai.client.embeddings.": ["0.1"],
        "gen_ai.client.inference.": ["0.1"],
        "gen_ai.client.inference.operation.details": ["0.1", "1.41"],
        "gen_ai.client.operation.time_per_output_chunk": ["1.41"],
        "gen_ai.client.operation.time_to_first_chunk": ["1.41"],
        "gen_ai.client.token.usage": ["1.41"],
        "gen_ai.execute_tool.exception": ["0.1"],
    },
    # How sure a name is, because there is no registry at the tag v0.1.0: `tag` was read in its documents or
    # its changelog, `main` in the data, `branch` is a change whose merge was not seen. The rest is `main`.
    "certainty": {
        "error.": "tag",
        "exception.": "tag",
        "server.": "tag",
        "gen_ai.client.inference.": "tag",
        "gen_ai.client.operation.": "tag",
        "gen_ai.execute_tool.exception": "tag",
        "gen_ai.usage.audio.": "branch",
        "gen_ai.usage.image.": "branch",
        "gen_ai.usage.text.": "branch",
    },
    # #536 was not merged by 2026-10-09: without it the two histograms carry no error
    "without": {
        "gen_ai.client.inference.operation.input_tokens": ["error.type"],
        "gen_ai.client.inference.operation.output_tokens": ["error.type"],
    },
    # one list for each unit, and one for a metric of its own
    "buckets": {
        "s": _DURATION,
        "{token}": _TOKENS,
        "{inference_call}": _COUNTS,
        "{tool_call}": _COUNTS,
        "gen_ai.invoke_agent.duration": _AGENT_DURATION,
    },
}


class Model:
    """All definitions of the YAML files by name, with unresolved references."""

    def __init__(self, data: Path) -> None:
        self.attributes: Facts = {}
        self.groups: dict[str, list[Facts]] = {}
        self.signals: dict[str, dict[str, Facts]] = {}
        for path in (path for model in MODELS for path in sorted((data / model).rglob("*.yaml"))):
            self._read(yaml.load(path.read_text("utf-8"), LOADER))

    def _read(self, document: Facts) -> None:
        old = [each for group in document.get("groups", ()) for each in group["attributes"]]
        for attribute in [*document.get("attributes", ()), *old]:
            if (name := attribute.get("key") or attribute.get("id")) is not None:
                self.attributes[name] = attribute
        for group in document.get("attribute_groups", ()):
            self.groups[group["id"]] = group["attributes"]
        for kind in ("spans", "metrics", "events", "span_refinements", "metric_refinements"):
            for signal in document.get(kind, ()):
                name = signal.get("name") if kind != "spans" else signal["type"]
                self._add(kind, signal.get("id") or name, signal)

    def _add(self, kind: str, name: str, signal: Facts) -> None:
        name = OVERLAY["span_types"].get(name, name)
        self.signals.setdefault(kind, {})[name] = signal
        if kind == "spans":
            self.groups[f"span.{name}"] = signal["attributes"]

    def resolve(self, entries: Iterable[Facts]) -> Facts:
        """Return the levels by attribute name; an entry's own level overrides that of its groups."""
        found: Facts = {}
        entries = list(entries)
        for entry in entries:
            if "ref_group" in entry:
                merge(found, self.resolve(self.groups[entry["ref_group"]]))
        for entry in entries:
            if "ref" in entry:
                merge(found, {OVERLAY["renamed"].get(entry["ref"], entry["ref"]): _reference(entry)})
        return found


def merge(target: Facts, source: Facts) -> None:
    """Add the facts of `source` to `target`; a level that `source` lacks stays."""
    for name, fact in source.items():
        target.setdefault(name, {}).update(fact)


def levels(attributes: Facts) -> Facts:
    """Return the attributes with the default level where they have none."""
    return {name: {"level": "recommended", **fact} for name, fact in attributes.items()}


def level(value: Any) -> str:
    """Return the level without its condition."""
    return value if isinstance(value, str) else str(next(iter(value)))


def _reference(entry: Facts) -> Facts:
    found: Facts = {}
    if "requirement_level" in entry:
        found["level"] = level(entry["requirement_level"])
    if entry.get("sampling_relevant"):
        found["sampling_relevant"] = True
    return found


def attribute_fact(attribute: Facts) -> Facts:
    """Return type, known values and schema of an attribute. The conventions' enumerations are open."""
    kind = attribute["type"]
    if isinstance(kind, dict):
        return {
            "type": "string",
            "values": sorted(member["value"] for member in kind["members"]),
            "open": True,
        }
    schema = attribute.get("annotations", {}).get("type", {}).get("json_schema")
    return {"type": kind, **({"schema": schema_name(schema)} if schema else {})}


def schema_name(path: str) -> str:
    """Return `input-messages` for `.../gen-ai-input-messages.json`."""
    return Path(path).stem.removeprefix("gen-ai-")


def span_facts(model: Model) -> Facts:
    """Return the spans of `SPANS`: inference and fetched responses also with OpenAI's refinements."""
    found = {}
    for name in SPANS:
        refined = model.signals["span_refinements"].get(name, {})
        base = OVERLAY["span_types"].get(refined.get("ref", name), refined.get("ref", name))
        attributes = model.resolve(model.groups[f"span.{base}"])
        merge(attributes, model.resolve(refined.get("attributes", ())))
        if base == SPANS[0]:
            merge(attributes, _levels_of(OVERLAY["inference"]))
        span = model.signals["spans"][base]
        found[name] = {"kind": span["kind"], "attributes": levels(attributes)}
    return found


def event_facts(model: Model) -> Facts:
    """Return the log events; only the text has their severity, as a number."""
    found = {}
    for name, event in model.signals["events"].items():
        attributes = model.resolve(event["attributes"])
        if name == "gen_ai.client.inference.operation.details":
            merge(attributes, _levels_of(OVERLAY["inference"]))
        severity = re.search(r"severity number (\d+)", event.get("note", ""))
        found[name] = {
            "level": level(event["requirement_level"]),
            "severity": int(severity[1]) if severity else None,
            "attributes": levels(attributes),
        }
    for name, copied in OVERLAY["copied_events"].items():
        found[name] = _copy(name, found[copied])
    return {name: _dated(name, fact) for name, fact in found.items()}


def metric_facts(model: Model) -> Facts:
    """Return the client metrics of all versions, with OpenAI's refinements."""
    found = {
        name: _metric(model, name, metric)
        for name, metric in model.signals["metrics"].items()
        if name.startswith(METRICS)
    }
    for name, copied in OVERLAY["copies"].items():
        found[name] = _copy(name, found[copied])
    return {name: _dated(name, fact) for name, fact in found.items()}


def _copy(name: str, fact: Facts) -> Facts:
    found: Facts = json.loads(json.dumps(fact))
    if name in OVERLAY["copies"]:
        merge(found["attributes"], _levels_of(OVERLAY["copied_levels"]))
    merge(found["attributes"], _levels_of(OVERLAY["more_levels"].get(name, {})))
    return found


def _dated(name: str, fact: Facts) -> Facts:
    """Return the fact with the versions that have it."""
    return {**fact, "versions": _longest(OVERLAY["versions"], name, VERSIONS)}


def _longest(table: Facts, name: str, otherwise: Any) -> Any:
    """Return the value of the longest beginning of a name."""
    return (
        table[max(found, key=len)]
        if (found := [each for each in table if name.startswith(each)])
        else otherwise
    )


def certain(facts: Facts) -> Facts:
    """Return facts by name, each with its certainty."""
    return {
        name: {**fact, "certainty": _longest(OVERLAY["certainty"], name, "main")}
        for name, fact in facts.items()
    }


def _metric(model: Model, name: str, metric: Facts) -> Facts:
    attributes = model.resolve(metric["attributes"])
    for refined in model.signals["metric_refinements"].values():
        if refined["ref"] == name:
            merge(attributes, model.resolve(refined["attributes"]))
    for dropped in OVERLAY["without"].get(name, ()):
        del attributes[dropped]
    found = {
        "level": level(metric.get("requirement_level", "recommended")),
        "instrument": metric["instrument"],
        "unit": metric["unit"],
        "value_type": metric["annotations"]["code_generation"]["metric_value_type"],
        "attributes": levels(attributes),
    }
    if metric["instrument"] == "histogram":
        buckets = OVERLAY["buckets"]
        found["buckets"] = buckets.get(name) or buckets[metric["unit"]]
    return found


def _levels_of(table: dict[str, str]) -> Facts:
    return {name: {"level": each} for name, each in table.items()}


def message_facts(data: Path, attributes: Facts) -> Facts:
    """Return the JSON schemas of the attributes that have one, without descriptions."""
    found = {}
    for name in sorted({fact["schema"] for fact in attributes.values() if "schema" in fact}):
        path = OUTPUT_MESSAGES if name == "output-messages" else f"{SCHEMAS}/gen-ai-{name}.json"
        found[name] = bare(json.loads((data / path).read_text("utf-8")))
    return found


def bare(schema: Any, named: bool = False) -> Any:
    """Return the schema without descriptions; `named` means that its keys are names of properties."""
    if isinstance(schema, list):
        return [bare(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: bare(value, named=not named and key in ("properties", "$defs"))
        for key, value in schema.items()
        if named or key not in PROSE
    }


def sources(notice: str) -> dict[str, str]:
    """Return the commit of each part of the data."""
    parts = re.split(r"^(\S+)$", notice, flags=re.MULTILINE)[1:]
    found = {}
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        if commit := re.search(r"\b[0-9a-f]{40}\b", text):
            found[heading.strip("/")] = commit[0]
    return found


def derive(data: Path) -> Facts:
    """Return all facts."""
    model = Model(data)
    signals = {
        "spans": span_facts(model),
        "metrics": certain(metric_facts(model)),
        "events": certain(event_facts(model)),
    }
    used = {name for kind in signals.values() for signal in kind.values() for name in signal["attributes"]}
    registry = {OVERLAY["renamed"].get(name, name): attribute for name, attribute in model.attributes.items()}
    attributes = {name: attribute_fact(registry[name]) for name in {*used, *ALSO} if name in registry}
    attributes |= OVERLAY["attributes"]
    return {
        "sources": sources((data / "NOTICE.txt").read_text("utf-8")),
        "renamed": OVERLAY["renamed"],
        "attributes": certain(attributes),
        **signals,
        "messages": message_facts(data, attributes),
    }


def render(facts: Facts) -> str:
    """Return the facts as the text of the file."""
    return json.dumps(facts, indent=2, sort_keys=True) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the file, or with `--check` print the difference; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    new = render(derive(options.data))
    if not options.check:
        TARGET.write_text(new, "utf-8")
        return 0
    old = TARGET.read_text("utf-8") if TARGET.exists() else ""
    sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), "file", "derived"))
    return int(old != new)


if __name__ == "__main__":
    sys.exit(main())
