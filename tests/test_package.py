"""The package as it is installed: its name, version, entry point, types and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from importlib.metadata import entry_points, metadata, version
from typing import Any, get_args

import pytest

import toolspan
from toolspan import OpenAIInstrumentor, guard
from toolspan import instrumentor as assembly
from toolspan.settings import Settings, read_settings

from .conformance.scenarios import SCENARIOS
from .sdk.telemetry import Telemetry
from .table import each_row


def test_public_names() -> None:
    """The package has these public names: functions, and the types that are given to an application."""
    functions = [name for name in toolspan.__all__ if name.islower()]
    assert functions == sorted(["attributes", "events", "switch", "tool", "usage", *PIPELINES])
    types = set(toolspan.__all__) - set(functions)
    others = {"OpenAIInstrumentor", "CallInfo", "Route", "Usage", "UsageTotal", "Budget", "BudgetPassed"}
    assert types == {*others, "StreamEvent", "EventStream", "AsyncEventStream", *EVENTS}
    assert {kind.__name__ for kind in get_args(toolspan.StreamEvent)} == EVENTS


EVENTS = {
    "TextDelta",
    "ReasoningDelta",
    "RefusalDelta",
    "ToolCallStarted",
    "ToolCallArgumentsDelta",
    "ToolCallCompleted",
    "UsageReported",
    "StreamError",
    "Done",
}
"""The types of the events that an application gets of a stream."""
PIPELINES = ("extract", "inject", "socket", "stage")
"""The functions for pipelines."""


def test_version() -> None:
    """The version is that of the distribution, and it is what the telemetry's scope says."""
    assert version("toolspan").split(".")[0].isdigit()


def test_typed() -> None:
    """Type checkers find the package's types."""
    assert resources.files("toolspan").joinpath("py.typed").is_file()
    assert "Typing :: Typed" in metadata("toolspan").get_all("Classifier", [])


def test_entry_point() -> None:
    """`opentelemetry-instrument` finds the instrumentor."""
    (found,) = entry_points(group="opentelemetry_instrumentor", name="toolspan")
    assert found.load() is OpenAIInstrumentor


def test_importing_is_cheap() -> None:
    """Importing the package imports neither the SDK nor an exporter, and no prices."""
    heavy = ("openai", "opentelemetry.sdk", "genai_prices")
    script = f"import sys, toolspan; print([n for n in {heavy} if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (found.stdout.strip(), found.stderr) == ("[]", "")


def test_dependencies() -> None:
    """It asks for the SDK with a lower bound and no upper one."""
    (found,) = OpenAIInstrumentor().instrumentation_dependencies()
    assert found.startswith("openai >=")
    assert "<" not in found


def test_sinks() -> None:
    """One sink for each signal, with the settings that concern it."""
    settings = read_settings(
        {"capture_message_content": "span_only", "tool_events": "log", "attribute_limit": 9}, {}
    )
    found = made(settings)
    assert [type(sink).__name__ for sink in found] == SINKS
    span, log = found[2], found[-2]
    assert (span._events, span._capture.on, span._capture.total) == (False, True, 9)
    assert (log._events, log._capture.on, log._capture.structured, log._details) == (True, False, True, False)


SINKS = [
    "RepeatedRequestSink",
    "CostSink",
    "SpanSink",
    "MetricSink",
    "LoopMetricSink",
    "LogSink",
    "SpentSink",
]
"""In their order: what is told must be known by then."""


def made(settings: Settings) -> list[Any]:
    """The sinks of these settings, with the global providers."""
    return list(assembly.sinks(settings, assembly.Providers()))


@each_row(
    ("setting", "on_span", "on_log"),
    [("both", True, True), ("span", True, False), ("log", False, True), ("off", False, False)],
)
def test_tool_events(setting: str, on_span: bool, on_log: bool) -> None:
    """One setting chooses where the moments of the tool calls go."""
    telemetry = Telemetry()
    with telemetry.on(tool_events=setting):
        SCENARIOS["parallel calls"].play()
    assert len(telemetry.span.events) == (4 if on_span else 0)
    assert len(telemetry.records) == (4 if on_log else 0)


def test_a_sink_that_cannot_be_made(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is reported and left out; the other signals work."""
    monkeypatch.setattr(guard, "reraise", False)

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("MARKER")

    monkeypatch.setattr(assembly, "MetricSink", broken)
    left = [name for name in SINKS if name != "MetricSink"]
    assert [type(sink).__name__ for sink in made(Settings())] == left
    (record,) = caplog.records
    assert record.getMessage().startswith("toolspan: making a sink failed with RuntimeError")


def test_twice_and_back(caplog: pytest.LogCaptureFixture) -> None:
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


def test_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    """`enabled=False` leaves the SDK alone, and can be undone all the same."""
    import openai

    own = openai.OpenAI.request
    monkeypatch.setenv("TOOLSPAN_ENABLED", "false")
    instrumentor = OpenAIInstrumentor()
    instrumentor.instrument()
    assert openai.OpenAI.request is own
    instrumentor.uninstrument()


def test_importing_the_package_imports_none_of_its_modules() -> None:
    """`import toolspan` loads no part of it; a public name loads its group alone."""
    program = (
        "import sys, toolspan\n"
        "def loaded(): return {name.split('.')[1] for name in sys.modules if name.startswith('toolspan.')}\n"
        "assert not loaded(), loaded()\n"
        "toolspan.Done\n"
        "assert not loaded() & {'pipeline', 'terminal', 'cost', 'sdk', 'instrumentor'}, loaded()\n"
    )
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)


def test_each_public_name_is_imported_on_first_use() -> None:
    """The groups of imports hold the public names alone; an unknown name is an `AttributeError`."""
    assert sorted(toolspan._GROUP_OF) == toolspan.__all__
    with pytest.raises(AttributeError, match="'toolspan' has no attribute 'unheard_of'"):
        _ = toolspan.unheard_of
