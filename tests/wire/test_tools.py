"""The tools of a request: which calls are to none of them, and the schema of a call."""

from __future__ import annotations

from typing import Any

from toolspan.wire.json_scanner import UNPARSED, parsed
from toolspan.wire.json_schema import Violation
from toolspan.wire.tools import Tools, tools

from ..table import each_row

CITY = {"type": "object", "required": ["city"]}
WEATHER = {"type": "function", "name": "weather", "parameters": CITY}
MISSING, UNKNOWN = Violation("missing_argument", "city"), Violation("unknown_tool")
UNCHECKED = Violation("unchecked")


def offered(*definitions: Any) -> Tools:
    """The tools of these definitions."""
    found = tools(list(definitions))
    assert found is not None
    return found


@each_row(
    ("more", "name", "kind", "unknown"),
    [
        ([], "weather", "function", False),
        ([], "Weather", "function", True),
        ([], "invented", "custom", True),
        ([], "web_search", "web_search", False),
        ([], "web_search", "function", True),
        ([{"type": "web_search_preview_2025_03_11"}], "invented", "function", True),
        ([{"type": "computer_use_preview"}, {"type": "file_search"}], "invented", "function", True),
        ([{"type": "custom", "name": "sql"}], "sql", "custom", False),
        ([{"type": "mcp", "server_label": "docs"}], "invented", "function", False),
        ([{"type": "tool_search"}], "invented", "function", False),
        ([{"type": "x_search"}], "x_keyword_search", "custom", False),
        ([{"type": "namespace", "name": "crm", "tools": [{"name": "find"}]}], "find", "function", False),
        ([{"type": "namespace", "name": "crm", "tools": [{"name": "find"}]}], "crm", "function", True),
    ],
)
def test_call_is_to_an_unknown_tool_only_if_all_names_are_known(
    more: list[Any], name: str, kind: str, unknown: bool
) -> None:
    """A call is to an unknown tool where the request lists every name that it may use."""
    assert offered(WEATHER, *more).unknown(name, kind) is unknown


CASES: dict[str, tuple[list[Any], str | None, bytes | None, Violation | None]] = {
    "fits": ([WEATHER], "weather", b'{"city": "Bern"}', None),
    "missing": ([WEATHER], "weather", b"{}", MISSING),
    "nothing": ([WEATHER], "weather", b" \n", MISSING),
    "arguments-unknown": ([WEATHER], "weather", None, UNCHECKED),
    "name-unknown": ([WEATHER], None, b"{}", None),
    "tool-unknown": ([WEATHER], "invented", None, UNKNOWN),
    "in-a-namespace": ([{"type": "namespace", "tools": [WEATHER]}], "weather", b"{}", MISSING),
    "as-chat-has-it": ([{"type": "function", "function": WEATHER}], "weather", b"{}", MISSING),
    "deprecated": ([{"name": "weather", "parameters": CITY}], "weather", b"{}", MISSING),
    "offered-twice": ([WEATHER, {**WEATHER, "parameters": {}}], "weather", b"{}", None),
    "no-schema": ([{"type": "function", "name": "weather"}], "weather", b"{}", None),
    "odd-schema": ([{**WEATHER, "parameters": ["city"]}], "weather", b"{}", None),
    "not-json": ([WEATHER], "weather", b"{", UNCHECKED),
    "too-deep": ([WEATHER], "weather", b"[" * 100_000 + b"]" * 100_000, UNCHECKED),
}


@each_row(("definitions", "name", "arguments", "expected"), CASES.values(), ids=CASES)
def test_call_is_checked_against_the_definition_of_its_name(
    definitions: list[Any], name: str | None, arguments: bytes | None, expected: Violation | None
) -> None:
    """A call is checked against the one definition with its name, in each form that servers accept."""
    given = UNPARSED if arguments is None else parsed(arguments.decode())
    assert offered(*definitions).violation(name, "function", given) == expected


def test_tools_know_whether_there_is_a_schema_to_check() -> None:
    """The tools report whether any of them has a schema."""
    assert offered({"type": "web_search"}, WEATHER).described
    assert not offered({"type": "web_search"}, {"name": "f", "parameters": None}).described


def test_definitions_are_the_requests_own_objects_in_order_of_names() -> None:
    """Neither a definition nor its schema is copied."""
    found = offered({"type": "function", "function": WEATHER}, {"type": "web_search"})
    assert found.definitions[0] == WEATHER
    assert found.names == ("weather", "web_search")
    assert found.definitions[0]["parameters"] == CITY
