"""Choices that bend the format: finish reasons, indices, nulls, nothing at all."""

from __future__ import annotations

from .shapes import (
    ARGS,
    DONE,
    NEVER,
    ONE,
    OTHER,
    STOP,
    Call,
    Quirk,
    choice,
    chunk,
    counts,
    ends,
    entry,
    says,
    tokens,
    tools,
)

_CALL = tools(entry(0, "call_a", "weather", ARGS))
_FILTER = {"hate": {"filtered": False, "severity": "safe"}}

CASES = [
    Quirk(
        "two-finish-chunks",
        "OpenRouter",
        "hass_local_openai_llm#92",
        [_CALL, ends(), ends(usage=counts(9, 8))],
        ONE,
        DONE,
        (9, 8),
    ),
    Quirk(
        "finish-null-throughout", "SGLang", "sglang#4550", [_CALL, ends(None), tokens()], ONE, NEVER, (9, 4)
    ),
    Quirk("finish-empty", "no server known", "no report known", [_CALL, ends("")], ONE, NEVER),
    Quirk(
        "choices-interleaved",
        "OpenAI with n=2",
        "dd-trace-py#18695",
        [
            tools(entry(0, "call_a", "weather", ARGS[:5])),
            tools(entry(0, "call_b", "weather", OTHER[:9]), index=1),
            tools(entry(0, arguments=OTHER[9:]), index=1),
            tools(entry(0, arguments=ARGS[5:])),
            ends("stop", 1),
            ends("tool_calls", 0),
        ],
        [Call("call_a", "weather", ARGS), Call("call_b", "weather", OTHER, choice=1)],
        {0: "tool_calls", 1: "stop"},
        expected=2,
    ),
    Quirk(
        "choices-in-one-chunk",
        "OpenAI with n=2",
        "no report known",
        [
            chunk(choice({"content": "A"}), choice({"content": "B"}, index=1)),
            chunk(choice({}, "stop"), choice({}, "length", 1)),
        ],
        [],
        {0: "stop", 1: "length"},
        None,
        {0: "A", 1: "B"},
        expected=2,
    ),
    Quirk(
        "choice-index-counts-tokens",
        "TGI, old",
        "text-generation-inference#1648",
        [says("a", 1), says("b", 2), tools(entry(0, "call_a", "weather", ARGS), index=3), ends("stop", 4)],
        ONE,
        STOP,
        None,
        {0: "ab"},
    ),
    Quirk(
        "choice-index-missing",
        "no server known",
        "no report known",
        [
            chunk({"delta": {"content": "a"}}),
            chunk({"delta": {"tool_calls": [entry(0, "call_a", "weather", ARGS)]}}),
            chunk({"delta": {}, "finish_reason": "stop"}),
        ],
        ONE,
        STOP,
        None,
        {0: "a"},
    ),
    Quirk(
        "everything-null",
        "no server known",
        "no report known",
        [
            {"id": None, "model": None, "choices": None, "usage": None},
            chunk(None),
            chunk({"index": None, "delta": None, "finish_reason": None}),
            tools(None),
            chunk(
                choice(
                    {
                        "content": None,
                        "tool_calls": None,
                        "function_call": None,
                        "refusal": None,
                        "role": None,
                    }
                )
            ),
            tools({"index": None, "id": None, "type": None, "function": None}),
            _CALL,
            ends(),
        ],
        ONE,
        DONE,
    ),
    Quirk(
        "everything-missing",
        "no server known",
        "no report known",
        [{}, {"choices": []}, chunk({}), chunk({"delta": {}}), tools({}), _CALL, ends()],
        ONE,
        DONE,
    ),
]
