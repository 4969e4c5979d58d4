"""A quirk that changes the text of arguments works at each place of a stream, for each API and reader."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from toolspan.pipeline.chunk import parse_chunk
from toolspan.pipeline.chunk_text import Chunks
from toolspan.wire import quirks
from toolspan.wire.record import Record
from toolspan.wire.responses import ResponsesReader

from .reading import plain, read, sdk
from .shapes import Chunk, entry, says, tools

ARGUMENTS = '{"city": "Paris"}'
PIECES = ['{"ci', 'ty": ', '"Par', 'is"}']


def encoded(piece: str) -> str:
    """Return a piece as the server of this test sends it."""
    return base64.b64encode(piece.encode()).decode()


def decoded(piece: str) -> str:
    """Return what a piece stands for: the quirk, as CONTRIBUTING describes it."""
    return base64.b64decode(piece).decode()


def call() -> list[Chunk]:
    """Return the chunks of one call whose pieces are encoded one by one."""
    begin = tools(entry(0, "call_a", "weather", ""))
    return [begin, *(tools(entry(0, arguments=encoded(piece))) for piece in PIECES)]


@pytest.fixture(autouse=True, name="quirk")
def _quirk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Declare the quirk as the recipe says."""
    monkeypatch.setattr(quirks, "ARGUMENTS", (decoded,))


@pytest.mark.parametrize("build", [plain, sdk], ids=["dict", "sdk"])
@pytest.mark.parametrize("texts", [0, 8, 100])
def test_a_call_is_read_at_the_start_of_a_stream_and_after_a_hundred_chunks(texts: int, build: Any) -> None:
    """The call is valid and complete with its last piece, after any number of texts."""
    record = read(map(build, [*[says("word ")] * texts, *call()]))
    (found,) = record.calls
    assert (found.arguments, found.valid, found.closed_by) == (ARGUMENTS, True, "json")


def test_whole_answers_and_deprecated_function_calls_are_read() -> None:
    """The arguments of a whole message are decoded too, and those of `function_call`."""
    (delta,) = quirks.call_deltas([{"id": "a", "function": {"name": "f", "arguments": encoded("{}")}}], True)
    assert delta.arguments == "{}"
    (delta,) = quirks.function_call_deltas({"name": "f", "arguments": encoded("{}")})
    assert delta.arguments == "{}"


def test_calls_of_the_responses_api_are_read() -> None:
    """Deltas, `arguments.done` and items of the Responses API are decoded."""
    item = {"type": "function_call", "id": "fc_1", "call_id": "call_a", "name": "weather", "arguments": ""}
    where = {"item_id": "fc_1", "output_index": 0}
    name = "response.function_call_arguments"
    bodies = [
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        *({"type": f"{name}.delta", **where, "delta": encoded(piece)} for piece in PIECES),
        {"type": f"{name}.done", **where, "arguments": encoded(ARGUMENTS)},
    ]
    reader, record = ResponsesReader(), Record(keep=True)
    for body in bodies:
        for event in reader.read(body):
            record.apply(event, 1)
    (found,) = record.calls
    assert (found.arguments, found.valid, found.closed_by) == (ARGUMENTS, True, "json")


@pytest.mark.parametrize("as_text", [False, True], ids=["dict", "text"])
def test_stages_of_a_pipeline_see_the_decoded_arguments(as_text: bool) -> None:
    """A chunk of a pipeline is read with the quirk, as a dict and as text, from the first chunk on."""
    chunks, found = Chunks(), ""
    for body in [says("a")] * 30 + call():
        parsed = chunks.read("data: " + json.dumps(body) + "\n\n") if as_text else [parse_chunk(body)]
        found += "".join(part[1] for each in parsed for part in each if part[0].kind == "tool_call")
    assert found == ARGUMENTS
