"""What each panel and each alert must show of the storm; it must not know how it is asked for.

A panel's series are named by their legends. Metrics that are announced, not emitted yet, stand in `PENDING`:
their panels must be answered, by nothing; when they are emitted, that fails until the name is taken out.
"""

from __future__ import annotations

from typing import Final

PENDING: Final = (
    "toolspan_tool_call_turnaround_seconds",
    "toolspan_retries_total",
    "toolspan_cost_USD_total",
    "gen_ai_execute_tool_duration_seconds",
)

TOOLS: Final = {"get_weather", "get_time"}
STREAMED: Final = {"demo", "dawdling", "cut", "garbled", "limited", "short"}
FAILED: Final = {"broken", "cut", "exhausted", "late"}
ALL: Final = STREAMED | FAILED | {"cached"}
ERRORS: Final = {
    "openai.APIConnectionError",
    "openai.APITimeoutError",
    "openai.InternalServerError",
    "openai.RateLimitError",
}


def _two(names: set[str]) -> set[str]:
    """The two curves that a histogram gives for each name."""
    return {f"{name} {curve}" for name in names for curve in ("half", "95 %")}


PANELS: Final[dict[str, set[str]]] = {
    "How long until the first chunk?": _two(STREAMED),
    "How long between two chunks?": _two(STREAMED),
    "How long does a whole answer take?": _two(ALL),
    "When in the answer is a tool call detected?": _two(TOOLS),
    "How long does the model write a call's arguments?": _two(TOOLS),
    "How long does the application take to answer a call?": _two(TOOLS),
    "Which tools are called, and how do the calls end?": {
        *(f"{tool} {outcome}" for tool in TOOLS for outcome in ("valid", "invalid")),
        "get_weather unfinished",
    },
    "Which tool gets arguments that do not parse?": TOOLS,
    "How big are the arguments?": _two(TOOLS),
    "Which streams ended badly?": {"failed", "truncated"},
    "How long do the tools themselves run?": _two(TOOLS),
    "Which tools fail?": {"get_time ValueError"},
    "How many tokens go in and out?": {"input", "output"},
    "Which model costs how much in an hour?": {"demo"},
    "What does a request cost?": {"demo"},
    "How much of the input comes from the cache?": {"cached"},
    "Which errors do requests end with?": ERRORS,
    "Which share of the requests fails?": ALL,
    "What is retried, and why?": {"429", "500"},
    "Are we rate limited?": {"limited retried", "exhausted retried", "exhausted given up"},
    "Which streams broke off?": {*(f"{model} failed" for model in FAILED), "short truncated"},
    "How many streams are open?": STREAMED | FAILED - {"broken", "exhausted", "late"} | {"hanging"},
}

ALERTS: Final[dict[str, tuple[str, set[str], set[str]]]] = {
    # the label that tells the series apart, those that there are, those above the threshold
    "RequestsFail": ("gen_ai_request_model", FAILED, FAILED),
    "FirstChunkSlow": ("gen_ai_request_model", STREAMED, set()),
    "ArgumentsInvalid": ("gen_ai_tool_name", TOOLS, TOOLS),
    "StreamsBreakOff": ("gen_ai_request_model", FAILED | {"short"}, FAILED | {"short"}),
    "StreamsHang": ("gen_ai_request_model", {"hanging"}, {"hanging"}),
    "RateLimited": ("gen_ai_request_model", {"limited", "exhausted"}, {"limited", "exhausted"}),
    "AnswerToCallSlow": ("gen_ai_tool_name", TOOLS, set()),
    "CostHigh": ("job", {"storm"}, set()),
}
