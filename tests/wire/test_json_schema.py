"""Values checked against schemas, broken and hostile schemas included."""

from __future__ import annotations

import sys
import time
from random import Random
from typing import Any

import pytest

from toolspan.wire.json_schema import RULES, Violation, violation_of

from ..table import each_row
from . import randoms
from .bent_calls import PARAMETERS
from .reading import FULL

TEXT, WHOLE, NULL = {"type": "string"}, {"type": "integer"}, {"type": "null"}
PAIR = {"prefixItems": [TEXT], "items": WHOLE}
NODE: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
    "required": ["name"],
}
CARD = {
    "type": "object",
    "properties": {"by": {"const": "card"}, "number": {"type": "string"}},
    "required": ["number"],
}
CASH = {
    "type": "object",
    "properties": {"by": {"const": "cash"}, "coins": {"type": "array"}},
    "required": ["coins"],
}
EITHER = {"oneOf": [CARD, CASH]}
UNIT = {"type": "string", "enum": ["celsius", "fahrenheit"]}


def missing(path: str) -> Violation:
    """This argument is missing."""
    return Violation("missing_argument", path)


def wrong(path: str = "") -> Violation:
    """This argument is of a wrong type."""
    return Violation("wrong_type", path)


def of(**properties: Any) -> dict[str, Any]:
    """The schema of an object."""
    return {"type": "object", "properties": properties}


TYPES: dict[str, tuple[Any, list[Any], list[Any]]] = {
    "object": ("object", [{}], [[], "", 0, None, True]),
    "array": ("array", [[]], [{}, "", 0, None, True]),
    "string": ("string", ["", "1"], [{}, [], 0, None, True]),
    "boolean": ("boolean", [True, False], [{}, [], "", 0, 1, None]),
    "null": ("null", [None], [{}, [], "", 0, False]),
    "number": ("number", [0, -1, 1.5, 1e300], [{}, [], "1", None, True]),
    "integer": ("integer", [0, -1, 2.0, 10**30], [{}, [], "1", None, True, 1.5, float("inf"), float("nan")]),
    "several": (["string", "null"], ["", None], [{}, 0, False]),
    "nullable": (["string"], [""], [None, 0]),
}


@each_row(("type_", "right", "others"), TYPES.values(), ids=TYPES)
def test_each_schema_type_accepts_its_values_only(type_: Any, right: list[Any], others: list[Any]) -> None:
    """Each type accepts its values: `true` is not a number, and 2.0 is an integer."""
    assert [violation_of({"type": type_}, value) for value in right] == [None] * len(right)
    assert [violation_of({"type": type_}, value) for value in others] == [wrong()] * len(others)


