"""A second `instrument()`: it applies its keywords, keeps the others, and nothing happens twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest

import toolspan
from toolspan import OpenAIInstrumentor

from .apis import CHAT
from .script import Transport
from .sdk import SYNC, Face, both_faces
from .telemetry import Telemetry
from .test_instrumented import use

ROOT = Path(__file__).parents[2]
CARD = "4111 1111 1111 1111"
PROGRAM = """
import logging, re
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
import openai
import toolspan
from tests.sdk import script, wire
from tests.sdk.sdk import http

assert hasattr(openai.OpenAI.request, "__wrapped__")  # by opentelemetry-instrument
tracers, loggers = TracerProvider(), LoggerProvider()
tracers.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
loggers.add_log_record_processor(SimpleLogRecordProcessor(ConsoleLogRecordExporter()))
meters = MeterProvider([PeriodicExportingMetricReader(ConsoleMetricExporter())])
given = {}
if OWN:
    given = dict(tracer_provider=tracers, meter_provider=meters, logger_provider=loggers)
elif isinstance(trace.get_tracer_provider(), TracerProvider):  # by the distribution of OpenTelemetry
    pass
else:
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(meters)
    _logs.set_logger_provider(loggers)

def redact(name, value):
    if isinstance(value, str):
        return value.replace("CARD-NUMBER", "[number]")
    if isinstance(value, list):
        return [redact(name, part) for part in value]
    if isinstance(value, dict):
        return {key: redact(name, part) for key, part in value.items()}
    return value

toolspan.OpenAIInstrumentor().instrument(redact=redact, log="json", **given)
pay = dict(name="pay", description="Not CARD-NUMBER.", parameters=dict(type="object"))
question = dict(role="user", content="My card is CARD-NUMBER.")
ask = dict(model="gpt-test", messages=[question], tools=[dict(type="function", function=pay)])
arguments = '{"card": "CARD-NUMBER"}'
call = wire.answer("CARD-NUMBER", calls=[("pay", arguments)])
stream = script.stream(wire.text("CARD-NUMBER"), wire.call(arguments, id="call_1", name="pay"), wire.chunk(
    reason="tool_calls"), wire.usage(), wire.DONE)
failed = script.whole(dict(error=dict(message="no CARD-NUMBER")), status=400)
channel = http.Client(transport=http.MockTransport(script.Transport(script.whole(call), stream, failed)))
client = openai.OpenAI(api_key="k", base_url=wire.BASE_URL, http_client=channel)
client.chat.completions.create(**ask)
list(client.chat.completions.create(**ask, stream=True))
try:
    client.chat.completions.create(**ask)
except openai.BadRequestError:
    pass
