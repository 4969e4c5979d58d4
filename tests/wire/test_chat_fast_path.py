"""Most chunks of a long stream take the reader's fast path, with the same events."""

from __future__ import annotations

from random import Random

import pytest

from ..table import each_row
from . import randoms
from .quirks_table import IDS, QUIRKS, Quirk
from .reading import FULL, facts, plain, read, said, sdk, seen
from .shapes import ARGS, Chunk, choice, chunk, counts, entry, says, tools

LEAD = [chunk()] * 4  # after these the reader no longer looks for the answer's identity
EACH = each_row("quirk", QUIRKS, ids=IDS)
_REST = entry(0, arguments=ARGS[1:])
_FIRST = tools(entry(0, "call_a", "weather", "{"))
BESIDE = {
    "usage-in-choice": chunk(choice({"tool_calls": [_REST]}, usage=counts(9, 4))),
    "usage-under-x-groq": {**tools(_REST), "x_groq": {"usage": counts(9, 4)}},
    "usage": {**tools(_REST), "usage": counts(9, 4)},
    "error": {**tools(_REST), "error": {"code": 502}},
    "reasoning": tools(_REST, reasoning="Hm"),
    "reasoning-content": tools(_REST, reasoning_content="Hm"),
    "refusal": tools(_REST, refusal="no"),
    "text": tools(_REST, content="Hi"),
    "finish": tools(_REST, reason="tool_calls"),
    "second-choice": chunk(choice({"tool_calls": [_REST]}), choice({"content": "Hi"}, index=1)),
    "second-entry": tools(entry(0, arguments=ARGS[1:5]), entry(0, arguments=ARGS[5:])),
    "function-call": chunk(choice({"tool_calls": [_REST], "function_call": {"arguments": " "}})),
    "id-inside-function": tools(
        {"index": 0, "function": {"id": "call_b", "name": None, "arguments": ARGS[1:]}}
    ),
    "index-false": tools({**_REST, "index": False}),
    "index-float": tools({**_REST, "index": 0.0}),
    "choice-index-false": chunk({**choice({"tool_calls": [_REST]}), "index": False}),
    "text-and-usage-in-choice": chunk(choice({"content": "b"}, usage=counts(9, 4))),
    "text-and-usage": {**says("b"), "usage": counts(9, 4)},
    "text-and-x-groq": {**says("b"), "x_groq": {"usage": counts(9, 4)}},
    "text-and-error": {**says("b"), "error": {"code": "bad"}},
    "text-and-finish": says("b", reason="stop"),
    "text-and-function-call": chunk(
        choice({"content": "", "function_call": {"name": "f", "arguments": "{}"}})
    ),
    "text-and-refusal": chunk(choice({"content": "b", "refusal": "no"})),
    "text-at-choice-true": says("b", True),
}


@pytest.mark.parametrize("keep", [True, False], ids=["keep", "drop"])
@each_row("body", BESIDE.values(), ids=BESIDE)
def test_fields_beside_a_late_piece_are_read(body: Chunk, keep: bool) -> None:
    """Fields beside a piece are read late in a stream, from an SDK object as from a dict."""
    chunks = [*LEAD, says("a"), _FIRST, body]
    expected, found = read(chunks, keep=keep), read(map(sdk, chunks), keep=keep)
    assert seen(found) == seen(expected)
    assert facts(found) == facts(expected)


@EACH
def test_quirk_late_in_a_stream_is_read_as_at_its_beginning(quirk: Quirk) -> None:
    """A quirk is read late in a stream as it is at the beginning, with texts and without."""
    chunks = [*LEAD, *quirk.chunks]
    whole = read(chunks, quirk.expected)
    assert (seen(whole).calls, seen(whole).reasons) == (quirk.calls, quirk.reasons)
    assert seen(read(map(sdk, chunks), quirk.expected)) == seen(whole)
    for build in (plain, sdk):
        found = read(map(build, chunks), quirk.expected, keep=False)
        assert facts(found) == facts(whole)
        assert [call.arguments for call in found.calls] == [""] * len(quirk.calls)


def test_damaged_chunks_late_in_a_stream_read_the_same_from_dict_and_sdk() -> None:
    """Damaged chunks late in a stream give the same events as SDK objects and as dicts."""
    rng = Random(4)
    for _ in range(8_000 if FULL else 60):
        quirk = rng.choice(QUIRKS)
        built = [sdk(body) for body in (*LEAD, *(randoms.altered(rng, body, 0.05) for body in quirk.chunks))]
        whole = read(map(said, built))
        assert repr(seen(read(built))) == repr(seen(whole)), built
        assert repr(facts(read(built, keep=False))) == repr(facts(whole)), built
