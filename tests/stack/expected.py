"""What each panel and each alert must show of the storm, by legend."""

from __future__ import annotations

from typing import Final

TOOLS: Final = {"get_weather", "get_time"}
CALLED: Final = TOOLS | {"_OTHER"}
WRONG: Final = {"garbled", "misnamed", "lacking", "mistyped"}
FINISHED: Final = {"demo", "dawdling", "limited"} | WRONG
STREAMED: Final = FINISHED | {"cut", "short"}
FAILED: Final = {"broken", "cut", "exhausted", "late"}
PARSED: Final = ("valid", "invalid", "missing_argument", "wrong_type")
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
    "When in the answer is a tool call detected?": _two(CALLED),
    "How long does the model write a call's arguments?": _two(CALLED),
    "How long does the application take to answer a call?": _two(TOOLS),
    "Which tools are called, and how do the calls end?": {
        *(f"{tool} {outcome}" for tool in TOOLS for outcome in PARSED),
        "get_weather unfinished",
        "_OTHER unknown_tool",
    },
    "Which tool is called wrongly?": CALLED,
    "How big are the arguments?": _two(CALLED),
    "Which streams ended badly?": {"failed", "truncated"},
    "How long do the tools themselves run?": _two(TOOLS),
    "Which tools fail?": {"get_time ValueError"},
    "How many tokens go in and out?": {"input", "output"},
    "Which model costs how much in an hour?": FINISHED | {"cached"},
    "What does a request cost?": FINISHED | {"cached"},
    "How much of the input comes from the cache?": {"cached"},
    "Which errors do requests end with?": ERRORS,
    "Which share of the requests fails?": ALL,
    "What is retried, and why?": {"429", "500"},
    "Are we rate limited?": {"limited retried", "exhausted retried", "exhausted given up"},
    "Which streams broke off?": {*(f"{model} failed" for model in FAILED), "short truncated"},
    "Which agents run away?": {"failure"},  # the same request fails in each of the four rounds
    "How many streams are open?": STREAMED | FAILED - {"broken", "exhausted", "late"} | {"hanging"},
}

ALERTS: Final[dict[str, tuple[str, set[str], set[str]]]] = {
    # the label that tells the series apart, those that there are, those above the threshold
    "RequestsFail": ("gen_ai_request_model", FAILED, FAILED),
    "FirstChunkSlow": ("gen_ai_request_model", STREAMED, set()),
    "CallsInvalid": ("gen_ai_tool_name", CALLED, CALLED),
    "StreamsBreakOff": ("gen_ai_request_model", FAILED | {"short"}, FAILED | {"short"}),
    "StreamsHang": ("gen_ai_request_model", {"hanging"}, {"hanging"}),
    "RateLimited": ("gen_ai_request_model", {"limited", "exhausted"}, {"limited", "exhausted"}),
    "AnswerToCallSlow": ("gen_ai_tool_name", TOOLS, set()),
    "AgentRunsAway": ("toolspan_runaway_kind", {"failure"}, {"failure"}),
    "CostHigh": ("job", {"storm"}, set()),
}
