"""Check a tool call's arguments against the JSON Schema in the request's tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote

DEEPEST = 100
"""The bound of levels: schemas within schemas, and references."""
# The check runs inside the application's request: 20,000 steps are some milliseconds. References can double
# the work at each level, so the size of a schema is no bound. Every keyword counts all that it goes through.
_MOST_STEPS = 20_000
_CALL = 4  # steps of a function's call
_AT_ONCE = 64  # characters that are compared, and references to objects that are copied, in one step

Path: TypeAlias = tuple[str, ...]
Schema: TypeAlias = dict[str, Any]


class Found:
    """The first missing argument and the first of a wrong type so far; outer ones win over inner ones."""

    __slots__ = ("missing", "wrong")

    def __init__(self) -> None:
        self.missing: Path | None = None
        self.wrong: Path | None = None

    def __bool__(self) -> bool:
        return self.missing is not None or self.wrong is not None

    def is_missing(self, path: Path) -> None:
        """Record that the argument at `path` is missing."""
        if self.missing is None or len(path) < len(self.missing):
            self.missing = path

    def is_wrong(self, path: Path) -> None:
        """Record that the argument at `path` is of a wrong type."""
        if self.wrong is None or len(path) < len(self.wrong):
            self.wrong = path

    def take(self, other: Found) -> None:
        """Record the findings of another check."""
        if other.missing is not None:
            self.is_missing(other.missing)
        if other.wrong is not None:
            self.is_wrong(other.wrong)


class TooMuchError(Exception):
    """The error of a check that needs more steps or levels than it may have."""


class Walk:
    """One check of one value; `root` is the schema in which references are resolved."""

    __slots__ = ("_depth", "_rules", "_steps", "root")

    def __init__(self, root: object, rules: Mapping[str, Rule]) -> None:
        self.root = root
        self._rules = rules
        self._steps = _MOST_STEPS
        self._depth = 0

    def part(self, schema: object, value: object, path: Path, found: Found) -> None:
        """Check a value against a schema; anything but an object is no schema and finds nothing."""
        self.spend(_CALL)
        # `nullable` is OpenAPI's keyword, which generated schemas use although JSON Schema lacks it.
        if not isinstance(schema, dict) or (value is None and schema.get("nullable") is True):
            return
        self._depth += 1
        self.spend(len(schema))
        for name in schema:
            if (rule := self._rules.get(name)) is not None:
                rule(self, schema, value, path, found)
        self._depth -= 1

    def spend(self, steps: int) -> None:
        """Use up steps; raise `TooMuchError` when none are left."""
        self._steps -= steps
        if self._steps < 0 or self._depth > DEEPEST:
            raise TooMuchError


Rule: TypeAlias = Callable[[Walk, Schema, Any, Path, Found], None]
"""A function that checks one keyword of a schema."""


def may_be(name: object, value: object) -> bool:
    """Return whether a value has the type of this name; an unknown name fits any value."""
    test = _TYPES.get(name) if isinstance(name, str) else None
    return test is None or test(value)


def same(first: Any, second: Any) -> bool:
    """Return whether two JSON values may be equal; lists and objects are not compared."""
    # In Python `True == 1`; in JSON it is not.
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
# Most schemas are a flat object of plain types: those are checked without a walk.
_FLAT = frozenset(
    ("type", "properties", "required", "additionalProperties", "description", "title", "$schema")
)
_FEW = 32  # listed values that are compared without counting steps
_EXACT: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", dict: "object", list: "array"}

INNER = "[]"
"""A path's step into a list, or to a value under an undeclared name."""


