"""Ids and names that come late, in pieces, again, empty, or not at all."""

from __future__ import annotations

from .shapes import ARGS, DONE, ONE, OTHER, Call, Quirk, ends, entry, tools

_HALF, _REST = ARGS[:7], ARGS[7:]
_FIRST = tools(entry(0, "call_a", "weather", ""))

CASES = [
    Quirk(
        "id-and-name-in-every-chunk",
        "Fireworks",
        "SillyTavern#5948",
        [tools(entry(0, "call_a", "weather", piece)) for piece in ("", *ARGS)] + [ends()],
        ONE,
        DONE,
    ),
    Quirk(
        "id-in-every-chunk",
        "vLLM builds, LiteLLM proxy",
        "litellm#20480",
        [
            tools(entry(0, "call_a", "weather", "")),
            tools(entry(0, "call_a", arguments=_HALF)),
            tools(entry(0, "call_a", arguments=_REST)),
            ends(),
        ],
        ONE,
        DONE,
    ),
    Quirk(
        "id-empty-later",
        "vLLM",
        "lmdeploy#3412",
        [
            _FIRST,
            tools(entry(0, "", "", _HALF)),
            tools({"index": 0, "id": "", "function": {"arguments": _REST, "name": None}}),
            ends(),
        ],
        ONE,
        DONE,
    ),
    Quirk(
        "id-and-name-null-later",
        "SGLang",
        "sglang#35542",
        [
            _FIRST,
            tools(
                {"id": None, "index": 0, "type": "function", "function": {"name": None, "arguments": _HALF}}
            ),
            tools(
                {"id": None, "index": 0, "type": "function", "function": {"name": None, "arguments": _REST}}
            ),
            ends(),
        ],
        ONE,
        DONE,
    ),
    Quirk(
        "name-empty-later",
        "LM Studio",
        "lmstudio-bug-tracker#649",
        [
            _FIRST,
            tools(entry(0, name="", arguments=_HALF)),
            tools(entry(0, name="", arguments=_REST)),
            ends(),
        ],
        ONE,
        DONE,
    ),
    Quirk(
        "id-inside-function",
        "llama.cpp of May 2025",
        "llama.cpp#13774",
        [
            tools({"index": 0, "function": {"id": "call_a", "name": "weather", "arguments": _HALF}}),
            tools({"index": 0, "function": {"id": "call_a", "name": "weather", "arguments": _REST}}),
            ends(),
        ],
        ONE,
        DONE,
    ),
    Quirk(
        "first-delta-opens-the-object",
        "llama.cpp",
        "llama.cpp#22722",
        [tools(entry(0, "call_a", "weather", "{")), tools(entry(0, arguments=ARGS[1:])), ends()],
        ONE,
        DONE,
    ),
    Quirk(
        "id-absent",
        "LiteLLM proxy",
        "litellm#33223",
        [tools(entry(0, None, "weather", "")), tools(entry(0, arguments=ARGS)), ends()],
        [Call(None, "weather", ARGS)],
        DONE,
    ),
    Quirk(
        "id-and-name-absent",
        "LiteLLM proxy",
        "litellm#39796",
        [tools(entry(0, arguments=ARGS)), ends()],
        [Call(None, None, ARGS)],
        DONE,
    ),
    Quirk(
        "ids-absent-two-calls",
        "LiteLLM proxy",
        "litellm#20711",
        [tools(entry(0, None, "weather", ARGS)), tools(entry(1, "", "weather", OTHER)), ends()],
        [Call(None, "weather", ARGS), Call(None, "weather", OTHER)],
        DONE,
    ),
    Quirk(
        "id-late",
        "no server known",
        "no report known",
        [tools(entry(0, None, "weather", _HALF)), tools(entry(0, "call_a", arguments=_REST)), ends()],
        ONE,
        DONE,
    ),
    Quirk(
        "id-late-no-index",
        "no server known",
        "no report known",
        [tools(entry(None, None, "weather", _HALF)), tools(entry(None, "call_a", arguments=_REST)), ends()],
        ONE,
        DONE,
    ),
    Quirk(
        "name-late",
        "no server known",
        "langfuse-python#922",
        [tools(entry(0, "call_a", None, _HALF)), tools(entry(0, None, "weather", _REST)), ends()],
        ONE,
        DONE,
    ),
    Quirk(
        "name-in-pieces",
        "no server known",
        "no report known",
        [
            tools(entry(0, "call_a", "wea")),
            tools(entry(0, name="ther")),
            tools(entry(0, arguments=ARGS)),
            ends(),
        ],
        ONE,
        DONE,
    ),
    Quirk(
        "name-growing",
        "no server known",
        "no report known",
        [tools(entry(0, "call_a", "wea", _HALF)), tools(entry(0, name="weather", arguments=_REST)), ends()],
        ONE,
        DONE,
    ),
    Quirk(
        "name-empty-first",
        "SGLang",
        "sglang#29441",
        [tools(entry(0, "call_a", "", "")), tools(entry(0, None, "weather", ARGS)), ends()],
        ONE,
        DONE,
    ),
]
