"""Every quirk of the tables through the SDK: events of the application and telemetry agree.

One stream feeds both. What each server means by it stands in the tables of `tests/wire`, once.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import openai
import pytest

import toolspan

from ..wire.quirks_table import QUIRKS
from ..wire.reading import FULL, canonical
from ..wire.responses_table import CASES
from ..wire.shapes import Call
from . import script, wire
from .api import Api
from .apis import CHAT, RESPONSES
from .features import has
from .sdk import END, FACES, Face
from .telemetry import Telemetry

_DETAILS = "gen_ai.client.inference.operation.details"
_FREE_TEXT = ("custom", "code_interpreter", "program")


class Row(NamedTuple):
    """One quirk in a form for both APIs; what the SDK itself makes an exception of is no failure there."""

    name: str
    api: Api
    bodies: list[dict[str, Any]]
    calls: list[Call]
    texts: Mapping[int, str]
    reasoning: Mapping[int, str]
    refusals: Mapping[int, str]
    reasons: list[str | None]
    usage: tuple[int | None, int | None] | None
    failure: str | None
    expected: int = 1


def _chat(quirk: Any) -> Row:
    count = max(quirk.expected, max(quirk.reasons, default=0) + 1)
    texts = (quirk.texts, quirk.reasoning, quirk.refusals)
    reasons = [quirk.reasons.get(at) for at in range(count)]
    return Row(
        quirk.id, CHAT, quirk.chunks, quirk.calls, *texts, reasons, quirk.usage, quirk.failure, quirk.expected
    )


def _responses(case: Any) -> Row:
    texts = [{0: text} if text else {} for text in (case.text, case.reasoning, case.refusal)]
    return Row(case.id, RESPONSES, case.events, case.calls, *texts, [case.reason], case.usage, case.failure)


TABLE = [*map(_chat, QUIRKS), *map(_responses, CASES)]


GROUPS = 8


@pytest.mark.parametrize("group", range(GROUPS))
def test_events_listener_and_telemetry_find_the_same_tool_calls(group: int) -> None:
    """Events, listener and telemetry agree with the table's expectation for every row."""
    for number, row in enumerate(TABLE[group::GROUPS]):
        # The clients take turns; with `--full`, each reads every row.
        for face in FACES if FULL else (FACES[(group + number) % len(FACES)],):
            if row.api is CHAT or has("responses.create"):
                _check(row, face, Telemetry())


def _check(row: Row, face: Face, telemetry: Telemetry) -> None:
    heard: list[Any] = []
    done = () if row.api is RESPONSES else (wire.DONE,)
    choices = {"n": row.expected} if row.expected > 1 else {}

    async def scenario() -> list[Any]:
        async with face.client(script.Transport(script.stream(*row.bodies, *done))) as client:
            stream = await face.done(row.api.stream(client, **choices))
            return await _read(face, toolspan.events(stream, choices=row.expected))

    def listen(call: Any, event: Any) -> None:
        heard.append(event)

    with telemetry.on(capture_message_content="EVENT_ONLY", check_arguments="off", on_event=listen):
        events = face.run(scenario())
    assert [event.to_dict() for event in heard] == [event.to_dict() for event in events]
    assert all(mine.chunk is theirs.chunk for mine, theirs in zip(heard, events, strict=True))
    assert canonical(_calls(events), how=False) == canonical(row.calls, how=False)
    assert _told(telemetry) == [_as_told(call) for call in row.calls], row.name
    _check_rest(row, events, telemetry)


def test_events_from_plain_json_match_those_of_the_sdk() -> None:
    """Events from plain JSON equal those from the SDK, except for the chunk."""
    for row in TABLE:
        found = list(toolspan.events(row.bodies, choices=row.expected))
        assert canonical(_calls(found), how=False) == canonical(row.calls, how=False), row.name
        assert [event.chunk for event in found if event.chunk not in (*row.bodies, None)] == []
        assert [type(event) for event in found].count(toolspan.Done) == 1
        assert json.loads(json.dumps([event.to_dict() for event in found]))


