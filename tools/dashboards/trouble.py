"""Two dashboards: the cost, and the failures."""

from __future__ import annotations

from typing import Final

from . import promql as q
from .promql import CALL, MODEL_LABEL
from .questions import Board, Question

_REQUESTS: Final = q.rate(f"{q.DURATION}_count", MODEL_LABEL, CALL)
_INPUT: Final = q.rate(q.INPUT, MODEL_LABEL, CALL)
_SPENT: Final = q.rate(q.COST, MODEL_LABEL, CALL)

COST: Final = Board(
    "toolspan-cost",
    "What does it cost",
    (
        Question(
            "How many tokens go in and out?",
            "Tokens per second as the provider counts them.",
            "short",
            {"input": q.total(q.INPUT, CALL), "output": q.total(q.OUTPUT, CALL)},
        ),
        Question(
            "Which model costs how much in an hour?",
            "As the provider reports it, or computed from list prices; models without a price are missing.",
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
            "The share of the input tokens that the provider has read from its prompt cache.",
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
            "Requests that ended with an error, divided by all requests.",
            "percentunit",
            {
                f"{{{{{MODEL_LABEL}}}}}": q.share(
                    q.rate(f"{q.DURATION}_count", MODEL_LABEL, f'{CALL}, error_type!=""'), _REQUESTS
                )
            },
        ),
        Question(
            "What is retried, and why?",
            "SDK retries, by the status or the exception that caused them.",
            "cps",
            {"{{error_type}}": q.rate(q.RETRIES, "error_type", CALL)},
        ),
        Question(
            "Are we rate limited?",
            "Responses with status 429: those that the SDK retried, and those that the application got.",
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
            "Streams without an end (truncated), and streams that failed, before their first chunk or later.",
            "cps",
            {
                f"{{{{{MODEL_LABEL}}}}} {{{{toolspan_stream_outcome}}}}": q.rate(
                    q.STREAMS,
                    f"{MODEL_LABEL}, toolspan_stream_outcome",
                    f'{CALL}, toolspan_stream_outcome=~"truncated|failed"',
                )
            },
        ),
        Question(
            "Which agents run away?",
            "Agents that repeat a tool call, a cycle of calls or a failure, by kind.",
            "short",
            {"{{toolspan_runaway_kind}}": q.new(q.RUNAWAYS, "toolspan_runaway_kind", q.SERVICE)},
        ),
        Question(
            "How many streams are open?",
            "A number that only grows is a leak, or a server that hangs.",
            "short",
            {f"{{{{{MODEL_LABEL}}}}}": f"sum by ({MODEL_LABEL}) ({q.OPEN}{{{CALL}}})"},
        ),
    ),
)
