"""Second names of attributes and content, for readers of other conventions."""

from __future__ import annotations

import json
from typing import Any

import openai

import toolspan
from toolspan.otel.compat import MOST, OtherNames

from ..sdk import script, wire
from ..sdk.script import Transport
from ..sdk.sdk import KEY, http
from ..sdk.telemetry import Telemetry

NAMES = ("openinference.", "llm.", "embedding.", "tool.", "session.", "input.", "output.")
COMPAT = "openinference,cost,cache_creation"
CALL = {"id": "call_9", "type": "function", "function": {"name": "get_time", "arguments": '{"at":1}'}}
MESSAGES = [
    {"role": "user", "content": "Time?"},
    {"role": "assistant", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_9", "content": "noon"},
    {
        "role": "user",
        "content": [{"type": "text", "text": "And"}, {"type": "text", "text": "where?"}],
    },
]
DETAILS = {"cached_tokens": 5, "cache_write_tokens": 2}
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "prompt_tokens_details": DETAILS, "cost": 0.5}


def play(telemetry: Telemetry, **settings: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the second names of a chat whose answer calls tools, and of the execution of one."""
    stream = script.stream(*wire.CALLS[:-1], {**wire.usage(11, 7), "usage": USAGE}, wire.DONE)
    channel = http.Client(transport=http.MockTransport(Transport(stream)))
    with (
        telemetry.on(**settings),
        openai.OpenAI(api_key=KEY, base_url=wire.BASE_URL, http_client=channel) as client,
        toolspan.attributes({"gen_ai.conversation.id": "c-1"}),
    ):
        list(
            client.chat.completions.create(
                model="gpt-test", messages=MESSAGES, stream=True, tools=[wire.TOOL], temperature=0.5
            )
        )
        with toolspan.tool("get_weather", call_id="call_0", description="Looks.") as execution:
            execution.result("sunny")
    found = [dict(span.attributes) for span in telemetry.spans]
    extra = ("gen_ai.usage.cost", "gen_ai.usage.cache_creation.input_tokens")
    chat, tool = (
        {name: value for name, value in each.items() if name.startswith(NAMES) or name in extra}
        for each in found
    )
    return chat, tool


FACTS = {
    "openinference.span.kind": "LLM",
    "llm.provider": "openai",
    "llm.system": "openai",
    "llm.model_name": "gpt-test-2024",
    "llm.response.model_name": "gpt-test-2024",
    "llm.invocation_parameters": '{"temperature":0.5}',
    "llm.finish_reason": "tool_calls",
    "llm.token_count.prompt": 11,
    "llm.token_count.completion": 7,
    "llm.token_count.total": 18,
    "llm.token_count.prompt_details.cache_read": 5,
    "llm.token_count.prompt_details.cache_write": 2,
    "llm.cost.total": 0.5,
    "session.id": "c-1",
    "gen_ai.usage.cost": 0.5,
    "gen_ai.usage.cache_creation.input_tokens": 2,
}


def test_facts_have_second_names_and_content_only_where_it_is_captured(telemetry: Telemetry) -> None:
    """Kind, models, provider, parameters, tokens and cost have second names; content has none by default."""
    chat, tool = play(telemetry, compat=COMPAT)
    model = telemetry.spans[0].attributes["gen_ai.response.model"]
    assert chat == {**FACTS, "llm.model_name": model, "llm.response.model_name": model}
    assert tool == {
        "openinference.span.kind": "TOOL",
        "tool.name": "get_weather",
        "tool.id": "call_0",
        "tool.description": "Looks.",
    }


def test_without_the_setting_no_span_has_second_names(telemetry: Telemetry) -> None:
    """By default there are only the names of the GenAI conventions."""
    assert play(telemetry, capture_message_content="span_only") == ({}, {})


def test_content_is_flattened_and_in_one_text(telemetry: Telemetry) -> None:
    """Messages, calls, results and tools have flat names; input and output are one text each."""
    chat, tool = play(telemetry, compat=COMPAT, capture_message_content="span_only")
    assert {name: value for name, value in chat.items() if ".message." in name} == {
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "Time?",
        "llm.input_messages.1.message.role": "assistant",
        "llm.input_messages.1.message.tool_calls.0.tool_call.id": "call_9",
        "llm.input_messages.1.message.tool_calls.0.tool_call.function.name": "get_time",
        "llm.input_messages.1.message.tool_calls.0.tool_call.function.arguments": '{"at":1}',
        "llm.input_messages.2.message.role": "tool",
        "llm.input_messages.2.message.tool_call_id": "call_9",
        "llm.input_messages.2.message.content": "noon",
        "llm.input_messages.3.message.role": "user",
        "llm.input_messages.3.message.contents.0.message_content.type": "text",
        "llm.input_messages.3.message.contents.0.message_content.text": "And",
        "llm.input_messages.3.message.contents.1.message_content.type": "text",
        "llm.input_messages.3.message.contents.1.message_content.text": "where?",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "call_0",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "get_weather",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"city":"Bern"}',
        "llm.output_messages.0.message.tool_calls.1.tool_call.id": "call_1",
        "llm.output_messages.0.message.tool_calls.1.tool_call.function.name": "get_time",
        "llm.output_messages.0.message.tool_calls.1.tool_call.function.arguments": '{"at":1}',
    }
    schema = json.loads(chat["llm.tools.0.tool.json_schema"])
    assert (schema["type"], schema["function"]["name"]) == ("function", "get_weather")
    assert json.loads(chat["input.value"])[0]["parts"] == [{"type": "text", "content": "Time?"}]
    assert (tool["input.value"], tool["input.mime_type"]) == ('{"city":"Bern"}', "application/json")
    assert (tool["output.value"], tool["output.mime_type"]) == ("sunny", "text/plain")


def test_a_long_history_leaves_room_for_other_attributes() -> None:
    """The answer and the newest whole messages have flat names, in a bounded number of attributes."""
    sent = [{"role": "user", "parts": [{"type": "text", "content": str(at)}]} for at in range(500)]
    answer = [
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "Hm"}], "finish_reason": "stop"}
    ]
    contents = {
        "gen_ai.input.messages": sent,
        "gen_ai.output.messages": answer,
        "gen_ai.system_instructions": [{"type": "text", "content": "Be kind."}],
        "gen_ai.tool.definitions": [{"type": "function", "name": "f"}] * 300,
    }
    found = OtherNames(["openinference"]).content(contents)
    flat = [name for name in found if name.startswith("llm.")]
    assert len(flat) <= MOST
    assert found["llm.output_messages.0.message.contents.0.message_content.type"] == "reasoning"
    newest = [found[name] for name in flat if name.endswith("message.content")]
    assert newest[-1] == "499"
    assert (found["output.value"], found["output.mime_type"]) == ("Hm", "text/plain")
    assert len(json.loads(str(found["input.value"]))) == 500


def test_content_of_any_form_raises_nothing() -> None:
    """A redaction may return lists and objects of any form; what has no form of a message is left out."""
    names = OtherNames(["openinference"])
    odd: list[Any] = [
        {"parts": 5},
        {"parts": [7, None]},
        {"role": None, "parts": [{"type": "tool_call"}]},
        {},
    ]
    found = names.content({"gen_ai.input.messages": odd, "gen_ai.output.messages": [{}]})
    assert found["llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments"] == ""
    assert OtherNames(["cost"]).content({"gen_ai.input.messages": odd}) == {}
    assert names.facts("embeddings", {"gen_ai.request.model": "e", "gen_ai.provider.name": "gcp.gemini"}) == {
        "llm.provider": "google",
        "embedding.model_name": "e",
    }


def test_the_span_of_an_agent_has_second_names(telemetry: Telemetry) -> None:
    """Readers of OpenInference see an agent with its session, its input and its output."""
    with (
        telemetry.on(compat="openinference", capture_message_content="span_only"),
        toolspan.agent("travel", conversation_id="c-1", input="Where?") as run,
    ):
        run.output = "Bern"
    names = ("openinference.span.kind", "session.id", "input.value", "output.value")
    assert [telemetry.span.attributes[name] for name in names] == ["AGENT", "c-1", "Where?", "Bern"]
