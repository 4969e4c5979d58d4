"""The lines of the stream log, as text and as JSON: requests, tool calls, retries, errors and ends."""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import Any

import pytest

from toolspan.log_lines.sink import LOG

from ..sdk import script, wire
from ..sdk.api import Api
from ..sdk.apis import CHAT, EMBEDDINGS, RESPONSES
from ..sdk.observe import watch
from ..sdk.params import over
from ..sdk.script import Transport
from ..sdk.sdk import SYNC, Face, both_faces
from ..sdk.telemetry import Telemetry
from ..sdk.test_retries import BUSY, Waits, _waits  # noqa: F401 - a fixture

BOTH = (CHAT, RESPONSES)

TOOLS = {
    "chat": [wire.TOOL, {"type": "function", "function": {"name": "get_time", "parameters": {}}}],
    "responses": [
        {"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}}
        for name in ("get_weather", "get_time")
    ],
}


@pytest.fixture(name="lines")
def _lines(caplog: pytest.LogCaptureFixture) -> Any:
    """Makes a list of what was logged since."""
    caplog.set_level(logging.INFO, logger=LOG.name)
    return partial(said, caplog)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines, and how grave those are that are warnings."""
    return [
        f"{'! ' if record.levelno == logging.WARNING else ''}{record.getMessage()}"
        for record in caplog.records
        if record.name == LOG.name
    ]


async def read(face: Face, client: Any, api: Api, **more: Any) -> Any:
    """Ask with both tools on offer, and read all of the stream."""
    return await face.read(await face.done(api.stream(client, **{"tools": TOOLS[api.name], **more})))


def steady(lines: list[str]) -> list[str]:
    """Lines without their times and ids."""
    return [stream_re(line.partition(" [trace ")[0]) for line in lines]


def stream_re(line: str) -> str:
    """A line without its times."""
    words = line.split()
    return " ".join("0" if word.replace(".", "").isdigit() and "." in word else word for word in words)


@both_faces
@over(*BOTH)
def test_text_has_a_line_per_request_call_and_end(
    face: Face, api: Api, telemetry: Telemetry, lines: Any
) -> None:
    """Each line begins with its kind and ends with its span."""
    with telemetry.on(log="text", capture_message_content="SPAN_ONLY"):
        watch(face, partial(read, api=api, tool_choice="auto"), Transport(api.calling))
    tokens = "tokens 11 in, 7 out" if api is CHAT else "tokens 11 in, 7 out, 3 cached"
    found = steady(lines())
    assert found[0] == (
        "[request] chat gpt-test at openai; streamed; 1 message, the last from user; "
        "tools: get_weather, get_time, tool choice auto"
    )
    assert found[1].startswith("[tool detected] get_weather (call_0) after 0 s")
    assert found[2].startswith("[tool completed] get_weather (call_0): valid; 15 B in 2 fragments; 0 s; ")
    assert found[2].endswith('{"city":"Bern"}')
    assert found[3].startswith("[tool detected] get_time (call_1)")
    assert found[4].endswith('; 8 B in 1 fragment; 0 s; {"at":1}')
    assert found[5] == f"[finish] tool_calls; completed; 2 tool calls; {tokens}; 0 s"
    assert len(found) == 6
    context = telemetry.span.context
    ids = f" [trace {context.trace_id:032x} span {context.span_id:016x}]"
    assert all(line.endswith(ids) for line in lines())


@both_faces
@over(*BOTH)
def test_json_has_an_object_per_line_with_ids(face: Face, api: Api, telemetry: Telemetry, lines: Any) -> None:
    """Each line is one JSON object with the time and the span's ids."""
    with telemetry.on(log="json"):
        watch(face, partial(read, api=api), Transport(api.calling))
    found = [json.loads(line) for line in lines()]
    assert [line["event"] for line in found] == [
        "request",
        *["tool_detected", "tool_completed"] * 2,
        "finish",
    ]
    request, detected, completed, *_, finish = found
    assert (request["model"], request["stream"], request["messages"]) == ("gpt-test", True, 1)
    assert (request["last_role"], request["tools"]) == ("user", ["get_weather", "get_time"])
    assert (detected["tool"], detected["id"], detected["index"]) == ("get_weather", "call_0", 0)
    assert (completed["outcome"], completed["size"]) == ("valid", 15)
    assert (finish["finish_reasons"], finish["outcome"]) == (["tool_calls"], "completed")
    assert (finish["input_tokens"], finish["output_tokens"], finish["tool_calls"]) == (11, 7, 2)
    context = telemetry.span.context
    assert {line["trace_id"] for line in found} == {format(context.trace_id, "032x")}
    assert {line["span_id"] for line in found} == {format(context.span_id, "016x")}
    times = [line["time"] for line in found]
    assert times == sorted(times)


@over(*BOTH)
def test_a_text_answer_logs_its_beginning_and_no_tool_call(
    api: Api, telemetry: Telemetry, lines: Any
) -> None:
    """An answer without tool calls logs the start of its text, and that no tool was called."""
    with telemetry.on(log="text"):
        watch(SYNC, partial(read, api=api), Transport(api.streams))
    found = steady(lines())
    assert found[1] == "[text] started after 0 s"
    assert found[2].startswith("[finish] stop; completed; no tool called of 2 offered; tokens 11 in, 7 out")
    assert len(found) == 3


@over(*BOTH)
def test_a_chat_without_tools_is_a_warning(api: Api, telemetry: Telemetry, lines: Any) -> None:
    """The request line of a chat without tools is a warning."""

    async def whole(face: Face, client: Any) -> None:
        await face.done(api.whole(client))

    with telemetry.on(log="text"):
        watch(SYNC, whole, Transport(api.answers))
    request, finish = steady(lines())
    assert request == (
        "! [request] chat gpt-test at openai; not streamed; 1 message, the last from user; "
        "no tools offered, none can be called"
    )
    assert finish.startswith("[finish] stop; completed; tokens ")


def test_embeddings_without_tools_are_no_warning(telemetry: Telemetry, lines: Any) -> None:
    """The request line of embeddings does not mention missing tools."""

    async def embed(face: Face, client: Any) -> None:
        await face.done(EMBEDDINGS.whole(client))

    with telemetry.on(log="text"):
        watch(SYNC, embed, Transport(EMBEDDINGS.answers))
    request, finish = steady(lines())
    assert request.startswith("[request] embeddings gpt-test at openai; not streamed")
    assert finish.startswith("[finish] completed; tokens ")


def test_tool_calls_that_cannot_run_are_warnings(telemetry: Telemetry, lines: Any) -> None:
    """The line of an invalid tool call is a warning with the reason."""
    required = {"type": "object", "required": ["day"]}
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": required}}
    with telemetry.on(log="text"):
        watch(SYNC, partial(read, api=CHAT, tools=[tool]), Transport(CHAT.calling))
    found = steady(lines())
    assert (
        found[2]
        == "! [tool completed] get_weather (call_0): missing_argument (day); 15 B in 2 fragments; 0 s"
    )
    assert found[4].startswith("! [tool completed] get_time (call_1): unknown_tool;")
    assert "; 2 tool calls, 2 not valid;" in found[5]


def test_truncated_streams_and_answers_are_warnings(telemetry: Telemetry, lines: Any) -> None:
    """A truncated stream and an answer that is too long end with a warning."""
    with telemetry.on(log="text"):
        watch(SYNC, partial(read, api=CHAT), Transport(script.stream(*wire.CALLS[:3])))
        cut = script.stream(wire.text("Hel"), wire.chunk(None, "length"), wire.DONE)
        watch(SYNC, partial(read, api=CHAT), Transport(cut))
    found = steady(lines())
    assert found[2].startswith("! [tool completed] get_weather (call_0): unfinished;")
    assert found[3] == "! [finish] error; truncated; 1 tool call, 1 not valid; no usage reported; 0 s"
    assert found[-1].startswith("! [finish] length; completed; no tool called")


@both_faces
@over(*BOTH)
@pytest.mark.parametrize("capture", ["NO_CONTENT", "EVENT_ONLY"])
def test_a_failed_call_logs_its_class_and_no_key(
    face: Face, api: Api, capture: str, telemetry: Telemetry, lines: Any
) -> None:
    """The line has the error's class, its message where content is captured, and never the key."""
    refused = script.whole({"error": {"message": "sk-test-0123456789 is no key"}}, status=401)
    with telemetry.on(log="text", capture_message_content=capture):
        watch(face, partial(read, api=api), Transport(refused))
    request, error, finish = steady(lines())
    assert request.startswith("[request]")
    assert error.startswith("! [error] openai.AuthenticationError")
    assert ("is no key" in error) is (capture == "EVENT_ONLY")
    assert "sk-test" not in error
    assert finish == "! [finish] failed; no usage reported; 0 s".replace(
        "failed;", "failed; no tool called of 2 offered;"
    )


def test_a_failure_within_an_answer_logs_its_code(telemetry: Telemetry, lines: Any) -> None:
    """The line of a failure within a regular answer has the failure's code."""
    failed = [{"type": "error", "code": "busy", "message": "MARK", "param": None}]
    with telemetry.on(log="text", capture_message_content="SPAN_AND_EVENT"):
        watch(SYNC, partial(read, api=RESPONSES), Transport(script.stream(*failed)))
    assert "! [error] busy" in steady(lines())


def test_a_retry_logs_its_cause_and_wait(telemetry: Telemetry, lines: Any, waits: Waits) -> None:
    """A retry of the SDK logs one line with its cause and its wait."""
    transport = Transport(BUSY, CHAT.calling)
    with telemetry.on(log="text"):
        watch(SYNC, partial(read, api=CHAT), transport, max_retries=2)
    assert waits.seconds == [1.5]
    assert stream_re("! [retry] number 1 in 1.500 s, because of 429") in steady(lines())


def test_a_request_with_a_tool_result_is_marked(telemetry: Telemetry, lines: Any) -> None:
    """The line of a request that carries a tool's result names that result."""
    answer = {"role": "tool", "tool_call_id": "call_0", "content": "rain"}
    with telemetry.on(log="text"):
        watch(SYNC, partial(read, api=CHAT), Transport(CHAT.calling))
        watch(
            SYNC,
            partial(read, api=CHAT, messages=[*wire.ASK["messages"], *asked(), answer]),
            Transport(CHAT.streams),
        )
    assert "[tool answered] get_weather (call_0) after 0 s" in steady(lines())


def asked() -> list[Any]:
    """The model's turn with the call."""
    call = {"id": "call_0", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    return [{"role": "assistant", "tool_calls": [call]}]


def test_arguments_are_previewed_in_one_line(telemetry: Telemetry, lines: Any) -> None:
    """The preview has the first 200 characters of the arguments, without line breaks."""
    long = '{"text":"' + "\\u00e4" * 10 + "ä" * 300 + '"}'
    bent = '{"a":\n"\x1b[31m\ud800"}'
    calls = [
        wire.call(json.dumps({}), name="na\nme\u2028x"),
        wire.call(long, name="long", index=1),
        wire.call(bent, name="bent", index=2),
    ]
    answer = script.stream(*calls, wire.chunk(None, "tool_calls"), wire.DONE)
    for form in ("text", "json"):
        with telemetry.on(
            log=form, capture_message_content="SPAN_ONLY", content_limit=300, check_arguments=False
        ):
            watch(SYNC, partial(read, api=CHAT), Transport(answer))
    assert all(line.isprintable() for line in lines())
    completed = [line for line in lines() if "completed]" in line]
    assert completed[0].startswith("[tool completed] na\\nme\\u2028x (call_0): valid;")
    assert f"; {long[:200]} [trace" in completed[1]
    assert '; {"a":\\n"\\x1b[31m\\ud800"} [trace' in completed[2]
    parsed = [json.loads(line.removeprefix("! ")) for line in lines() if line.endswith("}")]
    found = [line["arguments"] for line in parsed if line["event"] == "tool_completed"]
    assert found == ["{}", long[:200], bent]
