"""The instrumentor: keywords of a second `instrument()`, sinks, and SDKs that cannot be instrumented."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import openai
import pytest

import toolspan
from toolspan import OpenAIInstrumentor

from .conformance.scenarios import SCENARIOS
from .programs import Ended, Programs
from .sdk.apis import CHAT
from .sdk.features import OLD_SDK
from .sdk.script import Transport
from .sdk.sdk import SYNC, Face, both_faces
from .sdk.telemetry import Telemetry
from .sdk.test_requests import use
from .table import each_row

ROOT = Path(__file__).parents[1]


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
from tests.sdk.http_module import http

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


# The command runs `initialize` as the process starts; for the second case a forked process does.
INITIALIZE = "from opentelemetry.instrumentation.auto_instrumentation import initialize; initialize()"


@pytest.mark.parametrize("own", [False, True], ids=["global providers", "given providers"])
def test_a_redaction_in_code_holds_under_opentelemetry_instrument(
    own: bool, tmp_path: Path, programs: Programs
) -> None:
    """The card number is in no signal and no output."""
    script = Path(sys.executable).with_name("opentelemetry-instrument")
    start = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"
    command = [str(script)] if script.exists() else [sys.executable, "-c", start]
    text = PROGRAM.replace("CARD-NUMBER", CARD).replace("OWN", str(own))
    environment = {
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
        "TOOLSPAN_TOOL_DEFINITIONS": "full",
        **{
            f"OTEL_{signal}_EXPORTER": "none" if own else "console"
            for signal in ("TRACES", "METRICS", "LOGS")
        },
    }
    if own:
        done = programs.run(INITIALIZE, text, **environment)
    else:
        program = tmp_path / "program.py"
        program.write_text(text)
        path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        started = subprocess.run(
            [*command, sys.executable, str(program)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        done = Ended(started.returncode, started.stdout, started.stderr)
    assert done.code == 0, done.stderr
    assert CARD not in done.stdout + done.stderr
    assert "Attempting to instrument" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.count('"name": "chat gpt-test"') == 3
    assert '"name": "execute_tool' in done.stdout
    assert "gen_ai.client.inference.operation.details" in done.stdout
    assert "gen_ai.client.inference.duration" in done.stdout
    assert done.stdout.count("[number]") >= 6
    assert '"event": "request"' in done.stderr
    assert "[number]" in done.stderr


@both_faces
def test_instrumenting_again_traces_each_request_once(
    face: Face, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """After several instrumentations a request has one span, one count and one listener."""
    heard: list[str] = []
    with telemetry.on() as instrumentor:
        patched: Any = openai.OpenAI.__dict__["request"]
        for number in range(5):
            instrumentor.instrument(content_limit=number, on_event=lambda _, event: heard.append(event.type))
        assert openai.OpenAI.__dict__["request"] is patched
        use(face, CHAT)
    assert len(telemetry.started) == len(telemetry.spans) == 1
    assert [point.count for point in telemetry.durations] == [1]
    assert heard.count("done") == 1
    assert [record for record in caplog.records if record.name.startswith("opentelemetry")] == []


def hide(name: str, value: Any) -> Any:
    """Let nothing of a content through."""
    return [{"role": "HIDDEN"}] if isinstance(value, list) else "HIDDEN"


def test_omitted_keywords_keep_their_values(telemetry: Telemetry) -> None:
    """Omitted, `None` and invalid keywords keep the values of the first call."""
    with telemetry.on(capture_message_content="SPAN_ONLY", redact=hide) as instrumentor:
        instrumentor.instrument(
            log="json", redact=None, capture_message_content="nonsense", tracer_provider=None
        )
        settings = instrumentor._state.settings
        use(SYNC, CHAT)
    assert (settings.log, settings.capture_message_content) == ("json", "span_only")
    assert "HIDDEN" in str(dict(telemetry.span.attributes))
    assert "What now" not in str(dict(telemetry.span.attributes))


def test_instrumenting_again_without_keywords_keeps_the_sinks(telemetry: Telemetry) -> None:
    """A second call without keywords keeps the same sinks."""
    with telemetry.on() as instrumentor:
        before = exchange(instrumentor)
        instrumentor.instrument()
        OpenAIInstrumentor().instrument(skip_dep_check=True)
        assert exchange(instrumentor) is before


def exchange(instrumentor: OpenAIInstrumentor) -> Any:
    """What sees the requests."""
    assert instrumentor._state.patch is not None
    return instrumentor._state.patch._exchange


def test_instrumenting_again_uses_the_new_providers(telemetry: Telemetry) -> None:
    """Requests, tools and stages use the providers of the second call."""
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
        assert [point.count for point in each.durations] == [1]


@both_faces
@pytest.mark.parametrize("elsewhere", [False, True], ids=["the same meter", "another meter"])
def test_an_open_stream_keeps_its_settings_when_instrumented_again(
    face: Face, elsewhere: bool, telemetry: Telemetry
) -> None:
    """An open stream keeps its settings, ends once and leaves the gauge exact."""
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


@each_row("value", [5, "console", object(), {}])
@each_row("name", ["tracer_provider", "meter_provider", "logger_provider"])
def test_a_wrong_provider_is_reported_and_the_present_one_stays(
    name: str, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """One error names the provider and what is accepted, at the first `instrument()` and later."""
    caplog.clear()
    telemetry = Telemetry()
    with telemetry.on() as instrumentor:
        instrumentor.instrument(**{name: value})
        use(SYNC, CHAT)
    assert len(telemetry.spans) == 1
    with telemetry.on(**{name: value}):
        use(SYNC, CHAT)
    said = [record for record in caplog.records if record.levelno > logging.WARNING]
    assert [record.name for record in said] == ["toolspan"] * 2
    assert len({record.getMessage() for record in said}) == 1
    start = f"toolspan: {name}={value!r} ignored; accepted: an object with the method get_"
    assert said[0].getMessage().startswith(start)


class Incomparable:
    """A callback that cannot be compared."""

    def __call__(self, *given: Any) -> None:
        """Remove everything."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("MARKER")

    __hash__ = object.__hash__


