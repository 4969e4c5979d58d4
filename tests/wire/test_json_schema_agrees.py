"""The checker against the `jsonschema` library: random schemas of the supported part, random values."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from toolspan.wire.json_schema import violation_of

from .reading import FULL

NAMES = st.sampled_from(["a", "b", "c"])
TYPES = st.sampled_from(["object", "array", "string", "boolean", "null", "number", "integer"])
SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 0.5, "", "x", "y"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
LEAVES = st.fixed_dictionaries(
    {},
    optional={
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
        "enum": st.lists(SCALARS, min_size=1, max_size=4),
        "const": SCALARS,
        "required": st.lists(NAMES, max_size=2, unique=True),
        "$ref": st.sampled_from(["#/$defs/one", "#/$defs/two"]),
    },
)


def _larger(inner: Any) -> Any:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES,
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "required": st.lists(NAMES, max_size=2, unique=True),
            "additionalProperties": inner,
            "prefixItems": several,
            "items": inner,
            "allOf": several,
            "anyOf": several,
        },
    )


SCHEMAS = st.recursive(LEAVES, _larger, max_leaves=8)
ROOTS = st.builds(
    lambda schema, one, two: {**schema, "$defs": {"one": one, "two": two}},
    SCHEMAS,
    # references lead down only: a schema that is its own part has no meaning
    st.fixed_dictionaries(
        {}, optional={"type": TYPES, "properties": st.dictionaries(NAMES, st.just({"$ref": "#"}))}
    ),
    st.fixed_dictionaries({}, optional={"type": TYPES, "enum": st.lists(SCALARS, min_size=1, max_size=3)}),
)
MANY = settings(max_examples=1_500 if FULL else 80, deadline=None)


def as_sent(value: Any) -> Any:
    """The value as the model writes it."""
    return json.loads(json.dumps(value))


@MANY
@given(ROOTS, VALUES)
def test_check_finds_a_violation_exactly_where_jsonschema_does(schema: Any, value: Any) -> None:
    """There is a violation exactly where the library finds one."""
    assert (violation_of(schema, value) is None) == Draft202012Validator(schema).is_valid(as_sent(value))


@MANY
@given(ROOTS, VALUES)
def test_check_finds_the_reason_and_path_that_jsonschema_finds(schema: Any, value: Any) -> None:
    """Without alternatives, the reason and the path are those of the library."""
    if "anyOf" in json.dumps(schema):
        return
    found = violation_of(schema, value)
    errors = list(Draft202012Validator(schema).iter_errors(value))
    missing = [error for error in errors if error.validator == "required"]
    if found is None:
        assert errors == []
    elif found.kind == "missing_argument":
        paths = [[*_path(error.path), name] for error in missing for name in error.validator_value]
        path = found.path.replace("[]", ".[]").strip(".").split(".")
        assert path in paths or ("additionalProperties" in json.dumps(schema) and "[]" in path)
    else:
        assert missing == []
        assert {error.validator for error in errors} <= {"type", "enum", "const"}


def _path(path: Any) -> list[str]:
    return ["[]" if isinstance(step, int) else step for step in path]


ODD = st.recursive(
    SCALARS | TYPES | st.sampled_from(["#", "#/a", "#/$defs/one"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            NAMES | st.sampled_from(["type", "required", "properties", "items", "$ref", "anyOf", "enum"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@MANY
@given(ODD, ODD)
def test_any_two_json_values_are_a_schema_and_a_value(schema: Any, value: Any) -> None:
    """Any two JSON values are a schema and a value."""
    found = violation_of(schema, value)
    assert found is None or found.kind in ("missing_argument", "wrong_type", "unchecked")
