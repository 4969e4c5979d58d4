"""Two SDKs in one process: each has its own instrumentation, and removing one leaves the other alone."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import toolspan
from toolspan import guard, open_streams
from toolspan.instrumentor import SdkInstrumentor
from toolspan.otel.deferred_metrics import backlog
from toolspan.sdk.family import Member

from ..sdk.apis import CHAT
from ..sdk.sdk import SYNC
from ..sdk.telemetry import Telemetry
from ..sdk.test_requests import use


class _Client:
    def request(self, cast_to: Any, options: Any, **more: Any) -> Any:
        """Send nothing."""


class _Other(SdkInstrumentor):
    """The instrumentor of a second SDK of the family, which has no more than a client."""

    member = Member("other", "1.0", "other_sdk", ("Client", "AsyncClient"), "other")


@pytest.fixture(name="other")
def _other(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Other]:
    """Return the second SDK's instrumentor; it is removed after the test."""
    parts: dict[str, dict[str, Any]] = {
        "_client": {"Client": _Client, "AsyncClient": type("AsyncClient", (_Client,), {})},
        "_streaming": {"Stream": object, "AsyncStream": object},
        "_base_client": {},
    }
    for name, content in parts.items():
        module = ModuleType(f"other_sdk.{name}")
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, f"other_sdk.{name}", module)
    monkeypatch.setitem(sys.modules, "other_sdk", ModuleType("other_sdk"))
    instrumentor = _Other()
    yield instrumentor
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()


def start(other: _Other, telemetry: Telemetry, **settings: Any) -> None:
    """Instrument the second SDK with these providers."""
    providers: Any = {
        "tracer_provider": telemetry.tracers,
        "meter_provider": telemetry.meters,
        "logger_provider": telemetry.loggers,
    }
    other.instrument(skip_dep_check=True, **providers, **settings)


def act() -> None:
    """Execute a tool, and run a stage."""
    toolspan.tool(len)("a")
    list(toolspan.stage("point", iter("a")))


def kinds(telemetry: Telemetry) -> list[str]:
    """The first words of the names of all spans that have ended."""
    return [span.name.split()[0] for span in telemetry.spans]


def test_removing_one_sdk_leaves_the_tools_and_stages_of_the_other(
    telemetry: Telemetry, other: _Other
) -> None:
    """Tools and stages use the newest instrumentation, then the one that is left, then none."""
    later = Telemetry()
    with telemetry.on():
        start(other, later)
        act()
        assert (kinds(telemetry), kinds(later)) == ([], ["execute_tool", "stage"])
        other.uninstrument()
        act()
        assert kinds(telemetry) == ["execute_tool", "stage"]
    act()
    assert (kinds(telemetry), kinds(later)) == (["execute_tool", "stage"],) * 2


def test_removing_the_older_sdk_leaves_the_newer_one(telemetry: Telemetry, other: _Other) -> None:
    """The newer instrumentation keeps its tools and stages, and the first one's requests are not traced."""
    later = Telemetry()
    with telemetry.on():
        start(other, later)
    act()
    use(SYNC, CHAT)
    assert (kinds(telemetry), kinds(later)) == ([], ["execute_tool", "stage"])


@pytest.mark.parametrize("settings", [{"enabled": False}, {"sdk_disabled": True}], ids=str)
def test_an_sdk_that_is_switched_off_hides_no_other(
    settings: dict[str, bool], telemetry: Telemetry, other: _Other
) -> None:
    """Tools and stages use the newest instrumentation that is on; if none is, there are no spans."""
    with telemetry.on() as instrumentor:
        other.instrument(skip_dep_check=True, **settings)  # type: ignore[arg-type]
        act()
        assert kinds(telemetry) == ["execute_tool", "stage"]
        if settings.get("enabled") is False:
            instrumentor.instrument(enabled=False)
            act()
            assert len(telemetry.spans) == 2


def test_only_the_last_sdk_stops_the_queue_of_measurements(telemetry: Telemetry, other: _Other) -> None:
    """Removing an SDK records what waits, and later measurements still wait for the collection."""
    with telemetry.on():
        start(other, telemetry)
        toolspan.tool(len)("a")
        toolspan.tool(len)("a")
        assert len(backlog) == 1
        other.uninstrument()
        assert (len(backlog), backlog.stopped) == (0, False)
        toolspan.tool(len)("a")
        toolspan.tool(len)("a")
        assert len(backlog) > 0
    assert (len(backlog), backlog.stopped) == (0, True)


def test_streams_that_die_in_a_collection_end_outside_of_it_until_the_last_sdk_is_removed(
    telemetry: Telemetry, other: _Other
) -> None:
    """The callback of the garbage collector stays as long as any SDK is instrumented."""
    with telemetry.on():
        start(other, telemetry)
        other.uninstrument()
        assert open_streams._on_collection in gc.callbacks
    assert open_streams._on_collection not in gc.callbacks


def test_the_stream_log_is_written_once_until_the_last_sdk_that_writes_it_is_removed(
    telemetry: Telemetry, other: _Other, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two SDKs with the stream log have one output, which none of them takes from the other."""
    monkeypatch.setattr(logging.getLogger("toolspan"), "propagate", False)  # pytest has handlers of its own
    with telemetry.on(log="text"):
        use(SYNC, CHAT)
        lines = len(capsys.readouterr().err.splitlines())
        assert lines > 0
        start(other, telemetry, log="text")
        use(SYNC, CHAT)
        assert len(capsys.readouterr().err.splitlines()) == lines
        other.uninstrument()
        use(SYNC, CHAT)
        assert len(capsys.readouterr().err.splitlines()) == lines
    assert logging.getLogger("toolspan.stream").handlers == []


def test_totals_are_kept_by_the_names_of_all_sdks(telemetry: Telemetry, other: _Other) -> None:
    """The setting `usage_keys` of one SDK does not remove the names of another."""
    with telemetry.on(usage_keys=["tenant"]):
        start(other, telemetry, usage_keys=["team"])
        assert toolspan.usage.total(tenant="a", team="b").requests == 0
    other.uninstrument()
    with telemetry.on():
        pass
    with pytest.raises(ValueError, match="tenant"):
        toolspan.usage.total(tenant="a")


def test_a_tool_is_linked_to_the_call_of_any_sdk(telemetry: Telemetry, other: _Other) -> None:
    """The newest instrumentation has the spans of tools, and knows the calls of an older one's models."""
    with telemetry.on():
        start(other, telemetry)
        use(SYNC, CHAT)
        with toolspan.tool("get_weather", call_id="call_0"):
            pass
    chat, tool = telemetry.spans
    assert [link.context.span_id for link in tool.links] == [chat.context.span_id]


def test_errors_are_reported_again_only_if_no_other_sdk_is_instrumented(
    telemetry: Telemetry, other: _Other, guarded: None, caplog: pytest.LogCaptureFixture
) -> None:
    """An error that was logged for one SDK is not logged again because of a second one."""
    error = RuntimeError()
    with telemetry.on():
        guard.report("doing something", error)
        start(other, telemetry)
        guard.report("doing something", error)
    assert len(caplog.records) == 1
