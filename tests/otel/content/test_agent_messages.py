"""Input and output of an agent: messages as they are, other values as one message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toolspan.otel.content.agent_messages import input_of, output_of

from ...table import each_row


@dataclass
class Place:
    """A value of the application's."""

    city: str


USER = {"role": "user", "content": "Why?"}
CASES: list[tuple[Any, Any, Any]] = [
    (None, None, None),
    ([], None, None),
    ("", None, None),
    ("Why?", "Why?", "Why?"),
    (["a", "b"], "ab", "ab"),
    (Place("Bern"), '{"city":"Bern"}', '{"city":"Bern"}'),
    ([1, 2], "[1,2]", "[1,2]"),
    (7, "7", "7"),
]


@each_row(("value", "sent", "answer"), CASES)
def test_values_become_one_message(value: Any, sent: str | None, answer: str | None) -> None:
    """Texts are kept, pieces of a generator are joined, other values are JSON; nothing is no message."""
    for found, text, role in (
        (input_of(value, 99), sent, "user"),
        (output_of(value, 99), answer, "assistant"),
    ):
        texts = [part["content"] for message in found for part in message["parts"]]
        assert texts == [text] * (text is not None)
        assert {message["role"] for message in found} <= {role}


def test_messages_are_kept_with_their_roles() -> None:
    """A list of messages is recorded as that of a request; long texts are cut."""
    found = input_of([{"role": "system", "content": "Be brief."}, USER], 4)
    assert [(one["role"], one["parts"][0]["content"]) for one in found] == [
        ("system", "Be …"),
        ("user", "Why?"),
    ]
