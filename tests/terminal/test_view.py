"""`toolspan.show()`, and the line of `instrument()` where there is no provider: each in a program."""

from __future__ import annotations

import pytest

import toolspan

from ..programs import Programs
from ..table import each_row

CALL = """
import openai
from tests.sdk import script, wire
from tests.sdk.http_module import KEY, http
def ask():
    channel = http.Client(transport=http.MockTransport(script.Transport(script.TEXT)), verify=False)
    client = openai.OpenAI(http_client=channel, api_key=KEY, base_url=wire.BASE_URL)
    messages = [{"role": "user", "content": "What now?"}]
    list(client.chat.completions.create(model="gpt-test", messages=messages, stream=True))
"""
NO_PROVIDER = "toolspan: no OpenTelemetry provider is set"
SDK = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
"""
FOREIGN = """
from opentelemetry import trace
class Foreign(trace.TracerProvider):
    def get_tracer(self, *args, **kwargs):
        return trace.NoOpTracer()
trace.set_tracer_provider(Foreign())
"""
INSTRUMENTED = """
import opentelemetry.instrumentation.auto_instrumentation
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from toolspan.terminal import TerminalSpanExporter
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(TerminalSpanExporter()))
"""
SHOW = "import toolspan; toolspan.show()"
SHOW_CONTENT = "import toolspan; toolspan.show(content=True)"
INSTRUMENT = "import toolspan; toolspan.instrument()"
NO_RICH = "import sys; sys.modules['rich.console'] = None"
TABLE, TREE, LINE = "toolspan.streams (stream)  completed", "└─ text", "▸  text          started"

PROGRAMS: list[tuple[tuple[str, ...], dict[str, str], tuple[str, ...], tuple[str, ...]]] = [
    ((SHOW, CALL, "ask()"), {}, (TABLE, TREE, LINE), (NO_PROVIDER, "What now?", "toolspan: ")),
    ((SHOW_CONTENT, SHOW, CALL, "ask()"), {}, (TREE, "→ user: What now?", "← Hello"), ("toolspan: ",)),
    ((SDK, CALL, INSTRUMENT, SHOW, "ask()"), {}, (TABLE, TREE, LINE), ("toolspan: ",)),
    (
        (INSTRUMENTED, SHOW, CALL, "ask()"),
        {"OTEL_TRACES_EXPORTER": "toolspan"},
        (TABLE, TREE),
        ("toolspan: ",),
    ),
    ((FOREIGN, SHOW, CALL, "ask()"), {}, (LINE, "show() prints no traces: ", "Foreign"), (TREE,)),
    ((SHOW, CALL, "ask()"), {"OTEL_SDK_DISABLED": "true"}, ("prints nothing: OTEL_SDK_DISABLED",), (TREE,)),
    ((NO_RICH, SHOW, CALL, "ask()"), {}, ("toolspan: show() prints nothing: the terminal view",), (TREE,)),
    ((INSTRUMENT, CALL, "ask(); ask()"), {}, (NO_PROVIDER,), (TREE,)),
]
"""Parts of a program, its environment, and what it prints and does not print to standard error."""


def test_a_program_shows_its_telemetry_or_says_why_not(programs: Programs) -> None:
    """With `show()`, all is printed once, with any providers; without it, one line says what to do."""
    for parts, environment, shown, hidden in PROGRAMS:
        ended = programs.run(*parts, TOOLSPAN_COST="provider", **environment)
        assert (ended.code, ended.stdout) == (0, ""), ended.stderr
        for text in shown:
            assert ended.stderr.count(text) == 1, (parts, text, ended.stderr)
        assert [text for text in hidden if text in ended.stderr] == [], (parts, ended.stderr)


@each_row("content", ["yes", 1, None])
def test_content_is_true_or_false(content: object) -> None:
    """Any other value raises at the call, and nothing is instrumented."""
    with pytest.raises(TypeError, match=r"show\(\) takes content=True or False"):
        toolspan.show(content=content)  # type: ignore[arg-type]
