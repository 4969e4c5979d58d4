"""Content whose redaction is not finished when the process ends or forks."""

from __future__ import annotations

import pytest

from ..programs import Programs

PROGRAM = """
import os, sys, threading
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from tests.sdk import script, wire
from tests.sdk.http_module import openai, http
from toolspan import OpenAIInstrumentor
from toolspan.otel.content import worker

gate = threading.Event()

def redact(name, value):
    assert gate.wait(60)
    return [{"role": "HIDE"}] if isinstance(value, list) else "HIDE"

def show(span):
    found = "hidden" if "HIDE" in span.to_json() else "plain" if "MARK" in span.to_json() else "without"
    return f"{span.attributes['toolspan.stream.outcome']} {found}" + chr(10)

OpenAIInstrumentor().instrument(redact=redact, capture_message_content="SPAN_ONLY")
provider = TracerProvider()  # later than the instrumentation, so that it is shut down before it if it may
provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter(formatter=show)))
trace.set_tracer_provider(provider)
answer = script.stream(*wire.CALLS, wire.text("MARK"), wire.DONE)
channel = http.Client(transport=http.MockTransport(script.Transport(answer)))
client = openai.OpenAI(api_key="k", base_url=wire.BASE_URL, http_client=channel)
ask = lambda: client.chat.completions.create(stream=True, **wire.ASK)
"""


def run(programs: Programs, body: str) -> tuple[list[str], str]:
    """Run the program with these lines at its end: the lines it printed, and its complaints."""
    done = programs.run(PROGRAM, body)
    assert done.code == 0
    return done.stdout.split("\n"), done.stderr


LEFT_OUT = "toolspan: content is not recorded: "


@pytest.mark.parametrize("last", ["list(ask())", "stream = ask(); next(stream)"], ids=["read", "left open"])
def test_a_callback_that_ends_in_time_is_awaited_at_exit(last: str, programs: Programs) -> None:
    """A callback that ends within a second is awaited at interpreter exit."""
    printed, complaints = run(programs, f"import atexit\n{last}\natexit.register(gate.set)\n")
    assert printed == [f"{'abandoned' if 'next' in last else 'completed'} hidden", ""]
    assert complaints == ""


@pytest.mark.parametrize("last", ["list(ask())", "stream = ask(); next(stream)"], ids=["read", "left open"])
def test_a_callback_that_hangs_costs_content_at_exit(last: str, programs: Programs) -> None:
    """A callback that hangs at exit costs the content, and one warning is logged."""
    printed, complaints = run(programs, f"worker.AT_EXIT = 0.1\n{last}\n")
    assert printed == [f"{'abandoned' if 'next' in last else 'completed'} without", ""]
    assert complaints.count(LEFT_OUT) == 1


FORK = """
    gate.set() if {free} else None
    list(ask())
    child = os.fork()
    if child == 0:
        gate.set()
        list(ask())
        sys.exit()
    os.waitpid(child, 0)
    gate.set()
    list(ask())
"""


@pytest.mark.parametrize("free", [True, False], ids=["idle", "held up"])
def test_a_child_redacts_with_its_own_threads(free: bool, programs: Programs) -> None:
    """A child redacts with its own worker, even if the parent's worker hangs."""
    printed, complaints = run(programs, FORK.format(free=free))
    assert sorted(printed) == ["", *["completed hidden"] * 3]
    assert complaints == ""
