"""Responses, instructions and completions as the convention's messages, on spans and events."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan.otel import semconv as names
from toolspan.otel.content.capture import Capture

from ...conformance.messages import check_messages
from ...table import each_row
from ...wire.response_shapes import Case, message, response
from ...wire.responses_table import BLOB, CASES, IDS, functions, hosted, texts
from ..apis import ASK_COMPLETION, ASK_FETCH, ASK_RESPONSE, COMPLETION, COMPLETIONS, FETCH, RESPONSES, WHOLE
from ..kept import encoded, longest, plain, strict
from ..lab import OFF, ON, TEXT_ONLY, Lab, new_call, run

ASKED, HOSTED, TEXTS = functions.CASES, hosted.CASES, texts.CASES
STREAMED = {**ASK_RESPONSE, "stream": True, "instructions": "Be brief."}


def outputs(lab: Lab, case: Case, capture: Capture = ON) -> Any:
    """Return the output messages on the span of a case."""
    run(new_call(STREAMED, lab.span_sink(capture), api=RESPONSES), *case.events)
    return lab.span.attributes.get(names.OUTPUT_MESSAGES, ())


@each_row("case", CASES, ids=IDS)
def test_every_response_is_a_valid_message(case: Case) -> None:
    """Each response is a valid message with its texts, tool calls and reason, and without images."""
    lab = Lab()
    found = plain(outputs(lab, case))
    assert check_messages("output-messages", found) == []
    assert BLOB[:9] not in repr(found)
    told = [part["type"] for each in found for part in each["parts"]]
    assert told.count("tool_call") + told.count("server_tool_call") == len(case.calls)
    assert ("text" in told) is bool(case.text or case.refusal)
    assert ("reasoning" in told) is bool(case.reasoning)


@pytest.mark.parametrize("capture", [ON, TEXT_ONLY, OFF], ids=["structured", "text", "off"])
def test_every_response_can_be_exported_in_every_form(lab: Lab, capture: Capture) -> None:
    """Each response can be encoded for OTLP with all signals, in each form of content."""
    sinks = lab.all_sinks(capture)
    for case in CASES:
        run(new_call(STREAMED, *sinks, api=RESPONSES), *case.events)
        run(new_call({**ASK_FETCH, "stream": True}, *sinks, api=FETCH), *case.events)
    assert encoded(lab)
    assert len(lab.spans) == 2 * len(CASES)


@each_row("case", HOSTED, ids=[case.id for case in HOSTED])
def test_a_hosted_call_is_a_part_of_its_own_type(case: Case) -> None:
    """A hosted call is a part of its type, with its input."""
    lab = Lab()
    (found,) = plain(outputs(lab, case))
    (part,) = [part for part in found["parts"] if part["type"] == "server_tool_call"]
    assert (part["name"], part["id"]) == (case.calls[0].name, case.calls[0].id)
    assert part["server_tool_call"]["type"] == case.calls[0].kind
    assert ("arguments" in part["server_tool_call"]) is bool(case.calls[0].arguments)
    assert found["finish_reason"] == "stop"


@each_row("case", ASKED, ids=[case.id for case in ASKED])
def test_a_call_for_the_application_is_a_tool_call(case: Case) -> None:
    """A call that the application answers is a tool call, with the reason `tool_call`."""
    lab = Lab()
    (found,) = plain(outputs(lab, case))
    assert [part["id"] for part in found["parts"]] == [call.id for call in case.calls]
    assert found["finish_reason"] == "tool_call"


@each_row("case", [*ASKED, *HOSTED], ids=lambda case: case.id)
def test_the_completed_event_has_arguments_as_an_object(case: Case) -> None:
    """The completed event has the arguments as an object, for each tool."""
    lab = Lab()
    run(new_call(STREAMED, lab.span_sink(ON), lab.log_sink(ON), api=RESPONSES), *case.events)
    events = [event for event in lab.span.events if event.name == names.CALL_COMPLETED_EVENT]
    for event, call in zip(events, case.calls, strict=True):
        value = event.attributes.get(names.TOOL_CALL_ARGUMENTS)
        assert (value is None) is (not call.arguments)
        if value is not None and call.valid:
            assert check_messages("tool-call-arguments", plain(value)) == []


@each_row("case", TEXTS, ids=[case.id for case in TEXTS])
def test_texts_reasoning_and_refusals_keep_the_limit(case: Case) -> None:
    """Texts, reasoning and refusals keep the limit."""
    lab = Lab()
    found = plain(outputs(lab, case, Capture(on=True, structured=True, limit=3)))
    assert longest([part.get("content", "") for each in found for part in each["parts"]]) <= 3


@pytest.mark.parametrize("capture", [ON, TEXT_ONLY], ids=["structured", "text"])
def test_instructions_are_recorded_beside_the_input(lab: Lab, capture: Capture) -> None:
    """Instructions are recorded as parts, beside the input."""
    run(new_call(STREAMED, lab.span_sink(capture), api=RESPONSES), WHOLE)
    value = lab.span.attributes[names.SYSTEM_INSTRUCTIONS]
    found = strict(value) if isinstance(value, str) else plain(value)
    assert found == [{"type": "text", "content": "Be brief."}]
    assert check_messages("system-instructions", found) == []


def test_long_instructions_keep_the_limit(lab: Lab) -> None:
    """Instructions keep the limit."""
    run(
        new_call(
            {**STREAMED, "instructions": "x" * 99},
            lab.span_sink(Capture(on=True, structured=True, limit=9)),
            api=RESPONSES,
        )
    )
    assert longest(plain(lab.span.attributes[names.SYSTEM_INSTRUCTIONS])) == 9


def test_without_content_no_messages_or_arguments_are_recorded(lab: Lab) -> None:
    """Without captured content there are no messages, instructions and arguments."""
    call = new_call(STREAMED, lab.span_sink(OFF), lab.log_sink(OFF), api=RESPONSES, keep=False)
    run(call, response(message("What the model said.")))
    assert "Be brief." not in repr((dict(lab.span.attributes), lab.records))
    assert "What the model said." not in repr((dict(lab.span.attributes), lab.records))


def test_content_that_a_client_excludes_is_not_recorded(lab: Lab) -> None:
    """Content that was not kept for a call is not recorded, even where sinks capture."""
    call = new_call(STREAMED, lab.span_sink(ON), lab.log_sink(ON), api=RESPONSES, keep=False)
    run(call, *CASES[0].events)
    everything = [dict(lab.span.attributes), *(dict(record.attributes) for record in lab.records)]
    everything += [dict(event.attributes) for event in lab.span.events]
    forbidden = {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.SYSTEM_INSTRUCTIONS}
    assert not [key for each in everything for key in each if key in forbidden | {names.TOOL_CALL_ARGUMENTS}]


def test_a_fetched_response_has_output_and_no_input(lab: Lab) -> None:
    """A fetched response has output and no input."""
    run(new_call(ASK_FETCH, lab.span_sink(ON), api=FETCH), WHOLE)
    found = lab.span.attributes
    assert names.INPUT_MESSAGES not in found
    assert [part["type"] for part in plain(found[names.OUTPUT_MESSAGES])[0]["parts"]] == ["text", "tool_call"]


def test_a_legacy_completion_has_prompt_and_text(lab: Lab) -> None:
    """A legacy completion has its prompt and its text."""
    run(new_call(ASK_COMPLETION, lab.span_sink(ON), api=COMPLETIONS), COMPLETION)
    found = lab.span.attributes
    assert plain(found[names.INPUT_MESSAGES])[0]["parts"] == [{"type": "text", "content": "What now?"}]
    assert plain(found[names.OUTPUT_MESSAGES])[0]["parts"] == [{"type": "text", "content": "Hello"}]
