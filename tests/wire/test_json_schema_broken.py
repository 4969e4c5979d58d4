"""Schemas that are broken or hostile: nothing is raised, nothing is said of them, and the work has an end."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from toolspan.wire.json_schema import RULES, violation_of

from ..table import each_row
from . import randoms
from .bent_calls import PARAMETERS
from .reading import FULL


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
def test_keyword_of_another_type(keyword: str) -> None:
    """What a keyword cannot hold says nothing."""
    for held in ANYTHING:
        if not isinstance(held, TAKES.get(keyword, (list,))):
            assert [violation_of({keyword: held}, value) for value in VALUES] == [None] * len(VALUES)


@each_row("schema", ODD_PARTS, ids=str)
def test_odd_parts(schema: dict[str, Any]) -> None:
    """What is odd within a keyword says nothing either."""
    assert [violation_of(schema, value) for value in VALUES] == [None] * len(VALUES)


@each_row("schema", [None, True, False, 0, "object", [], [{"type": "null"}], Odd(), object])
def test_no_schema(schema: Any) -> None:
    """What is no object is no schema."""
    assert violation_of(schema, {"a": 1}) is None


@pytest.mark.parametrize("schema", [{"const": Odd()}, {"enum": [Odd()]}], ids=["const", "enum"])
def test_comparison_that_raises(schema: dict[str, Any]) -> None:
    """An object of the application's that cannot be compared says nothing."""
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
    "deep-value": ({"items": {"$ref": "#"}, "type": "array"}, lists(500)),
}


@each_row(("schema", "value"), HOSTILE.values(), ids=HOSTILE)
def test_work_is_bounded(schema: Any, value: Any) -> None:
    """What would take too long is given up, and then nothing is said."""
    began = time.process_time()
    assert violation_of(schema, value) is None
    assert time.process_time() - began < 0.5


def test_depth_that_is_followed() -> None:
    """Schemas as deep as people write them are followed to the end."""
    assert violation_of(deep(90), 1) is not None
    assert violation_of(deep(110), 1) is None


def test_schema_is_not_changed() -> None:
    """Neither the schema nor the value is touched."""
    before = repr(PARAMETERS)
    violation_of(PARAMETERS, {"stops": [{"street": 1}]})
    assert repr(PARAMETERS) == before


def test_schema_that_changes_meanwhile() -> None:
    """A schema that another thread changes while it is read makes no error."""

    class Changing(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("dictionary changed size during iteration")

    assert violation_of({"properties": Changing(a={})}, {"a": 1}) is None


def test_random_damage() -> None:
    """Any damage to a schema, and any value: nothing is raised, and nothing of the value is in the path."""
    rng = Random(8)
    for _ in range(20_000 if FULL else 1_500):
        schema = randoms.altered(rng, PARAMETERS, 0.1)
        value = {**{key: randoms.value(rng, 3) for key in PARAMETERS["properties"]}, "MARK": {"MARK": "MARK"}}
        found = violation_of(schema, value)
        assert found is None or "MARK" not in found.path
