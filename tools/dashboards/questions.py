"""The four dashboards as data: the questions a team asks, and the queries that answer them.

It must not know Grafana's format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from . import promql as q
from .promql import CALL, MODEL_LABEL, TOOL, TOOL_ALONE, TOOL_LABEL


@dataclass(frozen=True)
class Question:
    """One panel: its title is the question; `reads` says how to read the answer; queries have a legend."""

    title: str
    reads: str
    unit: str
    queries: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Board:
    """One dashboard: the name of its file, its title, its panels."""

    uid: str
    title: str
    questions: tuple[Question, ...]


def _quantiles(histogram: str, label: str, where: str) -> dict[str, str]:
    """Half of the samples, and all but one of twenty."""
    return {
        f"{{{{{label}}}}} half": q.quantile(0.5, histogram, label, where),
        f"{{{{{label}}}}} 95 %": q.quantile(0.95, histogram, label, where),
    }


def _by_model(histogram: str) -> dict[str, str]:
    return _quantiles(histogram, MODEL_LABEL, CALL)


def _by_tool(histogram: str, where: str = TOOL) -> dict[str, str]:
    return _quantiles(histogram, TOOL_LABEL, where)


_REQUESTS: Final = q.rate(f"{q.DURATION}_count", MODEL_LABEL, CALL)
_INPUT: Final = q.rate(f"{q.TOKENS}_sum", MODEL_LABEL, f'{CALL}, gen_ai_token_type="input"')
_SPENT: Final = q.rate(q.COST, MODEL_LABEL, CALL)

SLOW: Final = Board(
    "toolspan-slow",
    "Is it slow, and where",
    (
        Question(
            "How long until the first chunk?",
            "From the request to the first piece of output, retries included. The points lead to the traces.",
            "s",
            _by_model(q.FIRST_CHUNK),
        ),
        Question(
            "How long between two chunks?",
            "Grows when the server, or a gateway in between, holds chunks back.",
            "s",
            _by_model(q.PER_CHUNK),
        ),
        Question(
            "How long does a whole answer take?",
            "From the request to the end of the stream, or of the answer where it is not streamed.",
            "s",
            _by_model(q.DURATION),
        ),
        Question(
            "When in the answer is a tool call detected?",
            "From the request to the moment the model named the tool.",
            "s",
            _by_tool(q.DETECT),
        ),
        Question(
            "How long does the model write a call's arguments?",
            "From the detection of the call to the end of its arguments.",
            "s",
            _by_tool(q.ARGUMENTS),
        ),
        Question(
            "How long does the application take to answer a call?",
            "From the call's last argument to the request that brings its result: the tool, and the waiting for it.",
            "s",
            _by_tool(q.TURNAROUND),
        ),
    ),
)

TOOLS: Final = Board(
    "toolspan-tools",
    "What do tools do",
    (
        Question(
            "Which tools are called, and how do the calls end?",
            "Calls the model made: valid arguments, invalid ones, or none that ended.",
            "cps",
            {f"{{{{{TOOL_LABEL}}}}} {{{{toolspan_outcome}}}}": q.rate(q.CALLS, f"{TOOL_LABEL}, toolspan_outcome", TOOL)},
        ),
        Question(
            "Which tool gets arguments that do not parse?",
            "The share of its calls whose arguments are no JSON, or never ended.",
            "percentunit",
            {
                f"{{{{{TOOL_LABEL}}}}}": q.share(
                    q.rate(q.CALLS, TOOL_LABEL, f'{TOOL}, toolspan_outcome!="valid"'), q.rate(q.CALLS, TOOL_LABEL, TOOL)
                )
            },
        ),
        Question(
            "How big are the arguments?",
            "What the model writes for a call; long arguments are slow and cost output tokens.",
            "bytes",
            _by_tool(q.SIZE),
        ),
        Question(
            "Which streams ended badly?",
            "Streams that were not read to a good end; `closed` and `abandoned` are the application's doing.",
            "cps",
            {
                "{{toolspan_stream_outcome}}": q.rate(
                    q.STREAMS, "toolspan_stream_outcome", f'{CALL}, toolspan_stream_outcome!="completed"'
                )
            },
        ),
        Question(
            "How long do the tools themselves run?",
            "The execution alone, where the application marks it.",
            "s",
            _by_tool(q.EXECUTE, TOOL_ALONE),
        ),
        Question(
            "Which tools fail?",
            "Executions that ended with an error, where the application marks them.",
            "cps",
            {
                f"{{{{{TOOL_LABEL}}}}} {{{{error_type}}}}": q.rate(
                    f"{q.EXECUTE}_count", f"{TOOL_LABEL}, error_type", f'{TOOL_ALONE}, error_type!=""'
                )
            },
        ),
    ),
)

COST: Final = Board(
    "toolspan-cost",
    "What does it cost",
    (
        Question(
            "How many tokens go in and out?",
            "Tokens per second as the provider counts them.",
            "short",
            {"{{gen_ai_token_type}}": q.rate(f"{q.TOKENS}_sum", "gen_ai_token_type", CALL)},
        ),
        Question(
            "Which model costs how much in an hour?",
            "As the provider says, or computed from list prices; models without a price are missing here.",
            "currencyUSD",
            {f"{{{{{MODEL_LABEL}}}}}": f"3600 * {_SPENT}"},
        ),
        Question(
            "What does a request cost?",
            "The cost of a model divided by its requests.",
            "currencyUSD",
            {f"{{{{{MODEL_LABEL}}}}}": f"{_SPENT} / {_REQUESTS}"},
        ),
        Question(
            "How much of the input comes from the cache?",
            "Needs TOOLSPAN_METRIC_NAMES=both (or next, but the other panels read the released names).",
            "percentunit",
            {f"{{{{{MODEL_LABEL}}}}}": f"{q.rate(q.CACHE_READ, MODEL_LABEL, CALL)} / {_INPUT}"},
        ),
    ),
)

FAILS: Final = Board(
    "toolspan-fails",
    "What fails",
    (
        Question(
            "Which errors do requests end with?",
            "After all retries.",
            "cps",
            {"{{error_type}}": q.rate(f"{q.DURATION}_count", "error_type", f'{CALL}, error_type!=""')},
        ),
        Question(
            "Which share of the requests fails?",
            "Requests that ended with an error, of all.",
            "percentunit",
            {
                f"{{{{{MODEL_LABEL}}}}}": q.share(
                    q.rate(f"{q.DURATION}_count", MODEL_LABEL, f'{CALL}, error_type!=""'), _REQUESTS
                )
            },
        ),
        Question(
            "What is retried, and why?",
            "Attempts that the SDK repeated, by the status or the exception that made it do so.",
            "cps",
            {"{{error_type}}": q.rate(q.RETRIES, "error_type", CALL)},
        ),
        Question(
            "Are we rate limited?",
            "Answers of 429: those that were retried, and those the application saw.",
            "cps",
            {
                f"{{{{{MODEL_LABEL}}}}} retried": q.rate(q.RETRIES, MODEL_LABEL, f'{CALL}, error_type="429"'),
                f"{{{{{MODEL_LABEL}}}}} given up": q.rate(
                    f"{q.DURATION}_count", MODEL_LABEL, f'{CALL}, error_type=~".*RateLimitError"'
                ),
            },
        ),
        Question(
            "Which streams broke off?",
            "Streams without an end (truncated), and those that failed, before their first chunk or after it.",
            "cps",
            {
                f"{{{{{MODEL_LABEL}}}}} {{{{toolspan_stream_outcome}}}}": q.rate(
                    q.STREAMS, f"{MODEL_LABEL}, toolspan_stream_outcome", f'{CALL}, toolspan_stream_outcome=~"truncated|failed"'
                )
            },
        ),
        Question(
            "How many streams are open?",
            "A number that only grows is a leak, or a server that hangs.",
            "short",
            {f"{{{{{MODEL_LABEL}}}}}": f"sum by ({MODEL_LABEL}) ({q.OPEN}{{{CALL}}})"},
        ),
    ),
)

BOARDS: Final = (SLOW, TOOLS, COST, FAILS)