toolspan.tool(lambda card: card)("CARD-NUMBER")
"""


@pytest.mark.parametrize("own", [False, True], ids=["global providers", "given providers"])
def test_a_redaction_under_opentelemetry_instrument(own: bool, tmp_path: Path) -> None:
    """A redaction in the code holds: the card number is in no signal, and nothing complains."""
    script = Path(sys.executable).with_name("opentelemetry-instrument")
    start = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"
    command = [str(script)] if script.exists() else [sys.executable, "-c", start]
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("CARD-NUMBER", CARD).replace("OWN", str(own)))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
        "TOOLSPAN_TOOL_DEFINITIONS": "full",
        **{
            f"OTEL_{signal}_EXPORTER": "none" if own else "console"
            for signal in ("TRACES", "METRICS", "LOGS")
        },
    }
    done = subprocess.run(
        [*command, sys.executable, str(program)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert CARD not in done.stdout + done.stderr
    assert "Attempting to instrument" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.count('"name": "chat gpt-test"') == 3
    assert '"name": "execute_tool' in done.stdout
    assert "gen_ai.client.inference.operation.details" in done.stdout
    assert "gen_ai.client.operation.duration" in done.stdout
    assert done.stdout.count("[number]") >= 6
    assert '"event": "request"' in done.stderr
    assert "[number]" in done.stderr


@both_faces
def test_nothing_happens_twice(face: Face, telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    """However often it is instrumented, a request is patched, traced, counted and heard once."""
    heard: list[str] = []
    with telemetry.on() as instrumentor:
        patched: Any = openai.OpenAI.__dict__["request"]
        for number in range(5):
            instrumentor.instrument(content_limit=number, on_event=lambda _, event: heard.append(event.type))
        assert openai.OpenAI.__dict__["request"] is patched
        use(face, CHAT)
    assert len(telemetry.started) == len(telemetry.spans) == 1
    assert [point.count for point in telemetry.points("gen_ai.client.operation.duration")] == [1]
    assert heard.count("done") == 1
    assert [record for record in caplog.records if record.name.startswith("opentelemetry")] == []


def hide(name: str, value: Any) -> Any:
    """Let nothing of a content through."""
    return [{"role": "HIDDEN"}] if isinstance(value, list) else "HIDDEN"


def test_what_is_left_out_stays(telemetry: Telemetry) -> None:
    """Keywords that are left out, are `None` or are not accepted keep the values that they had."""
    with telemetry.on(capture_message_content="SPAN_ONLY", redact=hide) as instrumentor:
        instrumentor.instrument(
            log="json", redact=None, capture_message_content="nonsense", tracer_provider=None
        )
        settings = instrumentor._settings
        use(SYNC, CHAT)
    assert (settings.log, settings.capture_message_content) == ("json", "span_only")
    assert "HIDDEN" in str(dict(telemetry.span.attributes))
    assert "What now" not in str(dict(telemetry.span.attributes))


def test_without_keywords_nothing_changes(telemetry: Telemetry) -> None:
    """Without any keyword the same sinks go on."""
    with telemetry.on() as instrumentor:
        before = exchange(instrumentor)
        instrumentor.instrument()
        OpenAIInstrumentor().instrument(skip_dep_check=True)
        assert exchange(instrumentor) is before


def exchange(instrumentor: OpenAIInstrumentor) -> Any:
    """What sees the requests."""
    assert instrumentor._patch is not None
    return instrumentor._patch._exchange


def test_other_providers(telemetry: Telemetry) -> None:
    """From then on requests, tools and stages are told to the providers that are given."""
    later = Telemetry()
    with telemetry.on() as instrumentor:
        use(SYNC, CHAT)
        instrumentor.instrument(
            tracer_provider=later.tracers, meter_provider=later.meters, logger_provider=later.loggers
        )
        use(SYNC, CHAT)
        toolspan.tool(len)("a")
        list(toolspan.stage("point", iter("a")))
    assert len(telemetry.spans) == 1
    assert [span.name.split()[0] for span in later.spans] == ["chat", "execute_tool", "stage"]
    for each in (telemetry, later):
        assert [point.count for point in each.points("gen_ai.client.operation.duration")] == [1]


@both_faces
@pytest.mark.parametrize("elsewhere", [False, True], ids=["the same meter", "another meter"])
def test_a_stream_that_is_open(face: Face, elsewhere: bool, telemetry: Telemetry) -> None:
    """A stream that is open goes on with its settings and ends once; the gauge of open streams is exact."""
    later = Telemetry()

    async def scenario(instrumentor: Any) -> None:
        async with face.client(Transport(CHAT.calling)) as client:
            stream = await face.done(CHAT.stream(client))
            await face.next(stream)
            instrumentor.instrument(
                redact=lambda name, value: value, **({"meter_provider": later.meters} if elsewhere else {})
            )
            other = await face.done(CHAT.stream(client))
            await face.read(stream)
            await face.read(other)

    with telemetry.on() as instrumentor:
        face.run(scenario(instrumentor))
    assert len(telemetry.started) == len(telemetry.spans) == 2
    found = telemetry.points("toolspan.streams.open") + later.points("toolspan.streams.open")
    assert [point.value for point in found] == [0, 0] if elsewhere else [0]
    ended = telemetry.points("toolspan.streams") + later.points("toolspan.streams")
    assert sum(point.value for point in ended) == 2


def test_off_and_on(telemetry: Telemetry) -> None:
    """`enabled=False` leaves the SDK alone, and `enabled=True` traces it again."""
    own = openai.OpenAI.__dict__.get("request")
    with telemetry.on() as instrumentor:
        instrumentor.instrument(enabled=False)
        assert openai.OpenAI.__dict__.get("request") is own
        use(SYNC, CHAT)
        instrumentor.instrument(enabled=True)
        use(SYNC, CHAT)
    assert len(telemetry.spans) == 1


def test_the_end_forgets_everything(telemetry: Telemetry) -> None:
    """After `uninstrument()` the next instrumentation has none of the keywords of the last one."""
    with telemetry.on(log="off") as instrumentor:
        instrumentor.instrument(capture_message_content="SPAN_ONLY", redact=lambda name, value: value)
    with Telemetry().on() as instrumentor:
        assert instrumentor._settings.redact is None
        assert instrumentor._settings.content is False