CASES: dict[str, tuple[Any, Any, Violation | None]] = {
    "nothing-asked": ({}, {"a": 1}, None),
    "required": ({"required": ["a", "b"]}, {"a": None}, missing("b")),
    "required-of-no-object": ({"required": ["a"]}, [], None),
    "first-of-two": ({"required": ["a", "b"]}, {}, missing("a")),
    "missing-before-wrong": ({**of(a=TEXT), "required": ["b"]}, {"a": 1}, missing("b")),
    "missing-within-before-wrong": (of(a=TEXT, b={"required": ["c"]}), {"a": 1, "b": {}}, missing("b.c")),
    "outer-before-inner": ({**of(a={"required": ["b"]}), "required": ["c"]}, {"a": {}}, missing("c")),
    "outer-before-inner-wrong": (of(a=of(b=NULL), c=NULL), {"a": {"b": 1}, "c": 1}, wrong("c")),
    "optional": (of(a=TEXT), {}, None),
    "optional-null": (of(a=TEXT), {"a": None}, wrong("a")),
    "nullable": (of(a={"type": "string", "nullable": True}), {"a": None}, None),
    "nullable-and-wrong": (of(a={"type": "string", "nullable": True}), {"a": 1}, wrong("a")),
    "list-of-lists": ({"items": {"items": TEXT}}, [["a"], ["b", 1]], wrong("[][]")),
    "list-of-objects": (of(a={"items": of(b=NULL)}), {"a": [{}, {"b": 1}]}, wrong("a[].b")),
    "prefix": (PAIR, ["a", 1, 2], None),
    "prefix-wrong": (PAIR, [1, 1], wrong("[]")),
    "rest-wrong": (PAIR, ["a", "b"], wrong("[]")),
    "prefix-alone": ({"prefixItems": [TEXT]}, ["a", 1], None),
    "items-in-turn": ({"items": [TEXT, NULL]}, ["a", 1, 1], wrong("[]")),
    "items-in-turn-short": ({"items": [TEXT, NULL]}, ["a"], None),
    "no-more-names": ({**of(a={}), "additionalProperties": False}, {"a": 1, "b": 1}, None),
    "other-names": ({**of(a={}), "additionalProperties": NULL}, {"a": 1, "b": 1}, wrong("[]")),
    "other-names-right": ({**of(a={}), "additionalProperties": WHOLE}, {"a": "", "b": 1}, None),
    "only-other-names": ({"additionalProperties": {"required": ["a"]}}, {"b": {}}, missing("[].a")),
    "names-by-pattern": ({"patternProperties": {"^b": {}}, "additionalProperties": NULL}, {"b": 1}, None),
    "listed": ({"enum": ["a", 1, None]}, None, None),
    "listed-text": ({"enum": ["a", 1, None]}, "a", None),
    "listed-object": ({"enum": ["a", {"b": [1]}]}, {"b": [2]}, None),
    "not-the-listed-object": ({"enum": ["a", {"b": [1]}]}, [1], wrong()),
    "not-listed": ({"enum": ["a", 1, None]}, "b", wrong()),
    "one-is-not-true": ({"enum": [1]}, True, wrong()),
    "true-is-not-one": ({"enum": [True]}, 1, wrong()),
    "one-with-a-point": ({"enum": [1]}, 1.0, None),
    "const": ({"const": "a"}, "a", None),
    "not-const": ({"const": None}, 0, wrong()),
    "any": ({"anyOf": [TEXT, NULL]}, None, None),
    "any-none": ({"anyOf": [TEXT, NULL]}, 1, wrong()),
    "any-of-required": ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {}, missing("a")),
    "any-deepest": ({"anyOf": [NULL, of(a=of(b=NULL))]}, {"a": {"b": 1}}, wrong("a.b")),
    "one-by-its-constant": (EITHER, {"by": "cash"}, missing("coins")),
    "one-by-its-constant-wrong": (EITHER, {"by": "card", "number": 1}, wrong("number")),
    "a-unit": (of(unit=UNIT), {"unit": "celsius"}, None),
    "no-unit": (of(unit=UNIT), {"unit": "kelvin"}, wrong("unit")),
    "a-unit-as-a-number": (of(unit=UNIT), {"unit": 1}, wrong("unit")),
    "one-of-very-many": (of(unit={**UNIT, "enum": [*map(str, range(99))]}), {"unit": "98"}, None),
    "one-of-more-than-one": ({"oneOf": [TEXT, {"enum": ["a"]}]}, "a", None),
    "all": ({"allOf": [of(a=TEXT), {"required": ["b"]}]}, {"a": "x"}, missing("b")),
    "all-fit": ({"allOf": [of(a=TEXT), {"required": ["a"]}]}, {"a": "x"}, None),
    "ref": ({"$ref": "#/$defs/a", "$defs": {"a": NULL}}, 1, wrong()),
    "ref-old": (of(a={"$ref": "#/definitions/b"}) | {"definitions": {"b": NULL}}, {"a": 1}, wrong("a")),
    "ref-escaped": ({"$ref": "#/$defs/a~1b%20~0c", "$defs": {"a/b ~c": NULL}}, 1, wrong()),
    "ref-elsewhere": ({"$ref": "https://example.com/schema.json"}, 1, None),
    "ref-to-nothing": ({"$ref": "#/$defs/b", "$defs": {"a": NULL}}, 1, None),
    "ref-through-no-object": ({"$ref": "#/type/a", "type": "integer"}, 1, None),
    "recursive": (NODE, {"name": "a", "next": {"name": "b", "next": None}}, None),
    "recursive-missing": (NODE, {"name": "a", "next": {"name": "b", "next": {}}}, missing("next.next.name")),
    "unknown-keywords": ({"pattern": "^b", "minLength": 9, "not": {}, "if": {}, "then": False}, "a", None),
    "unknown-type": ({"type": "date"}, 1, None),
    "one-unknown-type": ({"type": ["string", "date"]}, 1, None),
    "long-path": (of(**{"x" * 300: NULL}), {"x" * 300: 1}, wrong("x" * 255 + "…")),
}


