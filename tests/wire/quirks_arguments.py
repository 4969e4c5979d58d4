"""Arguments that come at once, in another type, cut, glued, or not at all."""

from __future__ import annotations

from .shapes import ARGS, DONE, NEVER, ONE, ROLE, Call, Quirk, choice, chunk, ends, entry, tools

_HALF, _REST = ARGS[:7], ARGS[7:]
_FIRST = tools(entry(0, "call_a", "weather", ""))

CASES = [
    Quirk(
        "whole-call-in-one-chunk",
        "Groq, Mistral, Cerebras",
        "ogx#630",
        [
            chunk(choice({"role": "assistant", "content": ""})),
            tools(entry(0, "call_a", "weather", ARGS)),
            ends(),
        ],
        ONE,
        DONE,
    ),
    Quirk(
        "whole-call-in-finish-chunk",
        "Mistral",
        "dust-tt/dust#4226",
        [tools(entry(0, "call_a", "weather", ARGS), reason="tool_calls")],
        ONE,
        DONE,
    ),
    Quirk(
        "whole-calls-one-delta-each",
        "Groq",
        "vercel/ai#1653",
        [ROLE, tools(entry(0, "call_a", "weather", ARGS)), tools(entry(1, "call_b", "now", "{}")), ends()],
        [*ONE, Call("call_b", "now", "{}")],
        DONE,
    ),
    Quirk(
        "all-arguments-in-one-chunk",
        "LM Studio",
        "lmstudio-bug-tracker#1868",
        [_FIRST, tools(entry(0, arguments=ARGS)), ends()],
        ONE,
        DONE,
    ),
    Quirk(
        "arguments-null",
        "DashScope",
        "dd-trace-py#19386",
        [
            tools(
                {
                    "index": 0,
                    "id": "call_a",
                    "type": "function",
                    "function": {"name": "weather", "arguments": None},
                }
            ),
            tools({"index": 0, "function": {"arguments": None}}),
            tools(entry(0, arguments=ARGS)),
            ends(),
        ],
        ONE,
        DONE,
    ),
    Quirk(
        "arguments-null-then-object",
        "vLLM",
        "ogx#5462",
        [
            tools({"index": 0, "id": "call_a", "function": {"name": "weather", "arguments": None}}),
            tools(entry(0, arguments="{}")),
            ends(),
        ],
        [Call("call_a", "weather", "{}")],
        DONE,
    ),
    Quirk(
        "arguments-as-object",
        "MiniMax",
        "oh-my-pi#1779",
        [tools(entry(0, "call_a", "weather", {"city": "Oslo"})), ends()],
        ONE,
        DONE,
    ),
    Quirk(
        "arguments-as-object-unicode",
        "MiniMax",
        "unsloth#10275",
        [_FIRST, tools(entry(0, arguments={"city": "Tromsø", "n": [1, None]})), ends()],
        [Call("call_a", "weather", '{"city": "Tromsø", "n": [1, null]}')],
        DONE,
    ),
    Quirk(
        "arguments-as-list",
        "no server known",
        "no report known",
        [tools(entry(0, "call_a", "weather", [1, 2])), ends()],
        [Call("call_a", "weather", "[1, 2]")],
        DONE,
    ),
    Quirk(
        "arguments-as-empty-object",
        "no server known",
        "no report known",
        [tools(entry(0, "call_a", "weather", {})), ends()],
        [Call("call_a", "weather", "{}")],
        DONE,
    ),
    Quirk(
        "arguments-empty-at-first",
        "OpenAI",
        "langchain#38682",
        [_FIRST, tools(entry(0, arguments="")), tools(entry(0, arguments=ARGS)), ends()],
        ONE,
        DONE,
    ),
    Quirk(
        "no-arguments-at-all",
        "vLLM parsers",
        "vllm#55082",
        [_FIRST, ends()],
        [Call("call_a", "weather", "", closed_by="finish")],
        DONE,
    ),
    Quirk(
        "function-null",
        "no server known",
        "no report known",
        [
            tools({"index": 0, "id": "call_a", "type": "function", "function": None}),
            tools(entry(0, None, "weather", ARGS)),
            ends(),
        ],
        ONE,
        DONE,
    ),
    Quirk(
        "white-space-around",
        "no server known",
        "no report known",
        [tools(entry(0, "call_a", "weather", " \n" + ARGS)), tools(entry(0, arguments="\n ")), ends()],
        [Call("call_a", "weather", " \n" + ARGS + "\n ")],
        DONE,
    ),
    Quirk(
        "glued-documents",
        "SGLang with MiniMax-M2",
        "sglang#23071",
        [
            tools(
                {"index": 0, "id": "c", "function": {"name": "bash", "arguments": ""}},
                {"index": 0, "id": None, "function": {"name": None, "arguments": ARGS + ARGS}},
            ),
            ends(),
        ],
        [Call("c", "bash", ARGS + ARGS, valid=False, closed_by="finish")],
        DONE,
    ),
    Quirk(
        "arguments-cut-at-finish",
        "any, at the token limit",
        "no report known",
        [_FIRST, tools(entry(0, arguments=_HALF)), ends("length")],
        [Call("call_a", "weather", _HALF, valid=False, closed_by="finish")],
        {0: "length"},
    ),
    Quirk(
        "arguments-cut-with-the-stream",
        "DeepSeek",
        "agenc-core#2492",
        [_FIRST, tools(entry(0, arguments=_HALF))],
        [Call("call_a", "weather", _HALF, valid=False, closed_by="end")],
        NEVER,
    ),
    Quirk(
        "arguments-not-begun-at-the-end",
        "DeepSeek",
        "agenc-core#2492",
        [_FIRST],
        [Call("call_a", "weather", "", valid=False, closed_by="end")],
        NEVER,
    ),
    Quirk(
        "arguments-not-json",
        "weak models",
        "no report known",
        [tools(entry(0, "call_a", "weather", "{'city': 'Oslo'}")), ends()],
        [Call("call_a", "weather", "{'city': 'Oslo'}", valid=False, closed_by="finish")],
        DONE,
    ),
]
