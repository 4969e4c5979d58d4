"""What the scenarios ask, and what servers count; plain data that must not know the SDK."""

from __future__ import annotations

from typing import Any

MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "Weather and time in Bern?"}]
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("get_weather", "get_time")
]
CUSTOM_TOOL = {"type": "custom", "custom": {"name": "run_code", "format": {"type": "text"}}}
CODE = {"index": 0, "id": "call_c", "type": "custom", "custom": {"name": "run_code", "input": "print(1)"}}
USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 500,
    "total_tokens": 1500,
    "prompt_tokens_details": {
        "cached_tokens": 400,
        "cached_tokens_details": {"text_tokens": 300, "image_tokens": 60, "audio_tokens": 40},
        "cache_write_tokens": 100,
        "text_tokens": 700,
        "image_tokens": 200,
        "audio_tokens": 100,
    },
    "completion_tokens_details": {
        "reasoning_tokens": 300,
        "text_tokens": 450,
        "image_tokens": 20,
        "audio_tokens": 30,
    },
}
PARAMETERS: dict[str, Any] = {
    "n": 2,
    "max_completion_tokens": 100,
    "temperature": 0,
    "top_p": 1,
    "frequency_penalty": -0.5,
    "presence_penalty": 0.5,
    "seed": 7,
    "stop": ["END", "STOP"],
    "response_format": {"type": "json_object"},
    "reasoning_effort": "low",
    "service_tier": "flex",
    "tool_choice": {"type": "function", "function": {"name": "get_time"}},
    "tools": TOOLS,
    "extra_body": {"top_k": 40},
}
HISTORY: list[dict[str, Any]] = [
    {"role": "developer", "content": "Be brief.", "name": "host"},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Look and listen:"},
            {"type": "image_url", "image_url": {"url": "https://example.com/bern.png"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
            {"type": "file", "file": {"file_id": "file-1"}},
            {"type": "file", "file": {"file_data": "JVBERi0=", "filename": "a.pdf"}},
        ],
    },
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": '{"city":"Bern"}'}},
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}},
            {"id": "call_2", "type": "custom", "custom": {"name": "run_code", "input": "print(1)"}},
        ],
    },
    {"role": "tool", "tool_call_id": "call_0", "content": "12:00"},
    {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "12:01"}]},
    {"role": "assistant", "content": [{"type": "refusal", "refusal": "I cannot."}]},
    {"role": "user", "content": ""},
]

RESPONSE_TOOLS: list[dict[str, Any]] = [
    {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}},
    {"type": "custom", "name": "sql"},
    {"type": "web_search"},
    {"type": "file_search", "vector_store_ids": ["vs_1"]},
    {"type": "code_interpreter", "container": {"type": "auto"}},
    {"type": "mcp", "server_label": "dice", "server_url": "https://example.com/mcp"},
    {"type": "namespace", "name": "crm", "tools": [{"type": "function", "name": "find"}]},
]
RESPONSE_PARAMETERS: dict[str, Any] = {
    "instructions": "Be brief.",
    "max_output_tokens": 100,
    "temperature": 0,
    "top_p": 1,
    "reasoning": {"effort": "low"},
    "text": {"format": {"type": "json_object"}},
    "service_tier": "flex",
    "conversation": "conv_1",
    "previous_response_id": "resp_0",
    "prompt": {"id": "pmpt_1", "version": "2"},
    "tool_choice": {"type": "function", "name": "weather"},
    "tools": RESPONSE_TOOLS,
    "extra_body": {"top_k": 40},
}
RESPONSE_INPUT: list[dict[str, Any]] = [
    {"role": "developer", "content": "Be brief."},
    {
        "type": "message",
        "role": "user",
        "content": [
            {"type": "input_text", "text": "Look:"},
            {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"},
            {"type": "input_image", "file_id": "file_1", "detail": "auto"},
            {"type": "input_file", "file_data": "JVBERi0=", "filename": "a.pdf"},
            {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        ],
    },
    {"type": "reasoning", "id": "rs_0", "summary": [{"type": "summary_text", "text": "Hm."}]},
    {"type": "function_call_output", "call_id": "call_0", "output": "rain"},
    {"type": "custom_tool_call_output", "call_id": "call_0", "output": [{"type": "input_text", "text": "x"}]},
    {"type": "shell_call_output", "call_id": "call_0", "output": [{"stdout": "x", "stderr": ""}]},
    {"type": "computer_call_output", "call_id": "call_0", "output": {"type": "computer_screenshot"}},
    {"type": "mcp_approval_response", "approval_request_id": "m_0", "approve": True},
    {"type": "compaction", "encrypted_content": "gAAA"},
    {"type": "item_reference", "id": "msg_0"},
]