@each_row(("schema", "value", "expected"), CASES.values(), ids=CASES)
def test_each_keyword_reports_its_violation_and_path(
    schema: Any, value: Any, expected: Violation | None
) -> None:
    """Each supported keyword reports what is wrong with a value, and the path to it."""
    assert violation_of(schema, value) == expected


class Odd:
    """An object of the application's that raises whenever it is looked at."""

    __hash__ = None  # type: ignore[assignment]  # that is the test

    def __eq__(self, other: object) -> bool:
        raise RuntimeError


VALUES = [{}, {"a": {"b": [1]}}, [], [[1], "a"], "a", 0, 1.5, True, None]


ANYTHING = [None, True, False, 0, "", "a", [], {}, Odd()]


TAKES: dict[str, tuple[type, ...]] = {
    "type": (str, list),
    "const": (object,),
    "properties": (dict,),
    "additionalProperties": (dict,),
    "items": (dict, list),
    "$ref": (str,),
}
"""What a keyword may hold; all others hold lists."""


ODD_PARTS: list[dict[str, Any]] = [
    {"type": "a"},
    {"type": []},
    {"type": ["a", 1]},
    {"type": [["string"], {}, None]},
    {"required": [1, None, ["a"], {}]},
    {"enum": []},
    {"properties": {"a": 1, "b": "x", 1: {"type": "null"}}},
    {"properties": {"a": {"properties": []}}},
    {"items": [1, None]},
    {"prefixItems": [1, None]},
    {"allOf": [1, None, True, []]},
    {"anyOf": [None]},
    {"anyOf": [False]},
    {"oneOf": []},
    {"$ref": ""},
    {"$ref": "#a"},
    {"$ref": "#/%zz/~5"},
    {"$ref": "#/a/b", "a": [{"type": "null"}]},
]


@each_row("keyword", RULES)
def test_keyword_of_an_unexpected_type_is_ignored(keyword: str) -> None:
    """A keyword whose value has an unexpected type reports nothing."""
    for held in ANYTHING:
        if not isinstance(held, TAKES.get(keyword, (list,))):
            assert [violation_of({keyword: held}, value) for value in VALUES] == [None] * len(VALUES)


@each_row("schema", ODD_PARTS, ids=str)
def test_unexpected_parts_of_a_keyword_are_ignored(schema: dict[str, Any]) -> None:
    """Parts of an unexpected type within a keyword report nothing, except that a circle cannot be checked."""
    found = {violation_of(schema, value) for value in VALUES}
    assert found <= {None, Violation("unchecked")}
    assert found == {None} or schema == {"$ref": "#a"}


@each_row("schema", [None, True, False, 0, "object", [], [{"type": "null"}], Odd(), object])
def test_schema_that_is_not_an_object_checks_nothing(schema: Any) -> None:
    """What is no object is no schema."""
    assert violation_of(schema, {"a": 1}) is None


@pytest.mark.parametrize("schema", [{"const": Odd()}, {"enum": [Odd()]}], ids=["const", "enum"])
def test_value_whose_comparison_raises_is_not_reported(schema: dict[str, Any]) -> None:
    """An application's object that cannot be compared reports nothing."""
    assert violation_of(schema, 1) is None


def deep(levels: int) -> dict[str, Any]:
    """A schema within a schema within a schema."""
    found: dict[str, Any] = {"type": "null"}
    for _ in range(levels):
        found = {"allOf": [found]}
    return found


def circle() -> dict[str, Any]:
    """A schema that holds itself."""
    found: dict[str, Any] = {"properties": {}, "type": "null"}
    found["allOf"] = [found]
    return found


def lists(levels: int) -> Any:
    """A list within a list within a list, and in the last one none."""
    found: Any = "none"
    for _ in range(levels):
        found = [found]
    return found


def doubling(levels: int) -> dict[str, Any]:
    """Each level is twice the one beneath it, by references: 2 to the power of `levels` in all."""
    refs = {f"{at}": {"anyOf": [{"$ref": f"#/$defs/{at + 1}"}] * 2} for at in range(levels)}
    return {"$ref": "#/$defs/0", "$defs": {**refs, f"{levels}": {"type": "null"}}}


