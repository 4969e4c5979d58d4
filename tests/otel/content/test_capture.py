"""Content as attributes of one signal: on or off, structured or as JSON, within its limits."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolspan import guard
from toolspan.otel import semconv as names
from toolspan.otel.content import capture as content
from toolspan.otel.content import capture as module
from toolspan.otel.content.capture import Capture, spans_take_structures
from toolspan.otel.content.redaction import Review
from toolspan.otel.content.worker import ContentMakers, Contents
from toolspan.wire.record import ToolCall

from ...sdk import wire
from ...table import each_row
from ..apis import calls_answer, tools
from ..kept import longest, strict
from ..lab import ASK, new_call, run

CONTENT = {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.TOOL_DEFINITIONS}
LONG = json.dumps({"a": "y" * 400})
HISTORY: list[Any] = [
    {"role": "system", "content": "é 漢字 😀 " * 50},
    {"role": "user", "content": [{"type": "text", "text": "x" * 700}, {"type": "input_audio"}]},
    {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": LONG}}]},
    {"role": "tool", "tool_call_id": "c", "content": "z\ud83d" * 300},
]


def recorded(capture: Capture, wanted: ContentMakers) -> dict[str, Any]:
    """The attributes that a sink makes of its content."""
    found: Contents = {}
    Review(guard.report).emit(wanted, capture.limit, found.update)
    return capture.attributes(found)


def call(arguments: str, kind: str = "function") -> ToolCall:
    """A call with these arguments."""
    return ToolCall(0, 0, "c", "f", kind, 0, pieces=[arguments])


def streamed(capture: Capture, body: dict[str, Any] = ASK, *chunks: Any) -> dict[str, Any]:
    """The attributes of a streamed call, taken before its end."""
    made = new_call({**body, "stream": True})
    made.open()
    for chunk in chunks:
        made.chunk(chunk)
    return recorded(capture, content.call_messages(made, full=False))


def test_structured() -> None:
    """In structured form the messages are plain lists and dicts."""
    found = streamed(Capture(True, True, 100), {**ASK, "tools": tools("f")}, *wire.TEXT)
    assert set(found) == CONTENT
    assert found[names.INPUT_MESSAGES][0]["role"] == "user"
    assert found[names.OUTPUT_MESSAGES][0]["parts"] == [{"type": "text", "content": "Hello"}]


def test_as_json() -> None:
    """Where spans take no structures, the same messages are JSON texts."""
    body = {**ASK, "tools": tools("f")}
    structured = streamed(Capture(True, True, 100), body, *wire.TEXT)
    texts = streamed(Capture(True, False, 100), body, *wire.TEXT)
    assert {name: json.loads(text) for name, text in texts.items()} == structured


@pytest.mark.parametrize("structured", [True, False], ids=["structured", "json"])
def test_what_there_is_none_of(structured: bool) -> None:
    """No tools and no answer: no attributes for them."""
    assert set(streamed(Capture(True, structured, 100))) == {names.INPUT_MESSAGES}


@each_row("total", [50, 64, 100, 128, 250, 500, 1000, 2000, 5000])
def test_json_is_never_cut(total: int) -> None:
    """Whatever limit the attribute has: it holds valid JSON within it, or is absent."""
    body = {**ASK, "messages": HISTORY, "tools": tools(*(f"tool_{at}" for at in range(50)))}
    found = streamed(Capture(True, False, 8192, total), body, *wire.CALLS)
    for text in found.values():
        assert len(text) <= total
        assert strict(text)
    assert total < 500 or {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES} <= set(found)


@pytest.mark.parametrize("structured", [True, False], ids=["structured", "json"])
@pytest.mark.parametrize(("limit", "total"), [(50, None), (8192, 50)], ids=["per text", "per attribute"])
def test_each_text_is_limited(structured: bool, limit: int, total: int | None) -> None:
    """No text is longer than the limit per text, nor than the one per attribute."""
    found = streamed(Capture(True, structured, limit, total), {**ASK, "messages": HISTORY})
    if structured:
        assert longest(found[names.INPUT_MESSAGES]) <= 50
    else:
        assert "x" * 51 not in str(found)


@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=300) | st.integers(), max_size=8),
    st.integers(50, 5000),
)
def test_arguments_are_never_cut(arguments: dict[str, Any], total: int) -> None:
    """Valid arguments are recorded as valid JSON within the limit, or not at all."""
    found = recorded(Capture(True, False, 200, total), content.arguments(call(json.dumps(arguments))))
    text = found.get(names.TOOL_CALL_ARGUMENTS)
    assert text is None or (len(text) <= total and isinstance(strict(text), dict))


@pytest.mark.parametrize("structured", [True, False], ids=["structured", "json"])
@pytest.mark.parametrize(
    "text", ['{"a": 1, "b": ["é"]}', "{}", '{"a": null}'], ids=["object", "empty", "null inside"]
)
def test_arguments(structured: bool, text: str) -> None:
    """The arguments as the object that they are, or as its JSON; an empty object is one, too."""
    value = recorded(Capture(True, structured, 100), content.arguments(call(text)))[names.TOOL_CALL_ARGUMENTS]
    assert (value if structured else json.loads(value)) == json.loads(text)


def test_arguments_that_are_none() -> None:
    """A call without arguments has no attribute for them."""
    assert recorded(Capture(True, True, 100), content.arguments(call(""))) == {}
    assert recorded(Capture(True, False, 100), content.arguments(call(""))) == {}


@pytest.mark.parametrize("structured", [True, False], ids=["structured", "json"])
def test_arguments_of_a_custom_tool(structured: bool) -> None:
    """The input of a custom tool is free text, even if it looks like JSON; the attribute is an object."""
    value = recorded(Capture(True, structured, 100), content.arguments(call('{"a": 1}', "custom")))[
        names.TOOL_CALL_ARGUMENTS
    ]
    assert (value if structured else strict(value)) == {"input": '{"a": 1}'}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("1.45.2", True),
        ("1.44.0", False),
        ("2.0", True),
        ("1.45.0.dev", True),
        ("1.45rc1", True),
        ("odd", False),
    ],
)
def test_spans_take_structures(monkeypatch: pytest.MonkeyPatch, found: str, expected: bool) -> None:
    """From 1.45 on; a version that cannot be read counts as an old one."""
    monkeypatch.setattr(module, "version", lambda name: found)
    assert spans_take_structures() is expected


def test_no_version_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the metadata of OpenTelemetry, texts are the safe choice."""

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", missing)
    assert spans_take_structures() is False


def test_calls_of_a_whole_answer() -> None:
    """An unstreamed answer is recorded in the same way."""
    made = run(new_call(ASK), calls_answer(("f", '{"a": 1}')))
    (message,) = recorded(Capture(True, True, 100), content.call_messages(made, full=False))[
        names.OUTPUT_MESSAGES
    ]
    assert message["parts"][0]["arguments"] == {"a": 1}
