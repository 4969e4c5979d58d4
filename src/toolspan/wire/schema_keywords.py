"""What each keyword of JSON Schema that models are given says of a value, one rule for each.

What is not here, and what is broken, says nothing, so that whatever is found is wrong by the schema. It knows
neither how deep nor how far a walk may go.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from .json_types import may_be, same
from .schema_walk import DEEPEST, Found, Path, Rule, Schema, Walk

_PLAIN = frozenset(("type", "description", "title", "default", "examples", "format", "enum"))
_FLAT = frozenset(
    ("type", "properties", "required", "additionalProperties", "description", "title", "$schema")
)
_FEW = 32  # values that are looked through without being counted as steps
_EXACT: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", dict: "object", list: "array"}

INNER = "[]"
"""In a path, a part of a list, or one under a name that the schema does not say."""


def _ref(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    """A reference within the schema; others lead nowhere."""
    ref, target = schema["$ref"], walk.root
    if not isinstance(ref, str) or not ref.startswith("#"):
        return
    for step in unquote(ref[1:]).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        target = target.get(name) if isinstance(target, dict) else None
    walk.part(target, value, path, found)


def _type(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    wanted = schema["type"]
    if isinstance(wanted, str):
        if not may_be(wanted, value):
            found.is_wrong(path)
        return
    names = _list(wanted)
    if names and not any(may_be(name, value) for name in names):
        found.is_wrong(path)


def _enum(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    listed = _list(schema["enum"])
    walk.spend(len(listed))
    if type(value) is str and value in listed:
        return
    if listed and not any(same(each, value) for each in listed):
        found.is_wrong(path)


def _const(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    if not same(schema["const"], value):
        found.is_wrong(path)


def _required(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    names = _list(schema["required"])
    walk.spend(len(names))
    if isinstance(value, dict):
        for name in names:
            if isinstance(name, str) and name not in value:
                found.is_missing((*path, name))


def _properties(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    parts = schema["properties"]
    if isinstance(value, dict) and isinstance(parts, dict):
        walk.spend(len(parts))
        for name, part in parts.items():
            if name in value and not _is_plainly(part, value[name]):
                walk.part(part, value[name], (*path, name), found)


def _is_plainly(schema: object, value: object) -> bool:
    """Whether a schema asks for nothing but this very type, or text: most do, and so cost no walk."""
    if type(schema) is not dict or not _PLAIN.issuperset(schema):
        return False
    wanted = schema.get("type")
    if type(wanted) is not str or _EXACT.get(type(value)) != wanted:
        return False
    listed = schema.get("enum")
    if listed is None:
        return True
    return type(value) is str and type(listed) is list and len(listed) <= _FEW and value in listed


def fits_plainly(schema: object, value: object) -> bool:
    """Whether a flat object is certainly all right: most arguments are, and so cost no walk."""
    if type(schema) is not dict or type(value) is not dict or not _FLAT.issuperset(schema):
        return False
    parts, others = schema.get("properties"), schema.get("additionalProperties")
    if schema.get("type") != "object" or type(parts) is not dict or isinstance(others, dict):
        return False
    for name, inner in value.items():
        if name in parts and not _is_plainly(parts[name], inner):
            return False
    needed = _list(schema.get("required"))
    return all(type(name) is str and name in value for name in needed)


def _others(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    """What stands under names that the schema does not say; patterns of names are not tried."""
    part, known = schema["additionalProperties"], schema.get("properties")
    if isinstance(value, dict) and isinstance(part, dict) and "patternProperties" not in schema:
        for name, inner in value.items():
            if not isinstance(known, dict) or name not in known:
                walk.part(part, inner, (*path, INNER), found)


def _prefix(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    _in_turn(walk, schema["prefixItems"], value, path, found)


def _items(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    """All parts of a list, or those that follow the first ones; older drafts list the first ones here."""
    part = schema["items"]
    if isinstance(value, list) and isinstance(part, dict):
        for inner in value[len(_list(schema.get("prefixItems"))) :]:
            walk.part(part, inner, (*path, INNER), found)
    else:
        _in_turn(walk, part, value, path, found)


def _in_turn(walk: Walk, parts: object, value: Any, path: Path, found: Found) -> None:
    """The first parts of a list, each with a schema of its own."""
    for part, inner in zip(_list(parts), _list(value), strict=False):
        walk.part(part, inner, (*path, INNER), found)


def _all(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    for part in _list(schema["allOf"]):
        walk.part(part, value, path, found)


def _one(keyword: str, walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    """At least one of several. If none fits, what is said is what the one says that comes nearest."""
    tried: list[Found] = []
    for part in _list(schema[keyword]):
        tried.append(Found())
        walk.part(part, value, path, tried[-1])
        if not tried[-1]:
            return
    if tried:
        found.take(max(tried, key=_nearness))


def _nearness(found: Found) -> int:
    """Something missing is nearer than a wrong type; the deeper the wrong type, the nearer."""
    return DEEPEST + 1 if found.wrong is None else len(found.wrong)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


RULES: Mapping[str, Rule] = {
    "required": _required,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "properties": _properties,
    "additionalProperties": _others,
    "prefixItems": _prefix,
    "items": _items,
    "$ref": _ref,
    "allOf": _all,
    "anyOf": partial(_one, "anyOf"),
    "oneOf": partial(_one, "oneOf"),
}
"""By keyword."""
