"""Who answers, and errors in the course of a regular answer."""

from __future__ import annotations

from .shapes import ARGS, DONE, NEVER, ONE, ROLE, STOP, Quirk, choice, chunk, counts, ends, entry, says, tools

_CALL = tools(entry(0, "call_a", "weather", ARGS))
_FILTER = {"hate": {"filtered": False, "severity": "safe"}}

CASES = [
    Quirk(
        "azure-first-chunk",
        "Azure OpenAI",
        "pydantic-ai#797",
        [
            {
                "choices": [],
                "created": 0,
                "id": "",
                "model": "",
                "object": "",
                "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _FILTER}],
            },
            ROLE,
            _CALL,
            ends(),
        ],
        ONE,
        DONE,
    ),
    Quirk(
        "azure-async-filter",
        "Azure OpenAI",
        "autogen#6465",
        [
            ROLE,
            says("Hi"),
            chunk(
                {
                    "index": 0,
                    "finish_reason": None,
                    "content_filter_results": _FILTER,
                    "content_filter_offsets": {"check_offset": 44, "start_offset": 44, "end_offset": 198},
                },
                id="",
                model="",
            ),
            ends("stop"),
            chunk({"index": 0, "finish_reason": None, "content_filter_offsets": {}}, id="", model=""),
        ],
        [],
        STOP,
        None,
        {0: "Hi"},
    ),
    Quirk(
        "model-late-then-empty",
        "Azure OpenAI",
        "langfuse-python#561",
        [chunk(model="", id=""), says("Hi"), chunk(usage=counts(9, 4), model="", id=""), ends("stop")],
        [],
        STOP,
        (9, 4),
        {0: "Hi"},
    ),
    Quirk(
        "choices-null-on-error",
        "OpenRouter",
        "openrouter-examples-python#4",
        [
            {
                "id": "gen-1",
                "model": "m-1",
                "choices": None,
                "error": {"code": 502, "message": "Provider error"},
            }
        ],
        [],
        {},
        failure="502",
    ),
    Quirk(
        "error-beside-choices",
        "OpenRouter",
        "sentry-python#6216",
        [
            _CALL,
            chunk(choice({"content": ""}, "error"), error={"code": "server_error", "message": "Upstream"}),
        ],
        ONE,
        {0: "error"},
        failure="server_error",
    ),
    Quirk(
        "error-without-code",
        "llama.cpp",
        "QwenPaw#3560",
        [says("Hi"), {"error": {"message": "Invalid diff: now finding less tool calls!"}}],
        [],
        NEVER,
        None,
        {0: "Hi"},
        failure="_OTHER",
    ),
]
