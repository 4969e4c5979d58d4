"""Which call a delta belongs to: indices and ids where all of them stand at index 0."""

from __future__ import annotations

from .shapes import ARGS, DONE, ONE, OTHER, STOP, TWO, Call, Quirk, ends, entry, tools

_HALF, _REST = ARGS[:7], ARGS[7:]

CASES = [
    Quirk(
        "all-on-index-0-whole",
        "Ollama",
        "ollama#15457",
        [
            tools(entry(0, "call_a", "weather", ARGS)),
            tools(entry(0, "call_b", "weather", OTHER)),
            ends("stop"),
        ],
        TWO,
        STOP,
    ),
    Quirk(
        "all-on-index-0-twins",
        "Ollama, the model calls the same twice",
        "llama_index#22464",
        [
            tools(entry(0, "call_a", "weather", ARGS)),
            tools(entry(0, "call_b", "weather", ARGS)),
            ends("stop"),
        ],
        [Call("call_a", "weather", ARGS), Call("call_b", "weather", ARGS)],
        STOP,
    ),
    Quirk(
        "all-on-index-0-in-one-chunk",
        "Gemini through proxies",
        "gcli2api#406",
        [tools(entry(0, "call_a", "weather", ARGS), entry(0, "call_b", "weather", OTHER)), ends("stop")],
        TWO,
        STOP,
    ),
    Quirk(
        "all-on-index-0-no-arguments",
        "xAI Grok via OCI",
        "langchain-oracle#108",
        [tools(entry(0, "abc", "now")), tools(entry(0, "def", "today")), ends()],
        [Call("abc", "now", "", closed_by="finish"), Call("def", "today", "", closed_by="finish")],
        DONE,
    ),
    Quirk(
        "all-on-index-0-fragments",
        "xAI Grok via OCI",
        "langchain-oracle#108",
        [
            tools(entry(0, "call_a", "weather", "")),
            tools(entry(0, arguments=ARGS)),
            tools(entry(0, "call_b", "weather", "")),
            tools(entry(0, arguments=OTHER)),
            ends(),
        ],
        TWO,
        DONE,
    ),
    Quirk(
        "numbered-ids-on-index-0",
        "SGLang, older",
        "lmdeploy#3412",
        [tools(entry(0, "0", "weather", ARGS)), tools(entry(0, "1", "weather", OTHER)), ends()],
        [Call("0", "weather", ARGS), Call("1", "weather", OTHER)],
        DONE,
    ),
    Quirk(
        "second-call-without-id-on-index-0",
        "Gemini through proxies",
        "lens#49",
        [
            tools(entry(0, "call_a", "weather", "")),
            tools(entry(0, arguments=ARGS)),
            tools(entry(0, name="", arguments=OTHER)),
            ends("stop"),
        ],
        [Call("call_a", "weather", ARGS), Call(None, None, OTHER)],
        STOP,
    ),
    Quirk(
        "same-index-and-id-other-name",
        "OpenRouter",
        "hass_local_openai_llm#92",
        [tools(entry(0, "call_a", "weather", ARGS)), tools(entry(0, "call_a", "now", "{}")), ends()],
        [Call("call_a", "weather", ARGS), Call("call_a", "now", "{}")],
        DONE,
    ),
    Quirk(
        "new-id-in-every-chunk",
        "vLLM, harmony draft",
        "vllm#23522",
        [
            tools(entry(0, "call_a", "weather", "")),
            tools(entry(0, "call_x", arguments=_HALF)),
            tools(entry(0, "call_y", arguments=_REST)),
            ends(),
        ],
        ONE,
        DONE,
    ),
    Quirk(
        "id-changes-after-first",
        "Poolside",
        "no report known",
        [
            tools(entry(0, "call_a", "weather", "")),
            tools(entry(0, "call_z", arguments=_HALF)),
            tools(entry(0, "call_z", arguments=_REST)),
            ends(),
        ],
        ONE,
        DONE,
    ),
]
