"""The arguments of calls: the object they stand for, whatever a model sends."""

from __future__ import annotations

import json
from typing import Any

from toolspan.otel.content.messages import call_arguments
from toolspan.otel.content.truncate import messages_json

from ...table import each_row
from ..kept import encode_value, strict


@each_row(
    ("text", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        ("{}", {}),
        ("", ""),
        ('{"a": ', '{"a": '),
        ('{"é": "漢字 😀"}', {"é": "漢字 😀"}),
        ('{"a": "\\ud83d", "\\ud83d": 1, "name": "\\ud83d"}', {"a": "?", "?": 1, "name": "?"}),
        ('{"a": null, "b": [true, 1.5]}', {"a": None, "b": [True, 1.5]}),
    ],
    ids=["object", "empty", "none", "cut", "non-ascii", "surrogates", "scalars"],
)
def test_arguments(text: str, expected: Any) -> None:
    """Arguments as the object they stand for; as text if they do not parse."""
    assert call_arguments(text, 100) == expected


HARD = {
    "not a number": '{"a": NaN, "b": -Infinity, "c": 1e999}',
    "large number": '{"a": 123456789012345678901234567890, "b": -9223372036854775809}',
    "huge number": '{"a": ' + "9" * 5000 + "}",
    "surrogate under a known name": '{"name": "\\ud83d", "type": ["\\ud83d"], "id": {"role": "\\ud83d"}}',
    "empty key": '{"": 1}',
    "dicts, 40 deep": '{"a":' * 40 + "1" + "}" * 40,
    "lists, 200 deep": '{"a":' + "[" * 200 + "]" * 200 + "}",
    "lists, 600 deep": '{"a":' + "[" * 600 + "]" * 600 + "}",
    "lists, 100 000 deep": "[" * 100_000 + "]" * 100_000,
    "many keys": json.dumps({str(at): at for at in range(5000)}),
    "long key": json.dumps({"k" * 5000: 1}),
    "many texts": json.dumps({str(at): "x" * 90 for at in range(10)}),
}


@each_row("text", HARD.values(), ids=HARD)
def test_hard_arguments(text: str) -> None:
    """Whatever a model sends: no error, a modest size, valid JSON, and OTLP can encode it within messages."""
    value = call_arguments(text, 100)
    assert len(str(value)) < 1000
    recorded: Any = [{"role": "assistant", "parts": [{"type": "tool_call", "arguments": value}]}]
    message = encode_value(recorded)
    type(message).FromString(message.SerializeToString())
    strict(messages_json(recorded, None) or "")


def test_many_texts_are_shortened() -> None:
    """Valid arguments are never cut in the middle of their JSON: they stay an object."""
    value = call_arguments(HARD["many texts"], 100)
    assert isinstance(value, dict)
    assert len(value) == 10