async def _read(face: Face, events: Any) -> list[Any]:
    """All events of a stream; its error comes after them."""
    found: list[Any] = []
    raised = None
    async with face.within(events):
        try:
            while (event := await face.next(events)) is not END:
                found.append(event)
        except openai.APIError as error:
            raised = error
    assert [event.error for event in found[:-1] if getattr(event, "error", None)] == [raised] * bool(raised)
    return found


def _calls(events: Iterable[Any]) -> list[Call]:
    """Return the calls of the events: each started, then completed, once, with all of its arguments."""
    started: dict[tuple[int, int], Any] = {}
    ended: dict[tuple[int, int], Any] = {}
    texts: dict[tuple[int, int], str] = defaultdict(str)
    broken = set()
    for event in events:
        key = (getattr(event, "choice", None), getattr(event, "index", None))
        if isinstance(event, toolspan.ToolCallStarted):
            assert key not in started
            started[key] = event
        elif isinstance(event, toolspan.ToolCallArgumentsDelta):
            assert key in started
            texts[key] += event.delta
        elif isinstance(event, toolspan.ToolCallCompleted):
            assert key in started
            assert key not in ended
            assert event.arguments == texts[key]
            assert event.valid or event.reason in ("invalid", "unfinished", "not_given", "unnamed")
            assert event.hosted is started[key].hosted
            ended[key] = event
        elif isinstance(event, toolspan.StreamError) and event.kind == "arguments":
            assert event.name == ended[key].name
            # the tables say whether the arguments parse; a call without a name must not be run all the same
            if event.code != "unnamed":
                broken.add(key)
    assert started.keys() == ended.keys()
    return [
        Call(call.id, call.name, texts[key], key not in broken, "", call.choice, call.kind)
        for key, call in sorted(ended.items())
    ]


def _told(telemetry: Telemetry) -> list[tuple[Any, ...]]:
    """The calls of the details event: id, name, arguments."""
    (details,) = [record for record in telemetry.records if record.event_name == _DETAILS]
    messages = details.attributes.get("gen_ai.output.messages", ())
    parts = [part for message in messages for part in message["parts"]]
    return [
        (part.get("id"), part["name"], _plain(part.get("server_tool_call", part).get("arguments")))
        for part in parts
        if part["type"].endswith("tool_call")
    ]


def _plain(value: Any) -> Any:
    """OpenTelemetry makes tuples of lists."""
    return json.loads(json.dumps(value))


def _as_told(call: Call) -> tuple[Any, ...]:
    """Return a call of the table as the details event has it."""
    text: Any = call.arguments
    try:
        found = text if call.kind in _FREE_TEXT else json.loads(text)
    except ValueError:
        found = text
    return call.id, call.name or "", None if found == "" else found


def _check_rest(row: Row, events: list[Any], telemetry: Telemetry) -> None:
    """Texts, reasons, usage and the end are the table's and the span's."""
    done = events[-1]
    span = telemetry.span.attributes
    assert done.outcome == span["toolspan.stream.outcome"]
    found = [reason or "error" for reason in done.finish_reasons]
    assert found == list(span["gen_ai.response.finish_reasons"])
    if done.outcome == "failed" and row.failure is None:
        assert isinstance(events[-2].error, openai.APIError)  # the SDK read no further
        return
    assert (done.usage and done.usage[:2]) == row.usage
    for kind, wanted in (
        (toolspan.TextDelta, row.texts),
        (toolspan.ReasoningDelta, row.reasoning),
        (toolspan.RefusalDelta, row.refusals),
    ):
        texts: dict[int, str] = defaultdict(str)
        for event in events:
            if isinstance(event, kind):
                texts[event.choice] += event.text
        assert texts == wanted
