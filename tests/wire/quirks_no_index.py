"""Which call a delta belongs to where no index is sent; and calls sent again in a summary."""

from __future__ import annotations

from .shapes import (
    ARGS,
    DONE,
    ONE,
    OTHER,
    STOP,
    TWO,
    Call,
    Quirk,
    choice,
    chunk,
    encoded,
    ends,
    entry,
    says,
    tools,
)

_HALF, _REST = ARGS[:7], ARGS[7:]

CASES = [
    Quirk(
        "no-index-whole",
        "Gemini's OpenAI endpoint",
        "openai-python#2806",
        [
            tools(
                entry(
                    None, "call_a", "weather", ARGS, extra_content={"google": {"thought_signature": "c2ln"}}
                )
            ),
            tools(entry(None, "call_b", "weather", OTHER)),
            ends("stop"),
        ],
        TWO,
        STOP,
    ),
    Quirk(
        "no-index-metadata-only",
        "Gemini's OpenAI endpoint",
        "open-webui/computer#224",
        [
            tools(entry(None, "call_a", "weather", ARGS)),
            tools({"extra_content": {"google": {"thought_signature": "c2ln"}}}),
            ends("stop"),
        ],
        ONE,
        STOP,
    ),
    Quirk(
        "no-index-fragments",
        "mistral.rs, grok2api, Envoy, OCI gateway",
        "envoyproxy/ai-gateway#1468",
        [
            tools(entry(None, "call_a", "weather", "")),
            tools(entry(None, arguments=_HALF)),
            tools(entry(None, arguments=_REST)),
            tools(entry(None, "call_b", "weather", OTHER[:3])),
            tools(entry(None, arguments=OTHER[3:])),
            ends(),
        ],
        TWO,
        DONE,
    ),
    Quirk(
        "no-index-interleaved-by-id",
        "grok2api",
        "grok2api#239",
        [
            tools(entry(None, "call_a", "weather", _HALF)),
            tools(entry(None, "call_b", "weather", OTHER[:3])),
            tools(entry(None, "call_a", arguments=_REST)),
            tools(entry(None, "call_b", arguments=OTHER[3:])),
            ends(),
        ],
        TWO,
        DONE,
    ),
    Quirk(
        "no-index-null",
        "mistral.rs",
        "mistral.rs#1507",
        [tools({**entry(None, "call_a", "weather", ARGS), "index": None}), ends()],
        ONE,
        DONE,
    ),
    Quirk(
        "no-index-second-object",
        "Gemini through proxies",
        "lens#49",
        [tools(entry(None, "call_a", "weather", ARGS)), tools(entry(None, arguments=OTHER)), ends()],
        [Call("call_a", "weather", ARGS), Call(None, None, OTHER)],
        DONE,
    ),
    Quirk(
        "no-index-no-id-in-one-chunk",
        "Gemini through proxies",
        "openai-python#2806",
        [tools(entry(name="weather", arguments=ARGS), entry(name="weather", arguments=ARGS)), ends()],
        [Call(None, "weather", ARGS), Call(None, "weather", ARGS)],
        DONE,
    ),
    Quirk(
        "summary-plain",
        "LiteLLM proxy",
        "litellm#20480",
        [
            tools(entry(0, "call_a", "weather", _HALF)),
            tools(entry(0, "call_a", arguments=_REST)),
            tools(entry(0, "call_a", "weather", ARGS)),
            ends(),
        ],
        ONE,
        DONE,
    ),
    Quirk(
        "summary-double-encoded",
        "LiteLLM proxy",
        "litellm#20480",
        [
            tools(entry(0, "call_a", "weather", _HALF)),
            tools(entry(0, "call_a", arguments=_REST)),
            tools(entry(0, "call_a", "weather", encoded(ARGS))),
            ends(),
        ],
        ONE,
        DONE,
    ),
    Quirk(
        "summary-without-id-and-name",
        "LiteLLM proxy",
        "litellm#39796",
        [tools(entry(0, "call_a", "weather", ARGS)), tools(entry(0, arguments=ARGS)), ends()],
        ONE,
        DONE,
    ),
    Quirk(
        "summary-between-texts",
        "SGLang",
        "earendil-works/pi#4078",
        [
            tools(entry(0, "call_a", "weather", _HALF)),
            says("\n"),
            tools(entry(0, arguments=_REST)),
            chunk(choice({"content": ""})),
            ends(),
        ],
        ONE,
        DONE,
        texts={0: "\n"},
    ),
]
