"""Calls that are not as they were offered, and the outcome each of them must have; plain data."""

from __future__ import annotations

from typing import Any, NamedTuple

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "guests": {"type": "integer"},
        "price": {"type": "number"},
        "board": {"enum": ["none", "breakfast"]},
        "until": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "address": {"$ref": "#/$defs/address"},
        "stops": {"type": "array", "items": {"$ref": "#/$defs/address"}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {
        "address": {
            "type": "object",
            "properties": {"street": {"type": "string"}, "number": {"type": ["integer", "string"]}},
            "required": ["street"],
        }
    },
}
CHAT_TOOL: dict[str, Any] = {"type": "function", "function": {"name": "book", "parameters": PARAMETERS}}
RESPONSES_TOOL: dict[str, Any] = {"type": "function", "name": "book", "parameters": PARAMETERS}


class Bent(NamedTuple):
    """One call: its arguments, and what must be said of it; `ended` says whether its stream has a reason."""

    id: str
    arguments: str
    outcome: str
    path: str | None = None
    name: str = "book"
    ended: bool = True


CASES = [
    Bent("fine", '{"city": "Bern", "guests": 2, "until": null, "stops": []}', "valid"),
    Bent("missing", '{"guests": 2}', "missing_argument", "city"),
    Bent("nothing", "", "missing_argument", "city"),
    Bent("empty", "{}", "missing_argument", "city"),
    Bent(
        "missing-within", '{"city": "Bern", "address": {"number": 1}}', "missing_argument", "address.street"
    ),
    Bent(
        "missing-in-list",
        '{"city": "B", "stops": [{"street": "A"}, {}]}',
        "missing_argument",
        "stops[].street",
    ),
    Bent("missing-before-wrong", '{"guests": "two"}', "missing_argument", "city"),
    Bent("text-for-number", '{"city": "Bern", "guests": "2"}', "wrong_type", "guests"),
    Bent("fraction-for-integer", '{"city": "Bern", "guests": 2.5}', "wrong_type", "guests"),
    Bent("integer-with-a-point", '{"city": "Bern", "guests": 2.0, "price": 3}', "valid"),
    Bent("true-for-integer", '{"city": "Bern", "guests": true}', "wrong_type", "guests"),
    Bent("null", '{"city": null}', "wrong_type", "city"),
    Bent(
        "wrong-within",
        '{"city": "B", "address": {"street": "A", "number": []}}',
        "wrong_type",
        "address.number",
    ),
    Bent("wrong-in-list", '{"city": "B", "stops": [{"street": 1}]}', "wrong_type", "stops[].street"),
    Bent("none-of-several", '{"city": "Bern", "until": 5}', "wrong_type", "until"),
    Bent("not-listed", '{"city": "Bern", "board": "full"}', "wrong_type", "board"),
    Bent("under-any-name", '{"city": "Bern", "labels": {"MARK": 1}}', "wrong_type", "labels[]"),
    Bent("more-than-offered", '{"city": "Bern", "MARK": 1}', "valid"),
    Bent("list-for-object", '["Bern"]', "wrong_type"),
    Bent("encoded-twice", '"{\\"city\\": \\"Bern\\"}"', "wrong_type"),
    Bent("unknown-tool", '{"city": "Bern"}', "unknown_tool", name="invented"),
    Bent("unknown-tool-and-broken", '{"city": ', "invalid", name="invented"),
    Bent("trailing-garbage", '{"city": "Bern"} Done!', "invalid"),
    Bent("cut", '{"city": "Be', "invalid"),
    Bent("cut-without-reason", '{"city": "Be', "unfinished", ended=False),
    Bent("nothing-without-reason", "", "unfinished", ended=False),
]
