"""Arguments against the JSON Schema that the model was given: whether one is missing or of a wrong type.

It knows no tool and no call, and no keyword of the schema.
"""

from __future__ import annotations

from typing import NamedTuple

from .schema_keywords import INNER, RULES, fits_plainly
from .schema_walk import Found, Path, Walk

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