OPEN = {"properties": {f"a{at}": {} for at in range(10_000)}, "additionalProperties": {}, "minProperties": 1}
HOSTILE: dict[str, tuple[Any, Any]] = {
    "reference-to-itself": ({"$ref": "#"}, 1),
    "references-in-turn": ({"$ref": "#/a", "a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}}, 1),
    "circle": (circle(), 1),
    "deep": (deep(5_000), 1),
    "doubling": (doubling(60), 1),
    "many-required": ({"required": [f"a{at}" for at in range(50_000)]}, {}),
    "many-listed": ({"enum": list(range(50_000))}, -1),
    "many-properties": ({"properties": {f"a{at}": {} for at in range(50_000)}, "type": "null"}, {}),
    "many-parts": ({"items": {"type": "null"}}, [1] * 50_000),
    "many-times-one-of-many": (
        {"items": {"type": "object", "properties": {"unit": {"type": "string", "enum": ["a"] * 500}}}},
        [*[{"unit": "b"}] * 50, {"unit": 1}],
    ),
    "each-of-many": ({"items": {"enum": list(range(500))}}, [-1] * 500),
    "many-keywords": ({"allOf": [{f"k{at}": 0 for at in range(20_000)}] * 5_000}, 1),
    "many-that-are-no-schemas": ({"allOf": [{"allOf": [0] * 50_000}] * 5_000}, 1),
    "many-types": ({"allOf": [{"type": ["null"] * 5_000}] * 5_000}, 1),
    "many-undeclared": ({"allOf": [OPEN] * 5_000}, {f"a{at}": 1 for at in range(10_000)}),
    "long-references": ({"allOf": [{"$ref": "#" + "/%41" * 20_000}] * 5_000}, 1),
    "long-texts": ({"allOf": [{"enum": ["a" * 60_000 + "b"] * 1_000}] * 100}, "a" * 60_000 + "c"),
    "long-text": ({"allOf": [{"const": "a" * 60_000 + "b"}] * 10_000}, "a" * 60_000 + "c"),
    "many-copies-of-a-list": ({"allOf": [{"items": {}, "prefixItems": [0] * 30_000}] * 5_000}, [1] * 30_000),
    "deep-value": ({"items": {"$ref": "#"}, "type": "array"}, lists(500)),
}


@each_row(("schema", "value"), HOSTILE.values(), ids=HOSTILE)
def test_check_that_takes_too_long_is_given_up(schema: Any, value: Any) -> None:
    """A check that takes too many steps is given up within 20 ms, and the call stays unchecked."""
    times = []
    limit = 0.02 if sys.gettrace() is None else 0.2  # coverage makes it several times slower
    for _ in range(3):  # the fastest counts: the machine may be busy
        began = time.process_time()
        assert violation_of(schema, value) == Violation("unchecked")
        times.append(time.process_time() - began)
    assert min(times) < limit


def test_schema_of_usual_depth_is_checked_to_its_end() -> None:
    """Schemas as deep as people write them are checked to the end."""
    assert violation_of(deep(90), 1) is not None
    assert violation_of(deep(110), 1) == Violation("unchecked")


def test_check_changes_neither_schema_nor_value() -> None:
    """Neither the schema nor the value is touched."""
    before = repr(PARAMETERS)
    violation_of(PARAMETERS, {"stops": [{"street": 1}]})
    assert repr(PARAMETERS) == before


def test_schema_changed_by_another_thread_raises_nothing() -> None:
    """A schema that another thread changes during the check raises nothing."""

    class Changing(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("dictionary changed size during iteration")

    assert violation_of({"properties": Changing(a={})}, {"a": 1}) is None


def test_randomly_damaged_schema_raises_nothing_and_keeps_no_value() -> None:
    """Damage to a schema raises nothing, and no value is part of a path."""
    rng = Random(8)
    for _ in range(20_000 if FULL else 700):
        schema = randoms.altered(rng, PARAMETERS, 0.1)
        value = {**{key: randoms.value(rng, 3) for key in PARAMETERS["properties"]}, "MARK": {"MARK": "MARK"}}
        found = violation_of(schema, value)
        assert found is None or "MARK" not in found.path