def test_a_callback_that_cannot_be_compared_is_used(telemetry: Telemetry) -> None:
    """A callback whose `==` raises replaces another one of its kind, and nothing raises."""
    with telemetry.on(capture_message_content="SPAN_ONLY", redact=Incomparable()) as instrumentor:
        later = Incomparable()
        instrumentor.instrument(redact=later, on_event=Incomparable())
        assert instrumentor._state.settings.redact is later
        use(SYNC, CHAT)
    assert len(telemetry.spans) == 1


def test_enabled_switches_tracing_off_and_on_again(telemetry: Telemetry) -> None:
    """`enabled=False` leaves the SDK alone, and `enabled=True` traces it again."""
    own = openai.OpenAI.__dict__.get("request")
    with telemetry.on() as instrumentor:
        instrumentor.instrument(enabled=False)
        assert openai.OpenAI.__dict__.get("request") is own
        use(SYNC, CHAT)
        instrumentor.instrument(enabled=True)
        use(SYNC, CHAT)
    assert len(telemetry.spans) == 1


def test_uninstrumenting_forgets_all_keywords(telemetry: Telemetry) -> None:
    """The next instrumentation has none of the keywords of the last one."""
    with telemetry.on(log="off") as instrumentor:
        instrumentor.instrument(capture_message_content="SPAN_ONLY", redact=lambda name, value: value)
    with Telemetry().on() as instrumentor:
        assert instrumentor._state.settings.redact is None
        assert instrumentor._state.settings.content is False


def test_the_entry_point_loads_and_its_dependency_is_met() -> None:
    """`opentelemetry-instrument` finds the instrumentor and its dependency, which is met."""
    (found,) = entry_points(group="opentelemetry_instrumentor", name="toolspan")
    assert found.load() is OpenAIInstrumentor
    assert OpenAIInstrumentor().instrumentation_dependencies() == ("openai >= 1.26.0",)
    OpenAIInstrumentor().instrument(raise_exception_on_conflict=True)
    OpenAIInstrumentor().uninstrument()


def test_instrumenting_and_using_the_sdk_logs_nothing(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Only missing parts of an old SDK and an unknown price are logged."""
    caplog.set_level(logging.DEBUG, logger="toolspan")
    caplog.set_level(logging.DEBUG, logger="opentelemetry")
    with telemetry.on():
        use(SYNC)
    said = [one for one in caplog.records if one.name.startswith(("toolspan", "opentelemetry"))]
    (record,) = [one for one in said if not one.getMessage().startswith(OLD_SDK)]
    assert record.levelno == logging.DEBUG
    assert record.getMessage().startswith("toolspan: no cost for model 'gpt-test")


def test_an_sdk_that_cannot_be_patched_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, guarded: None
) -> None:
    """An SDK without the patched parts costs one warning, and no error."""
    monkeypatch.setattr("toolspan.sdk.patch.Patch.install", lambda self: 1 / 0)
    with Telemetry().on():
        pass
    assert [record.levelname for record in caplog.records if record.name == "toolspan"] == ["WARNING"]


@each_row(
    ("setting", "on_span", "on_log"),
    [("both", True, True), ("span", True, False), ("log", False, True), ("off", False, False)],
)
def test_a_setting_chooses_where_tool_call_events_go(setting: str, on_span: bool, on_log: bool) -> None:
    """One setting puts tool call events on spans, on logs or on both."""
    telemetry = Telemetry()
    with telemetry.on(tool_events=setting):
        SCENARIOS["parallel calls"].play()
    assert len(telemetry.span.events) == (4 if on_span else 0)
    assert len(telemetry.records) == (4 if on_log else 0)


def test_instrumenting_and_uninstrumenting_twice_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    """Instrumenting twice and uninstrumenting twice does no harm."""
    import openai

    own = openai.OpenAI.request
    instrumentor = OpenAIInstrumentor()
    instrumentor.instrument()
    instrumentor.instrument()
    assert openai.OpenAI.request is not own
    instrumentor.uninstrument()
    instrumentor.uninstrument()
    assert openai.OpenAI.request is own
    said = [record.getMessage() for record in caplog.records]
    assert said == ["Attempting to uninstrument while already uninstrumented"]


def test_disabled_instrumentation_leaves_the_sdk_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `enabled=False` no class is patched, and uninstrumenting works."""
    import openai

    own = openai.OpenAI.request
    monkeypatch.setenv("TOOLSPAN_ENABLED", "false")
    instrumentor = OpenAIInstrumentor()
    instrumentor.instrument()
    assert openai.OpenAI.request is own
    instrumentor.uninstrument()
