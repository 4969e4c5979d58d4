"""Check content against its JSON schema, and each part against the schema of its type."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from .facts import SCHEMAS, Fact

MESSAGES = ("input-messages", "output-messages")


def check_messages(kind: str, value: Any) -> list[str]:
    """Return the complaints about content of this kind, structured or as JSON text."""
    return check_content(kind, value, text=True)


def check_content(kind: str, value: Any, *, text: bool) -> list[str]:
    """Return the complaints about content, which may be a JSON string only with `text`."""
    if isinstance(value, str):
        if not text:
            return ["is a string; structured content is required here"]
        try:
            value = json.loads(value)
        except ValueError:
            return ["is a string that is not JSON"]
    plain = _plain(value)
    found = _violations(SCHEMAS[kind], plain)
    return found or [f"{place}: {each}" for place, item in _items(kind, plain) for each in _item(kind, item)]


def _plain(value: Any) -> Any:
    """Return the value in JSON's types: an SDK keeps lists as tuples."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_plain(each) for each in value]
    return value


def _violations(schema: Fact, value: Any) -> list[str]:
    error = best_match(Draft202012Validator(dict(schema)).iter_errors(value))
    return [] if error is None else [f"{error.json_path}: {error.message}"]


def _items(kind: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield parts and tool definitions, each with its place."""
    if kind in MESSAGES:
        for at, message in enumerate(value):
            for number, part in enumerate(message["parts"]):
                yield f"$[{at}].parts[{number}]", part
    elif kind not in ("tool-call-arguments", "tool-call-result"):
        for at, item in enumerate(value):
            yield f"$[{at}]", item


def _item(kind: str, item: dict[str, Any]) -> list[str]:
    """Check one part by its own type: the schema of the list accepts any object with a type."""
    definitions = _by_type(SCHEMAS[kind])
    if item["type"] not in definitions:
        near = difflib.get_close_matches(item["type"], definitions, n=1, cutoff=0.85)
        return [f"unknown type {item['type']!r}; is {near[0]!r} meant?"] if near else []
    own = {"$defs": SCHEMAS[kind]["$defs"], "$ref": f"#/$defs/{definitions[item['type']]}"}
    return _violations(own, item) + _beyond_schema(item)


def _by_type(schema: Fact) -> dict[str, str]:
    """Return the definition for each value of `type` that has one."""
    found = {}
    for name, definition in schema["$defs"].items():
        if (constant := definition.get("properties", {}).get("type", {}).get("const")) is not None:
            found[constant] = name
    return found


def _beyond_schema(part: dict[str, Any]) -> list[str]:
    """Check the conventions' prose: no data in a URI, arguments as an object."""
    if part["type"] == "uri" and str(part.get("uri", "")).lower().startswith("data:"):
        return ["a data: URL belongs in a blob part"]
    if part["type"] == "tool_call" and _is_object(part.get("arguments")):
        return ["arguments are the JSON text of an object, not the object"]
    return []


def _is_object(value: Any) -> bool:
    try:
        return isinstance(value, str) and isinstance(json.loads(value), dict)
    except ValueError:
        return False
