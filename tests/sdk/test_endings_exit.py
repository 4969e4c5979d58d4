"""Streams that are open when their process ends, or when it is forked."""

from __future__ import annotations

import os

import pytest

from ..programs import Ended, Programs
from .api import Api
from .apis import CHAT, RESPONSES
from .features import needs
from .params import over

PROGRAM = """
import os, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import {processor}, ConsoleSpanExporter
from tests.sdk import script, wire, wire_responses
from tests.sdk.http_module import openai, http
from toolspan import OpenAIInstrumentor

show = lambda span: " ".join((span.name, span.attributes["toolspan.stream.outcome"], "")) + chr(10)
provider = TracerProvider()
provider.add_span_processor({processor}(ConsoleSpanExporter(formatter=show)))
OpenAIInstrumentor().instrument(tracer_provider=provider)
channel = http.Client(transport=http.MockTransport(script.Transport({answer})))
client = openai.OpenAI(api_key="k", base_url=wire.BASE_URL, http_client=channel)
ask = lambda: {ask}
stream = ask()
next(stream)
"""
ASK = {
    "chat": ("script.TEXT", "client.chat.completions.create(stream=True, **wire.ASK)"),
    "responses": (
        "script.stream(*wire_responses.TEXT)",
        "client.responses.create(stream=True, model='gpt-test', input='x')",
    ),
}
"""Answers and requests, written out: a process that imports `apis` imports all of the SDK."""


def run(programs: Programs, body: str, processor: str = "SimpleSpanProcessor", api: str = "chat") -> Ended:
    """Run the program with these lines at its end."""
    answer, ask = ASK[api]
    return programs.run(PROGRAM.format(processor=processor, answer=answer, ask=ask), body)


LAST = [
    ("", 0, "SimpleSpanProcessor"),
    ("", 0, "BatchSpanProcessor"),
    ("sys.exit(3)", 3, "BatchSpanProcessor"),
    ("import asyncio; asyncio.stream = stream", 0, "SimpleSpanProcessor"),
]


@pytest.mark.parametrize(("last", "code", "processor"), LAST, ids=["end", "batch", "sys.exit", "held"])
def test_a_stream_open_at_exit_is_exported(programs: Programs, last: str, code: int, processor: str) -> None:
    """The span ends before the tracer provider shuts down, and nothing is printed."""
    done = run(programs, last, processor)
    assert done == (code, "chat gpt-test abandoned \n", "")


@needs("responses.create")
def test_a_stream_open_at_an_uncaught_error_is_exported(programs: Programs) -> None:
    """An uncaught error is printed unchanged, and the span of the open stream is exported."""
    done = run(programs, "raise LookupError('mine')", api="responses")
    assert (done.code, done.stdout) == (1, "chat gpt-test abandoned \n")
    assert done.stderr.endswith("LookupError: mine\n")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("default")
@over(CHAT, RESPONSES)
def test_only_the_parent_ends_a_stream_open_at_a_fork(api: Api, programs: Programs) -> None:
    """A child that reads or drops its copy of a stream records nothing of it."""
    lines = """
        for child in "os._exit(0)", "del stream; os._exit(0)", "stream.close(); os._exit(0)", "sys.exit()":
            if os.fork() == 0:
                exec(child)
            os.wait()
        list(stream)
    """
    done = run(programs, lines, api=api.name)
    assert done == (0, f"{api.span} completed \n", "")


def test_a_child_traces_its_own_requests_after_a_fork(programs: Programs) -> None:
    """Requests of a child process are traced as in any process."""
    done = run(
        programs,
        """
        if os.fork() == 0:
            list(ask())
            os._exit(0)
        os.wait()
        stream.close()
    """,
    )
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout == "chat gpt-test completed \nchat gpt-test closed \n"