def _ref(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    """Follow a reference within the schema; ignore a reference to another document."""
    ref, target = schema["$ref"], walk.root
    # Nothing is fetched: a reference to another document is not resolved.
    if not isinstance(ref, str) or not ref.startswith("#"):
        return
    walk.spend(len(ref))
    for step in unquote(ref[1:]).split("/")[1:]:
        # The escapes of JSON Pointer (RFC 6901); this order keeps `~01` a literal `~1`.
        name = step.replace("~1", "/").replace("~0", "~")
        target = target.get(name) if isinstance(target, dict) else None
    walk.part(target, value, path, found)


def _type(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    """Check `type`, one name or several."""
    wanted = schema["type"]
    if isinstance(wanted, str):
        if not may_be(wanted, value):
            found.is_wrong(path)
        return
    names = _list(wanted)
    walk.spend(len(names))
    if names and not any(may_be(name, value) for name in names):
        found.is_wrong(path)


def _enum(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    """Check `enum`."""
    listed = _list(schema["enum"])
    walk.spend(len(listed) * _comparison(value))
    if type(value) is str and value in listed:
        return
    if listed and not any(same(each, value) for each in listed):
        found.is_wrong(path)


def _const(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    """Check `const`."""
    walk.spend(_comparison(value))
    if not same(schema["const"], value):
        found.is_wrong(path)


def _comparison(value: object) -> int:
    """Return the steps of comparing a value: a text is compared character by character."""
    return 1 + (len(value) // _AT_ONCE if isinstance(value, str) else 0)


def _required(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    """Check `required`."""
    names = _list(schema["required"])
    walk.spend(len(names))
    if isinstance(value, dict):
        for name in names:
            if isinstance(name, str) and name not in value:
                found.is_missing((*path, name))


def _properties(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    """Check the values under declared names."""
    parts = schema["properties"]
    if isinstance(value, dict) and isinstance(parts, dict):
        walk.spend(len(parts))
        for name, part in parts.items():
            if name in value and not _is_plainly(part, value[name]):
                walk.part(part, value[name], (*path, name), found)


def _is_plainly(schema: object, value: object) -> bool:
    """Return whether a schema asks only for this exact type or a listed text, and the value fits."""
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
    """Return whether a flat object certainly fits; `False` means that a full check is needed."""
    if type(schema) is not dict or type(value) is not dict or not _FLAT.issuperset(schema):
        return False
    parts, others = schema.get("properties"), schema.get("additionalProperties")
    if schema.get("type") != "object" or type(parts) is not dict or isinstance(others, dict):
        return False
    for name, inner in value.items():
        if name in parts and not _is_plainly(parts[name], inner):
            return False
    for name in _list(schema.get("required")):  # noqa: SIM110  # a generator costs a call for each name
        if type(name) is not str or name not in value:
            return False
    return True


def _others(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    """Check values under undeclared names against `additionalProperties`."""
    part, known = schema["additionalProperties"], schema.get("properties")
    # Patterns would need regular expressions of the application's, whose time has no bound.
    if isinstance(value, dict) and isinstance(part, dict) and "patternProperties" not in schema:
        walk.spend(len(value))
        for name, inner in value.items():
            if not isinstance(known, dict) or name not in known:
                walk.part(part, inner, (*path, INNER), found)


def _items(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    """Check the items of a list; older drafts of JSON Schema use `items` as `prefixItems`."""
    part = schema["items"]
    if isinstance(value, list) and isinstance(part, dict):
        walk.spend(len(value) // _AT_ONCE)  # for the copy
        for inner in value[len(_list(schema.get("prefixItems"))) :]:
            walk.part(part, inner, (*path, INNER), found)
    else:
        _in_turn(walk, part, value, path, found)


def _in_turn(walk: Walk, parts: object, value: Any, path: Path, found: Found) -> None:
    """Check the first items of a list, each against its own schema."""
    for part, inner in zip(_list(parts), _list(value), strict=False):
        walk.part(part, inner, (*path, INNER), found)


def _all(walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    """Check `allOf`."""
    for part in _list(schema["allOf"]):
        walk.part(part, value, path, found)


def _one(keyword: str, walk: Walk, schema: Schema, value: Any, path: Path, found: Found) -> None:
    """Check `anyOf` or `oneOf`; if no alternative fits, record the findings of the closest one."""
    tried: list[Found] = []
    for part in _list(schema[keyword]):
        tried.append(Found())
        walk.part(part, value, path, tried[-1])
        if not tried[-1]:
            return
    if tried:
        found.take(max(tried, key=_closeness))


def _closeness(found: Found) -> int:
    """Return how close an alternative came: a missing argument is closer than a wrong type."""
    # The deeper the wrong type, the more of the alternative fitted before it.
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
    "prefixItems": lambda walk, schema, *rest: _in_turn(walk, schema["prefixItems"], *rest),
    "items": _items,
    "$ref": _ref,
    "allOf": _all,
    "anyOf": partial(_one, "anyOf"),
    # checked like `anyOf`: a value that fits two alternatives is still a usable call
    "oneOf": partial(_one, "oneOf"),
}
"""Rules by keyword. All other keywords (formats, ranges, patterns) find nothing."""


MISSING_ARGUMENT, WRONG_TYPE, UNCHECKED = "missing_argument", "wrong_type", "unchecked"

_LONGEST = 256  # characters of a path


class Violation(NamedTuple):
    """Why a call whose arguments parse must not be executed, and where: `stops[].city`, `""` for all of it.

    A path consists of the schema's own names; `[]` is an item of a list, or a value under an undeclared
    name. So a path never holds text of the model.
    """

    kind: str
    path: str = ""


# Outer arguments come before inner ones. A value outside `enum` or `const` is of a wrong type. The result is
# `UNCHECKED` where the check would take too many steps, and `None` where the schema is broken.
def violation_of(schema: object, value: object) -> Violation | None:
    """Return the first missing argument, else the first of a wrong type, else `None`; raise nothing."""
    try:
        # `fits_plainly` never rejects: it only saves the walk for what fits.
        if fits_plainly(schema, value):
            return None
        found = Found()
        Walk(schema, RULES).part(schema, value, (), found)
    except TooMuchError:
        return Violation(UNCHECKED)
    except Exception:  # a schema may hold application objects, which can raise anything
        return None
    if found.missing is not None:
        return Violation(MISSING_ARGUMENT, _written(found.missing))
    return None if found.wrong is None else Violation(WRONG_TYPE, _written(found.wrong))


def _written(path: Path) -> str:
    """Return a path as text, at most `_LONGEST` characters."""
    found = ".".join(path).replace(f".{INNER}", INNER)
    return found if len(found) <= _LONGEST else f"{found[: _LONGEST - 1]}…"
