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
