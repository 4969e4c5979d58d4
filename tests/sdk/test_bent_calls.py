"""Tool calls checked against the request's tools, through the SDK: every signal has the outcome."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..wire.bent_calls import CASES, CHAT_TOOL, RESPONSES_TOOL, Bent
from . import script, wire, wire_responses
from .api import Api
from .apis import CHAT, RESPONSES
from .observe import watch
from .params import crossed, over
from .script import Transport
from .sdk import SYNC, Face, both_faces
from .telemetry import Telemetry
from .test_privacy import everything

TOOL = {"chat": CHAT_TOOL, "responses": RESPONSES_TOOL}
OUTCOME, PATH = "toolspan.tool_call.outcome", "toolspan.tool_call.violation.path"
VIOLATIONS = ("unknown_tool", "missing_argument", "wrong_type")
WAYS = [(api, bent, way) for api in (CHAT, RESPONSES) for bent in CASES for way in ("stream", "whole")]


def answer(api: Api, bent: Bent, way: str) -> Any:
    """A server's answer with this call."""
    if api is CHAT and way == "whole":
        return script.whole(wire.answer(None, calls=[(bent.name, bent.arguments)], reason="tool_calls"))
    if api is CHAT:
        cuts = [bent.arguments[at : at + 5] for at in range(0, len(bent.arguments), 5)]
        chunks = [wire.call("", name=bent.name), *map(wire.call, cuts)]
        return script.stream(*chunks, *([wire.chunk(None, "tool_calls"), wire.DONE] if bent.ended else []))
    if way == "whole":
        return script.whole(wire_responses.response(output=[wire_responses.call(bent.name, bent.arguments)]))
    events = wire_responses.stream(wire_responses.called(bent.name, bent.arguments))
    return script.stream(*(events if bent.ended else events[:4]))


async def ask(face: Face, client: Any, api: Api, way: str, **more: Any) -> None:
    """Ask with the tool on offer, and read all of the answer."""
    asked = {"tools": [TOOL[api.name]], **more}
    made = await face.done((api.stream if way == "stream" else api.whole)(client, **asked))
    if way == "stream":
        await face.read(made)


def run(telemetry: Telemetry, api: Api, bent: Bent, way: str, face: Face = SYNC, **settings: Any) -> None:
    """Let a call come this way."""
    with telemetry.on(**settings):
        watch(face, partial(ask, api=api, way=way), Transport(answer(api, bent, way)))


def completed(telemetry: Telemetry) -> list[Any]:
    """What the completed events say, that of the span and that of the log."""
    on_span = [event.attributes for event in telemetry.span.events if event.name.endswith("completed")]
    logged = [record.attributes for record in telemetry.records if record.event_name.endswith("completed")]
    assert len(on_span) == len(logged) == 1
    return [*on_span, *logged]


@crossed(("api", "bent", "way"), [case for case in WAYS if case[1].ended or case[2] == "stream"])
def test_every_signal_reports_the_outcome_of_a_tool_call(
    api: Api, bent: Bent, way: str, telemetry: Telemetry
) -> None:
    """Events, span and metric have outcome and path, and no arguments without capture."""
    run(telemetry, api, bent, way)
    for found in completed(telemetry):
        assert (found[OUTCOME], found.get(PATH)) == (bent.outcome, bent.path)
        assert found["toolspan.tool_call.valid"] is (
            bent.outcome not in ("invalid", "unfinished", "not_given")
        )
    attributes = telemetry.span.attributes
    assert attributes["toolspan.tool_calls.violations"] == int(bent.outcome in VIOLATIONS)
    assert attributes["toolspan.tool_calls.invalid"] == int(
        bent.outcome in ("invalid", "unfinished", "not_given")
    )
    (point,) = telemetry.points("toolspan.tool_calls")
    assert (point.attributes["toolspan.outcome"], point.value) == (bent.outcome, 1)
    assert point.attributes["gen_ai.tool.name"] == ("book" if bent.name == "book" else "_OTHER")
    said = everything(telemetry)
    assert not [word for word in ("Bern", "MARK", "breakfast", "Done!") if word in said]


@both_faces
@over(CHAT, RESPONSES)
def test_without_checks_whatever_parses_is_valid(face: Face, api: Api, telemetry: Telemetry) -> None:
    """With `check_arguments=off` any JSON document is valid, and tools are not compared."""
    for bent in (CASES[1], next(bent for bent in CASES if bent.outcome == "unknown_tool")):
        telemetry = Telemetry()
        run(telemetry, api, bent, "stream", face, check_arguments="off")
        for found in completed(telemetry):
            assert (found[OUTCOME], PATH in found) == ("valid", False)
        assert "toolspan.tool_calls.violations" not in telemetry.span.attributes


@both_faces
@over(CHAT, RESPONSES)
def test_captured_content_does_not_change_the_outcome(face: Face, api: Api, telemetry: Telemetry) -> None:
    """With content captured, outcome and arguments are the same as without checks."""
    bent = next(bent for bent in CASES if bent.id == "wrong-in-list")
    run(telemetry, api, bent, "stream", face, capture_message_content="SPAN_AND_EVENT")
    for found in completed(telemetry):
        assert (found[OUTCOME], found[PATH]) == (bent.outcome, bent.path)
        assert "street" in str(found["gen_ai.tool.call.arguments"])
