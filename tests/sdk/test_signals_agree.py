"""Every irregular stream of the tables through the SDK: all signals say the same of each tool call."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any, NamedTuple

import pytest

import toolspan
from toolspan.otel import semconv as names
from toolspan.wire.response_items import FREE_TEXT

from ..wire import test_chat_dialects as dialects
from ..wire import test_response_calls_merged as merged
from ..wire.quirks_table import QUIRKS
from ..wire.reading import FULL
from ..wire.response_shapes import begins
from ..wire.responses_table import CASES
from .apis import CHAT, RESPONSES
from .features import has
from .sdk import FACES, SYNC
from .signals import READS, Stream, Told, tell

_EVENT = "toolspan.tool_call."


def _streams() -> list[Stream]:
    """All rows of the tables; the quirks offer the tool that nearly all of them call."""
    weather = {"name": "weather", "parameters": {}}
    chat, flat = [{"type": "function", "function": weather}], [{"type": "function", **weather}]
    return [
        *(
            Stream(name, CHAT, case.chunks, case.calls, dialects.TOOLS)
            for name, case in dialects.CASES.items()
        ),
        *(
            Stream(name, RESPONSES, [*begins(), *bodies], [row[1:] for row in rows], [merged.TOOL])
            for name, (bodies, rows) in merged.CASES.items()
        ),
        *(Stream(quirk.id, CHAT, quirk.chunks, None, chat, quirk.expected) for quirk in QUIRKS),
        *(Stream(case.id, RESPONSES, case.events, None, flat) for case in CASES),
    ]


STREAMS = [each for each in _streams() if each.api is CHAT or has("responses.create")]
CAPTURED = {"capture_message_content": "SPAN_AND_EVENT"}
FLAGS = [*product((0, 1), (0, 1))] if FULL else [(0, 1), (1, 0)]  # content, checks by the tools
WAYS = [(face, read, *flags) for face in FACES for read in READS for flags in FLAGS]


@pytest.mark.parametrize("way", range(len(WAYS)))
def test_every_signal_says_the_same_of_each_tool_call(way: int) -> None:
    """Span, log records, metrics, stream log, listener, events and record agree on each call."""
    face, read, content, checked = WAYS[way]
    # Each stream is read in one of the ways; with `--full` in all of them.
    for stream in STREAMS if FULL else STREAMS[way :: len(WAYS)]:
        sent = stream if checked else replace(stream, calls=None, tools=None)
        try:
            check(tell(face, read, sent, **(CAPTURED if content else {})), sent)
        except AssertionError as error:
            raise AssertionError(stream.name) from error


def test_signals_agree_on_damaged_streams() -> None:
    """They also agree where events are lost, repeated, moved, cut, or mixed with those of other streams."""
    rng = Random(15)
    for number in range(5000 if FULL else 40):
        stream = rng.choice(STREAMS)
        others = [each.bodies for each in STREAMS if each.api is stream.api]
        sent = replace(stream, bodies=damaged(rng, stream.bodies, rng.choice(others)), calls=None)
        try:
            check(tell(SYNC, READS[number % len(READS)], sent, **(CAPTURED if number % 2 else {})), sent)
        except AssertionError as error:
            raise AssertionError(json.dumps(sent.bodies)) from error


def damaged(rng: Random, bodies: list[Any], other: list[Any]) -> list[Any]:
    """The events of a stream, damaged in up to three places."""
    found = list(bodies)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(found) + 1)
        here = found[at : at + 1]
        found = rng.choice(
            (
                [*found[:at], *found[at + 1 :]],
                [*found[:at], *here, *found[at:]],
                [*found[:at], *found[at + 1 :], *here],
                [*found[:at], *found[at + 1 : at + 2], *here, *found[at + 2 :]],
                [*found[:at], *other, *found[at:]],
                found[: at + 1],
            )
        )
    return found


def check(told: Told, stream: Stream) -> None:
    """Assert that all signals agree."""
    spoken = on_span(told.telemetry.span)
    assert spoken == logged(told.telemetry.records)
    assert [each.for_lines() for each in spoken] == in_lines(told.lines)
    assert [each.for_events() for each in spoken if each.kind != "detected"] == heard(told.heard)
    check_metrics(told, spoken)
    check_totals(told, spoken)
    check_events(told)
    check_verdicts(told, stream)


class Said(NamedTuple):
    """What one signal says of a call at one time."""

    kind: str
    key: tuple[int, int]
    id: str | None
    name: str | None
    type: str | None = None
    outcome: str | None = None
    before: str | None = None
    size: int | None = None
    fragments: int | None = None
    path: str | None = None
    valid: bool | None = None
    arguments: Any = None

    def for_lines(self) -> Said:
        """Without what a line of the stream log does not have."""
        return self._replace(type=None, valid=None, arguments=None)

    def for_events(self) -> Said:
        """Without what an event of the application does not have."""
        return self._replace(type=None, valid=None, arguments=None, size=None, fragments=None)


_NAMES = (
    *(names.TOOL_CALL_ID, names.TOOL_NAME, names.TOOL_TYPE, names.CALL_OUTCOME, names.CALL_OUTCOME_BEFORE),
    *(names.CALL_ARGUMENTS_SIZE, names.CALL_FRAGMENTS, names.CALL_VIOLATION_PATH, names.CALL_VALID),
    names.TOOL_CALL_ARGUMENTS,
)  # in the order of `Said`


def _said(name: str, found: Any) -> Said:
    key = (found[names.CHOICE_INDEX], found[names.CALL_INDEX])
    *facts, arguments = map(found.get, _NAMES)
    if isinstance(arguments, str):  # JSON text on the span, structured in the log record
        with suppress(ValueError):
            arguments = json.loads(arguments)
    return Said(name.removeprefix(_EVENT), key, *facts, json.loads(json.dumps(arguments)))


def on_span(span: Any) -> list[Said]:
    """The events of the span."""
    return [_said(event.name, event.attributes) for event in span.events if event.name.startswith(_EVENT)]


def logged(records: list[Any]) -> list[Said]:
    """The log records."""
    return [_said(each.event_name, each.attributes) for each in records if each.event_name.startswith(_EVENT)]


_FACTS = ("id", "tool", "none", "outcome", "outcome_before", "size", "fragments", "path")


def in_lines(lines: list[dict[str, Any]]) -> list[Said]:
    """The lines of the stream log."""
    found = [(line["event"].removeprefix("tool_"), line) for line in lines if "tool_" in line["event"]]
    return [Said(kind, (line["choice"], line["index"]), *map(line.get, _FACTS)) for kind, line in found]


def heard(events: list[Any]) -> list[Said]:
    """The ends and corrections that the application gets."""
    return [
        Said(
            event.type.removeprefix("tool_call."), key_of(event), event.id, event.name, None,
            event.reason or "valid", getattr(event, "previous", None), path=event.path,
        )
        for event in events
        if isinstance(event, (toolspan.ToolCallCompleted, toolspan.ToolCallCorrected))
    ]  # fmt: skip


def check_metrics(told: Told, spoken: list[Said]) -> None:
    """The counter and the sizes are those of the completed events; corrections do not change them."""
    completed = [each for each in spoken if each.kind == "completed"]
    counted: Counter[Any] = Counter()
    for point in told.telemetry.points(names.TOOL_CALLS):
        counted[point.attributes[names.TOOL_TYPE], point.attributes[names.OUTCOME]] += point.value
    assert counted == Counter((each.type, each.outcome) for each in completed)
    answered = [each.size or 0 for each in completed if each.type == "function"]
    sizes = told.telemetry.points(names.CALL_ARGUMENTS_SIZE)
    assert (sum(point.count for point in sizes), sum(point.sum for point in sizes)) == (
        len(answered),
        sum(answered),
    )


def check_totals(told: Told, spoken: list[Said]) -> None:
    """Each call is detected and completed once; the totals of the span count the last verdicts."""
    for kind in ("detected", "completed"):
        once = [each.key for each in spoken if each.kind == kind]
        assert sorted(once) == sorted(map(key_of, told.record.calls)), kind
    last: dict[Any, Said] = {}
    for each in spoken:
        if each.kind == "corrected":
            assert each.before == last[each.key].outcome
        last[each.key] = each
    for call in told.record.calls:
        final = last[key_of(call)]
        assert (final.outcome, final.valid) == (call.outcome, call.valid)
        assert (final.id, final.name) == (call.id, call.name)
        if final.kind == "completed" and told.record.keep and not call.arguments[-1:].isspace():
            assert (final.size, final.fragments) == (call.size, call.fragments)
    attributes = told.telemetry.span.attributes
    assert attributes.get(names.TOOL_CALLS_COUNT, 0) == len(last)
    named = [call.name for call in told.record.calls if call.name]
    assert list(attributes.get(names.TOOL_CALLS_NAMES, ())) == named
    assert attributes.get(names.TOOL_CALLS_INVALID, 0) == sum(not each.valid for each in last.values())
    broken = sum(each.valid and each.outcome != "valid" for each in last.values())
    assert attributes.get(names.TOOL_CALLS_VIOLATIONS, broken) == broken
    finish = told.lines[-1]
    assert finish["tool_calls"] == len(last)
    assert finish.get("invalid_calls", 0) == sum(each.outcome != "valid" for each in last.values())


def key_of(source: Any) -> tuple[int, int]:
    """Choice and index."""
    return source.choice, source.index


def check_events(told: Told) -> None:
    """The application's events tell each call once, and what the record has of it at the end."""
    if told.seen is not None:
        assert [event.to_dict() for event in told.heard] == [event.to_dict() for event in told.seen]
    started: set[Any] = set()
    last: dict[Any, Any] = {}
    deltas: dict[Any, str] = defaultdict(str)
    for event in told.heard:
        if isinstance(event, toolspan.ToolCallStarted):
            assert key_of(event) not in started
            started.add(key_of(event))
        elif isinstance(event, toolspan.ToolCallArgumentsDelta):
            assert key_of(event) in started
            deltas[key_of(event)] += event.delta
        elif isinstance(event, (toolspan.ToolCallCompleted, toolspan.ToolCallCorrected)):
            assert (key_of(event) in last) is (event.type == "tool_call.corrected")
            last[key_of(event)] = event
    calls = {key_of(call): call for call in told.record.calls}
    assert started == last.keys() == calls.keys()
    for key, call in calls.items():
        event = last[key]
        assert (event.id, event.name, event.kind) == (call.id, call.name, call.kind)
        if key not in told.contradicted:
            assert deltas[key].strip() == event.arguments.strip()
        if told.record.keep:
            assert event.arguments.strip() == call.arguments.strip()


def check_verdicts(told: Told, stream: Stream) -> None:
    """No call is valid that must not be run; each is what the table says."""
    offered = {tool.get("function", tool)["name"] for tool in stream.tools or ()}
    final = {}
    for event in told.heard:
        if isinstance(event, (toolspan.ToolCallCompleted, toolspan.ToolCallCorrected)):
            final[key_of(event)] = event
    runnable = [event for event in final.values() if event.valid]
    for event in runnable:
        if event.kind in ("function", "custom"):
            assert event.name is not None
            assert not offered or event.name in offered
        if event.kind not in FREE_TEXT:
            json.loads(event.arguments.strip() or "{}")
    if stream.calls is not None:
        twice = Counter((e.choice, e.id, e.name, e.arguments) for e in runnable if e.id is not None)
        assert set(twice.values()) <= {1}
        found = [(e.name, e.arguments.strip(), e.reason or "valid") for _, e in sorted(final.items())]
        assert found == [(name, text.strip(), outcome) for name, text, outcome in stream.calls]
