"""Calls in other forms: the deprecated `function_call`, custom tools, an object, none with arguments."""

from __future__ import annotations

from .shapes import ARGS, DONE, NEVER, ONE, STOP, Call, Quirk, choice, chunk, ends, entry, tools

_HALF, _REST = ARGS[:7], ARGS[7:]
_FIRST = tools(entry(0, "call_a", "weather", ""))

CASES = [
    Quirk(
        "function-call",
        "OpenAI, deprecated form",
        "langfuse#2932",
        [
            chunk(choice({"function_call": {"name": "weather", "arguments": ""}})),
            chunk(choice({"function_call": {"arguments": _HALF}})),
            chunk(choice({"function_call": {"name": None, "arguments": _REST}})),
            ends("function_call"),
        ],
        [Call(None, "weather", ARGS)],
        {0: "function_call"},
    ),
    Quirk(
        "custom-tool",
        "OpenAI",
        "custom tools of the API",
        [
            tools({"index": 0, "id": "call_a", "type": "custom", "custom": {"name": "shell", "input": ""}}),
            tools({"index": 0, "custom": {"input": "ls {"}}),
            tools({"index": 0, "custom": {"input": " -l"}}),
            ends(),
        ],
        [Call("call_a", "shell", "ls { -l", closed_by="finish", kind="custom")],
        DONE,
    ),
    Quirk(
        "custom-tool-then-function",
        "OpenAI",
        "custom tools of the API",
        [
            tools({"index": 0, "id": "call_c", "type": "custom", "custom": {"name": "shell", "input": "ls"}}),
            tools(entry(1, "call_a", "weather", ARGS)),
            ends(),
        ],
        [Call("call_c", "shell", "ls", closed_by="next_call", kind="custom"), *ONE],
        DONE,
    ),
    Quirk(
        "custom-tool-cut",
        "OpenAI",
        "custom tools of the API",
        [tools({"index": 0, "id": "call_a", "type": "custom", "custom": {"name": "shell", "input": "ls"}})],
        [Call("call_a", "shell", "ls", valid=False, closed_by="end", kind="custom")],
        NEVER,
    ),
    Quirk(
        "tool-calls-as-object",
        "no server known",
        "no report known",
        [chunk(choice({"tool_calls": entry(0, "call_a", "weather", ARGS)})), ends("stop")],
        ONE,
        STOP,
    ),
    Quirk(
        "call-after-one-without-arguments",
        "vLLM parsers",
        "vllm#47901",
        [
            tools(entry(0, "call_n", "now", "")),
            tools(entry(1, "call_a", "weather", "")),
            tools(entry(1, arguments=ARGS)),
            ends(),
        ],
        [Call("call_n", "now", "", closed_by="finish"), *ONE],
        DONE,
    ),
]
