"""Two dashboards: the times of requests, and the tool calls."""

from __future__ import annotations

from typing import Final

from . import promql as q
from .promql import CALL, TOOL, TOOL_ALONE, TOOL_LABEL
from .questions import Board, Question, by_model, by_tool

SLOW: Final = Board(
    "toolspan-slow",
    "Is it slow, and where",
    (
        Question(
            "How long until the first chunk?",
            "From the request to the first piece of output, retries included. Exemplars link to traces.",
            "s",
            by_model(q.FIRST_CHUNK),
        ),
        Question(
            "How long between two chunks?",
            "Grows when the server, or a gateway in between, holds chunks back.",
            "s",
            by_model(q.PER_CHUNK),
        ),
        Question(
            "How long does a whole answer take?",
            "From the request to the end of the stream, or of the answer without streaming.",
            "s",
            by_model(q.DURATION),
        ),
        Question(
            "When in the answer is a tool call detected?",
            "From the request to the moment the model named the tool.",
            "s",
            by_tool(q.DETECT),
        ),
        Question(
            "How long does the model write a call's arguments?",
            "From the detection of the call to the end of its arguments.",
            "s",
            by_tool(q.ARGUMENTS),
        ),
        Question(
            "How long does the application take to answer a call?",
            "From the end of its arguments to the request with its result: the tool and the time around it.",
            "s",
            by_tool(q.TURNAROUND),
        ),
    ),
)

TOOLS: Final = Board(
    "toolspan-tools",
    "What do tools do",
    (
        Question(
            "Which tools are called, and how do the calls end?",
            "Calls by outcome: `valid` or the fault. `_OTHER` stands for tools that were not offered.",
            "cps",
            {
                f"{{{{{TOOL_LABEL}}}}} {{{{toolspan_outcome}}}}": q.rate(
                    q.CALLS, f"{TOOL_LABEL}, toolspan_outcome", TOOL
                )
            },
        ),
        Question(
            "Which tool is called wrongly?",
            "The share of calls that are not JSON, never ended, or do not match the tool's schema.",
            "percentunit",
            {
                f"{{{{{TOOL_LABEL}}}}}": q.share(
                    q.rate(q.CALLS, TOOL_LABEL, f'{TOOL}, toolspan_outcome!="valid"'),
                    q.rate(q.CALLS, TOOL_LABEL, TOOL),
                )
            },
        ),
        Question(
            "How big are the arguments?",
            "The size of a call's arguments; long arguments are slow and cost output tokens.",
            "bytes",
            by_tool(q.SIZE),
        ),
        Question(
            "Which streams ended badly?",
            "Streams that broke off or failed. Those that the application or its user ended are not counted.",
            "cps",
            {
                "{{toolspan_stream_outcome}}": q.rate(
                    q.STREAMS,
                    "toolspan_stream_outcome",
                    f'{CALL}, toolspan_stream_outcome=~"truncated|failed"',
                )
            },
        ),
        Question(
            "How long do the tools themselves run?",
            "The execution alone; needs `toolspan.tool` in the application.",
            "s",
            by_tool(q.EXECUTE, TOOL_ALONE),
        ),
        Question(
            "Which tools fail?",
            "Executions that ended with an error; needs `toolspan.tool` in the application.",
            "cps",
            {
                f"{{{{{TOOL_LABEL}}}}} {{{{error_type}}}}": q.rate(
                    f"{q.EXECUTE}_count", f"{TOOL_LABEL}, error_type", f'{TOOL_ALONE}, error_type!=""'
                )
            },
        ),
    ),
)
