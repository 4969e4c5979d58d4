"""Check arguments against the JSON Schema that the model received."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote

DEEPEST = 100
"""Schemas within schemas, references counted."""
_MOST_STEPS = 5_000  # some milliseconds

Path: TypeAlias = tuple[str, ...]
Schema: TypeAlias = dict[str, Any]


class Found:
    """The first argument that is missing and the first that is of a wrong type; outer ones come first."""

    __slots__ = ("missing", "wrong")

    def __init__(self) -> None:
        self.missing: Path | None = None
        self.wrong: Path | None = None

    def __bool__(self) -> bool:
        return self.missing is not None or self.wrong is not None

    def is_missing(self, path: Path) -> None:
        """This one is missing."""
        if self.missing is None or len(path) < len(self.missing):
            self.missing = path

    def is_wrong(self, path: Path) -> None:
        """This one is of a wrong type."""
        if self.wrong is None or len(path) < len(self.wrong):
            self.wrong = path

    def take(self, other: Found) -> None:
        """Take over what another one has."""
        if other.missing is not None:
            self.is_missing(other.missing)
        if other.wrong is not None:
            self.is_wrong(other.wrong)


class TooMuchError(Exception):
    """The walk would take more than it is worth."""


class Walk:
    """One walk; `root` is where references start."""

    __slots__ = ("_depth", "_rules", "_steps", "root")

    def __init__(self, root: object, rules: Mapping[str, Rule]) -> None:
        self.root = root
        self._rules = rules
        self._steps = _MOST_STEPS
        self._depth = 0

    def part(self, schema: object, value: object, path: Path, found: Found) -> None:
        """Hold one value against one schema; a schema that is no object says nothing."""
        if not isinstance(schema, dict) or (value is None and schema.get("nullable") is True):
            return
        self._depth += 1
        self.spend(1)
        for name in schema:
            if (rule := self._rules.get(name)) is not None:
                rule(self, schema, value, path, found)
        self._depth -= 1

    def spend(self, steps: int) -> None:
        """Something takes so many steps; raises `TooMuchError` when there are none left."""
        self._steps -= steps
        if self._steps < 0 or self._depth > DEEPEST:
            raise TooMuchError


Rule: TypeAlias = Callable[[Walk, Schema, Any, Path, Found], None]
"""What one keyword of a schema says of a value."""


def may_be(name: object, value: object) -> bool:
    """Whether a value is of the type of this name; a name that JSON does not have is that of any value."""
    test = _TYPES.get(name) if isinstance(name, str) else None
    return test is None or test(value)


def same(first: Any, second: Any) -> bool:
    """Whether two values may be one: 1 is 1.0, but not `true`; lists and objects are not looked into."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, (list, dict)):
        return isinstance(second, type(first))
    return bool(first == second)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _integer(value: object) -> bool:
    return value.is_integer() if isinstance(value, float) else _number(value)


_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _number,
    "integer": _integer,
}


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
        found.take(max(tried, key=_closeness))


def _closeness(found: Found) -> int:
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


MISSING_ARGUMENT, WRONG_TYPE = "missing_argument", "wrong_type"

_LONGEST = 256  # characters of a path


class Violation(NamedTuple):
    """What is wrong with a call, and where: `stops[].city`; `""` if it is the call or all of its arguments.

    A path is made of the schema's own names; `[]` is a part of a list, or one under a name that the schema
    does not say, so that no word of the model's is in it.
    """

    kind: str
    path: str = ""


def violation_of(schema: object, value: object) -> Violation | None:
    """What is wrong with a value by a schema: the first thing missing, else the first of a wrong type.

    Outer ones come before inner ones. What `enum` and `const` do not list is of a wrong type. Nothing is said
    of what would take too many steps, and nothing is raised, whatever the schema is.
    """
    try:
        if fits_plainly(schema, value):
            return None
        found = Found()
        Walk(schema, RULES).part(schema, value, (), found)
    except Exception:  # it may hold objects of the application's, which raise what they like
        return None
    if found.missing is not None:
        return Violation(MISSING_ARGUMENT, _written(found.missing))
    return None if found.wrong is None else Violation(WRONG_TYPE, _written(found.wrong))


def _written(path: Path) -> str:
    found = ".".join(path).replace(f".{INNER}", INNER)
    return found if len(found) <= _LONGEST else f"{found[: _LONGEST - 1]}…"
