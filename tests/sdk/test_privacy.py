"""Content is captured only with the setting, and only on the signals of its mode; keys never are."""

from __future__ import annotations

import base64
import json
import logging
import re
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from . import marked
from .marked import Marked
from .observe import watch
from .params import crossed, each
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


async def ask(face: Face, client: Any, given: Marked, streamed: bool) -> Any:
    """Ask with everything marked."""
    made = await face.done(given.api.whole(client, **given.ask, **({"stream": True} if streamed else {})))
    return await face.read(made) if streamed else made


def run(face: Face, telemetry: Telemetry, given: Marked, answer: str, mode: str, **more: Any) -> Any:
    """What the application saw; telemetry has the rest."""
    streamed, transport = given.answers[answer]
    with telemetry.on(capture_message_content=mode, **more):
        return watch(face, partial(ask, given=given, streamed=streamed), Transport(transport)).result


def own_words(caplog: pytest.LogCaptureFixture) -> str:
    """All that our own logger said."""
    return "".join(record.getMessage() for record in caplog.records if record.name == "toolspan")


@both_faces
@crossed(("given", "answer"), [(given, answer) for given in marked.ALL for answer in given.answers])
def test_no_content_anywhere_by_default(
    face: Face, given: Marked, answer: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """With capture off, neither signals nor log lines have content."""
    caplog.set_level(logging.DEBUG, logger="toolspan")
    run(face, telemetry, given, answer, "NO_CONTENT")
    assert len(telemetry.started) == len(telemetry.spans) == 1
    for said in (everything(telemetry), own_words(caplog)):
        assert "MARK" not in said
        assert "TUFSS" not in said  # the same in base64


@both_faces
@pytest.mark.parametrize("mode", MODES)
@each(
    ("given", "answer"),
    [(given, answer) for given in marked.ALL for answer in ("stream", "whole") if answer in given.answers],
)
def test_content_is_where_it_was_asked_for(
    face: Face, given: Marked, answer: str, mode: str, telemetry: Telemetry
) -> None:
    """Each mode puts input and output on its signals, and nothing on the others; metrics never have any."""
    run(face, telemetry, given, answer, mode)
    for kind in ("span", "log"):
        said = everything(telemetry, kind)
        on = mode in {"span": ("SPAN_ONLY", "SPAN_AND_EVENT"), "log": ("EVENT_ONLY", "SPAN_AND_EVENT")}[kind]
        allowed = given.input | given.output if on else frozenset()
        allowed = allowed - given.unlogged if kind == "log" else allowed
        assert set(re.findall(r"MARK[-\w]*", said)) == allowed
        assert "TUFSS" not in said
    assert "MARK" not in everything(telemetry, "metric")


@pytest.mark.parametrize("mode", MODES)
@each(("given",), [(given,) for given in marked.ALL if "tools" in given.ask])
def test_tool_definitions_are_recorded_only_with_content(
    given: Marked, mode: str, telemetry: Telemetry
) -> None:
    """Descriptions and parameters of tools are on the signals that carry content only."""
    run(SYNC, telemetry, given, "stream", mode, tool_definitions="full")
    for kind, modes in (("span", ("SPAN_ONLY", "SPAN_AND_EVENT")), ("log", ("EVENT_ONLY", "SPAN_AND_EVENT"))):
        found = set(re.findall(r"MARK[-\w]*", everything(telemetry, kind)))
        expected = given.input | given.output | {"MARK-description", "MARK-schema"}
        assert found == (expected if mode in modes else set())
    assert "MARK" not in everything(telemetry, "metric")


def test_captured_messages_keep_order_roles_and_arguments(telemetry: Telemetry) -> None:
    """The span has messages in order with roles, arguments and tool names."""
    run(SYNC, telemetry, marked.ALL[0], "stream", "SPAN_ONLY")
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


DATA = base64.b64encode(b"x" * 300_000).decode()
URL = f"data:image/png;base64,{DATA}"
IMAGES: dict[str, dict[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": URL}}]}]},
    "responses": {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": URL}]}]},
}


@each(("given",), [(given,) for given in marked.ALL if given.name in IMAGES])
def test_inline_data_is_never_recorded(given: Marked, telemetry: Telemetry) -> None:
    """With content on, an image in the prompt becomes its media type and size."""
    run(SYNC, telemetry, replace(given, ask={**given.ask, **IMAGES[given.name]}), "whole", "SPAN_AND_EVENT")
    said = everything(telemetry)
    assert "image/png" in said
    assert DATA[:64] not in said
    assert len(said) < len(DATA) / 4
