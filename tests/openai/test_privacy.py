"""Content is off until it is asked for, and then it is where it was asked for; a key is nowhere, ever."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import pytest

from . import script, wire
from .observe import watch
from .script import Transport
from .sdk import SYNC, Face, both_faces
from .telemetry import Telemetry

MODES = ("NO_CONTENT", "SPAN_ONLY", "EVENT_ONLY", "SPAN_AND_EVENT")


def everything(telemetry: Telemetry, *kinds: str) -> str:
    """All that telemetry says, as one text: names, attributes, events, links, status, resources, bodies."""
    found: list[str] = []
    if "span" in kinds or not kinds:
        found += [span.to_json() for span in telemetry.everything_ended]
    if "log" in kinds or not kinds:
        for record in telemetry.records:
            found.append(
                repr((record.body, record.event_name, record.severity_text, _plain(record.attributes)))
            )
    if "metric" in kinds or not kinds:
        found += [metric.to_json() for metric in telemetry.metrics()]
    return "\n".join(found).encode().decode("unicode_escape", "replace")


def _plain(value: Any) -> Any:
    if hasattr(value, "items"):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value


MARKED: dict[str, Any] = {
    "model": "gpt-test",
    "messages": [
        {"role": "system", "content": "MARK-system"},
        {"role": "user", "name": "ann", "content": [{"type": "text", "text": "MARK-prompt"}]},
        {
            "role": "assistant",
            "content": "MARK-said",
            "tool_calls": [
                {
                    "id": "call_5",
                    "type": "function",
                    "function": {"name": "look", "arguments": '{"q": "MARK-history"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_5", "content": "MARK-result"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "look",
                "description": "MARK-description",
                "parameters": {"type": "object", "properties": {"MARK-schema": {"type": "string"}}},
            },
        }
    ],
    "user": "MARK-user",
    "metadata": {"note": "MARK-metadata"},
    "prediction": {"type": "content", "content": "MARK-prediction"},
    "extra_headers": {"X-Note": "MARK-header"},
    "extra_query": {"note": "MARK-query"},
}
INPUT = {"MARK-system", "MARK-prompt", "MARK-said", "MARK-history", "MARK-result"}
OUTPUT = {"MARK-answer", "MARK-refusal", "MARK-reasoning", "MARK-arguments"}

STREAM = script.stream(
    wire.chunk({"role": "assistant", "reasoning_content": "MARK-reasoning"}),
    wire.text("MARK-"),
    wire.text("answer"),
    wire.chunk({"refusal": "MARK-refusal"}),
    wire.call('{"q": "MARK-', name="look"),
    wire.call('arguments"}'),
    wire.chunk(None, "tool_calls"),
    wire.DONE,
)
_WHOLE = wire.answer("MARK-answer", calls=[("look", '{"q": "MARK-arguments"}')], reason="tool_calls")
_WHOLE["choices"][0]["message"] |= {"refusal": "MARK-refusal", "reasoning_content": "MARK-reasoning"}
WHOLE = script.whole(_WHOLE)


async def ask(face: Face, client: Any, streamed: bool = False) -> Any:
    """Ask with everything marked."""
    made = await face.done(client.chat.completions.create(**MARKED, **({"stream": True} if streamed else {})))
    return await face.read(made) if streamed else made


async def ask_for_a_stream(face: Face, client: Any) -> Any:
    """The same, streamed."""
    return await ask(face, client, True)


def run(
    face: Face, telemetry: Telemetry, answer: Any, mode: str, *, streamed: bool = True, **options: Any
) -> Any:
    """What the application saw; telemetry has the rest."""
    scenario = ask_for_a_stream if streamed else ask
    with telemetry.on(capture_message_content=mode):
        return watch(face, scenario, Transport(answer), **options).result


ANSWERS: dict[str, Any] = {
    "stream": STREAM,
    "whole": WHOLE,
    "cut": script.stream(wire.text("MARK-answer"), wire.call('{"q": "MARK-arg', name="look")),
    "400": script.whole(
        {"error": {"message": "MARK-error", "code": "MARK code", "param": "MARK"}}, status=400
    ),
    "400-text": script.whole(b"MARK-error", status=400),
    "stream-error": script.stream(
        wire.text("MARK-answer"), {"error": {"message": "MARK-error", "code": "MARK code"}}
    ),
    "stream-text": script.stream(wire.text("MARK-answer"), b"data: {MARK-error\n\n"),
    "error-in-200": script.whole({"choices": None, "error": {"code": "MARK-error!", "message": "MARK"}}),
    "error-in-chunk": script.stream(
        wire.text("x", error={"code": "MARK error", "message": "MARK"}), wire.DONE
    ),
    "invented-tool": script.stream(wire.call("{}", name="known"), wire.call('"MARK"', index=1), wire.DONE),
}


@both_faces
@pytest.mark.parametrize("answer", ANSWERS)
def test_no_content_anywhere_by_default(
    face: Face, answer: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """With content off, nothing of prompt, tools, answer or error is in any signal or in our own logging."""
    caplog.set_level(logging.DEBUG, logger="toolspan")
    run(face, telemetry, ANSWERS[answer], "NO_CONTENT", streamed=answer not in ("whole", "error-in-200"))
    assert len(telemetry.started) == len(telemetry.spans) == 1
    assert "MARK" not in everything(telemetry)
    assert "MARK" not in "".join(
        record.getMessage() for record in caplog.records if record.name == "toolspan"
    )


@both_faces
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "whole"])
def test_content_is_where_it_was_asked_for(
    face: Face, streamed: bool, mode: str, telemetry: Telemetry
) -> None:
    """Each mode puts input and output on its signals, and nothing on the others; metrics never have any."""
    run(face, telemetry, STREAM if streamed else WHOLE, mode, streamed=streamed)
    for kind in ("span", "log"):
        said = everything(telemetry, kind)
        on = mode in {"span": ("SPAN_ONLY", "SPAN_AND_EVENT"), "log": ("EVENT_ONLY", "SPAN_AND_EVENT")}[kind]
        assert {mark for mark in INPUT | OUTPUT if mark in said} == (INPUT | OUTPUT if on else set())
        assert not [
            mark for mark in ("schema", "description", "user", "metadata", "header") if f"MARK-{mark}" in said
        ]
    assert "MARK" not in everything(telemetry, "metric")


def test_content_is_in_the_right_places(telemetry: Telemetry) -> None:
    """On a span: the messages in order with their roles, the calls with their arguments, the tools' names."""
    run(SYNC, telemetry, STREAM, "SPAN_ONLY")
    found = {key: _plain(value) for key, value in telemetry.span.attributes.items()}
    given, said = (_parsed(found[f"gen_ai.{side}.messages"]) for side in ("input", "output"))
    assert [message["role"] for message in given] == ["system", "user", "assistant", "tool"]
    assert given[3]["parts"] == [{"type": "tool_call_response", "response": "MARK-result", "id": "call_5"}]
    kinds = [part["type"] for part in said[0]["parts"]]
    assert kinds == ["reasoning", "text", "text", "tool_call"]
    assert said[0]["parts"][3]["arguments"] == {"q": "MARK-arguments"}
    assert _parsed(found["gen_ai.tool.definitions"]) == [{"type": "function", "name": "look"}]
    completed = [event for event in telemetry.span.events if event.name.endswith("completed")]
    assert "MARK-arguments" in str(_plain(completed[0].attributes["gen_ai.tool.call.arguments"]))


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def test_inline_data_is_never_recorded(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """With content on, an image in the prompt becomes its media type and size."""
    data = base64.b64encode(b"x" * 300_000).decode()
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    monkeypatch.setitem(MARKED, "messages", [{"role": "user", "content": [part]}])
    run(SYNC, telemetry, WHOLE, "SPAN_AND_EVENT", streamed=False)
    said = everything(telemetry)
    assert "image/png" in said
    assert data[:64] not in said
    assert len(said) < 20_000
