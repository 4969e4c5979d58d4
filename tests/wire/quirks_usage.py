"""Token counts, wherever servers put them."""

from __future__ import annotations

from .shapes import ARGS, DONE, ONE, ROLE, Quirk, choice, chunk, counts, ends, entry, tokens, tools

_CALL = tools(entry(0, "call_a", "weather", ARGS))

CASES = [
    Quirk(
        "usage-on-last-chunk",
        "DeepSeek",
        "macparakeet#1087",
        [_CALL, ends(usage=counts(9, 4))],
        ONE,
        DONE,
        (9, 4),
    ),
    Quirk(
        "usage-on-every-chunk",
        "vLLM, Hunyuan",
        "dd-trace-py#18714",
        [{**ROLE, "usage": counts(9, 0)}, {**_CALL, "usage": counts(9, 3)}, ends(usage=counts(9, 8))],
        ONE,
        DONE,
        (9, 8),
    ),
    Quirk(
        "usage-grows-then-null",
        "Hunyuan",
        "trpc-agent-go#1349",
        [{**_CALL, "usage": counts(9, 3)}, ends(usage=counts(9, 8)), chunk(usage=None)],
        ONE,
        DONE,
        (9, 8),
    ),
    Quirk("usage-after-finish", "OpenAI", "ihub-apps#1721", [_CALL, ends(), tokens(9, 8)], ONE, DONE, (9, 8)),
    Quirk(
        "usage-in-choice",
        "Moonshot",
        "openllmetry, source",
        [_CALL, chunk(choice({}, "tool_calls", usage=counts(9, 8)))],
        ONE,
        DONE,
        (9, 8),
    ),
    Quirk(
        "usage-under-x-groq",
        "Groq",
        "litellm#7621",
        [
            chunk(choice({"role": "assistant", "content": ""}), x_groq={"id": "req_1"}),
            _CALL,
            ends(x_groq={"id": "req_1", "usage": {**counts(9, 8), "queue_time": 0.1}}),
        ],
        ONE,
        DONE,
        (9, 8),
    ),
    Quirk(
        "usage-in-other-spelling",
        "gateways",
        "langfuse-python#1564",
        [_CALL, ends(usage={"input_tokens": 9, "output_tokens": 8})],
        ONE,
        DONE,
        (9, 8),
    ),
]
