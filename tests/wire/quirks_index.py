"""Which call a delta belongs to: indices and ids by an index that says so."""

from __future__ import annotations

from .shapes import ARGS, DONE, ONE, OTHER, ROLE, TWO, Call, Quirk, ends, entry, tokens, tools

_HALF, _REST = ARGS[:7], ARGS[7:]

CASES = [
    Quirk(
        "openai-parallel",
        "OpenAI",
        "vllm#18412",
        [
            ROLE,
            tools(entry(0, "call_a", "weather", "")),
            tools(entry(0, arguments=_HALF)),
            tools(entry(0, arguments=_REST)),
            tools(entry(1, "call_b", "weather", "")),
            tools(entry(1, arguments=OTHER)),
            ends(),
            tokens(),
        ],
        TWO,
        DONE,
        (9, 4),
    ),
    Quirk(
        "index-starts-at-1",
        "OpenAI through LiteLLM's Responses bridge",
        "pipecat#4987",
        [ROLE, tools(entry(1, "call_a", "weather", "")), tools(entry(1, arguments=ARGS)), ends()],
        ONE,
        DONE,
    ),
    Quirk(
        "interleaved",
        "OpenAI's format allows it",
        "langfuse#2932",
        [
            tools(entry(0, "call_a", "weather", "")),
            tools(entry(1, "call_b", "weather", "")),
            tools(entry(1, arguments=OTHER[:4])),
            tools(entry(0, arguments=_HALF)),
            tools(entry(1, arguments=OTHER[4:])),
            tools(entry(0, arguments=_REST)),
            ends(),
        ],
        TWO,
        DONE,
    ),
    Quirk(
        "two-entries-in-one-chunk",
        "OpenAI's format allows it",
        "openllmetry-js#464",
        [
            tools(entry(0, "call_a", "weather", _HALF), entry(1, "call_b", "weather", OTHER[:9])),
            tools(entry(1, arguments=OTHER[9:]), entry(0, arguments=_REST)),
            ends(),
        ],
        TWO,
        DONE,
    ),
    Quirk(
        "same-index-twice-in-one-chunk",
        "Kimi-style servers",
        "openai-python#3201",
        [
            tools(entry(0, "functions.f:0", "f"), entry(0, arguments=' {"')),
            tools(entry(0, arguments='a": 1}')),
            ends(),
        ],
        [Call("functions.f:0", "f", ' {"a": 1}')],
        DONE,
    ),
    Quirk(
        "index-negative-or-huge",
        "no server known",
        "no report known",
        [tools(entry(-1, "call_a", "weather", _HALF)), tools(entry(10**9, arguments=_REST)), ends()],
        ONE,
        DONE,
    ),
    Quirk(
        "index-drifts",
        "servers that count chunks",
        "no report known",
        [tools(entry(0, "call_a", "weather", "")), tools(entry(1, "call_a", arguments=ARGS)), ends()],
        ONE,
        DONE,
    ),
]
