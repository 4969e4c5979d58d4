"""`toolspan.instrument()` and `uninstrument()` for all installed SDKs; none of them is imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from types import ModuleType
from typing import Any

import pytest

import toolspan
from toolspan import instrumentor as assembly
from toolspan.instrumentor import INSTRUMENTORS
from toolspan.otel import active
from toolspan.sdk import family
from toolspan.sdk.family import FAMILY, LITELLM, import_sdk

from .programs import Programs
from .sdk.apis import CHAT
from .sdk.sdk import SYNC
from .sdk.telemetry import Telemetry
from .sdk.test_requests import use

BEGIN = """
import importlib, sys
import toolspan
from toolspan.sdk.family import FAMILY, import_sdk

def imported():
    return [member.module for member in FAMILY if member.module in sys.modules]

def patched(member):
    importlib.import_module(member.module)
    found = {
        any(hasattr(getattr(client, name, None), "__wrapped__") for name in ("request", "_request"))
        for client in import_sdk(member).clients
    }
    assert len(found) == 1
    return found.pop()

openai, *others = FAMILY
assert imported() == ["openai"], imported()
"""
REMOVED = """
toolspan.instrument()
toolspan.instrument(log="text")
toolspan.uninstrument()
assert not any([patched(member) for member in (openai, *others[-2:])])
toolspan.instrument()
toolspan.uninstrument()
toolspan.GroqInstrumentor().instrument()
assert len(imported()) == 3, imported()
assert [member.module for member in (openai, *others[:2], *others[-2:]) if patched(member)] == ["groq"]
toolspan.uninstrument()
assert len(imported()) == 5, imported()
"""
LAZY = """
toolspan.instrument()
assert len(imported()) == 5, imported()
assert all([patched(member) for member in FAMILY])
toolspan.uninstrument()
assert not any([patched(member) for member in FAMILY])
toolspan.instrument()
assert all([patched(member) for member in FAMILY])
"""


def test_an_sdk_is_patched_when_the_application_imports_it(programs: Programs) -> None:
    """Each SDK is patched at its import, unless the instrumentation is removed by then; none is imported."""
    done = programs.run(BEGIN, REMOVED, LAZY)
    assert (done.code, done.stderr) == (0, "")


def test_the_instrumentors_are_those_of_the_family() -> None:
    """Each row of the family has one instrumentor; the last one is that of LiteLLM."""
    assert [each.member for each in INSTRUMENTORS] == [*FAMILY, LITELLM]


@pytest.fixture(name="clean")
def _clean() -> Iterator[None]:
    """Remove the instrumentations after the test."""
    yield
    toolspan.uninstrument()


def test_all_sdks_get_the_settings_and_later_changes(telemetry: Telemetry, clean: None) -> None:
    """Keywords hold for all SDKs; a second call changes only its own; removing all ends all telemetry."""
    providers: Any = {"tracer_provider": telemetry.tracers, "meter_provider": telemetry.meters}
    toolspan.instrument(logger_provider=telemetry.loggers, content_limit=7, **providers)
    toolspan.instrument(tool_events="off")
    states = [each()._state for each in INSTRUMENTORS if each.member in FAMILY]
    assert [(each.settings.content_limit, each.settings.tool_events) for each in states] == [
        (7, "off")
    ] * len(FAMILY)
    assert len({id(each.loop) for each in states}) == 1
    use(SYNC, CHAT)
    assert len(telemetry.span.events) == 0
    toolspan.uninstrument()
    use(SYNC, CHAT)
    toolspan.tool(len)("a")
    assert len(telemetry.spans) == 1
    assert active._entries == ()


def test_an_sdk_that_is_not_installed_is_left_out(
    monkeypatch: pytest.MonkeyPatch, clean: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Only installed SDKs are instrumented; if there is none, one warning names all that can be installed."""

    def version(distribution: str) -> str:
        if distribution in missing:
            raise PackageNotFoundError(distribution)
        return "1.0"

    monkeypatch.setattr(family, "version", version)
    for member in FAMILY:
        monkeypatch.delitem(sys.modules, member.module, raising=False)
    missing = {"groq", "together", "litellm"}
    toolspan.instrument(skip_dep_check=True)
    on = [each.member.module for each in INSTRUMENTORS if each().is_instrumented_by_opentelemetry]
    assert on == [member.module for member in FAMILY if member.distribution not in missing]
    assert len(on) == len(FAMILY) - 2
    toolspan.uninstrument()
    missing = {member.distribution for member in (*FAMILY, LITELLM)}
    toolspan.instrument()
    (line,) = caplog.messages
    assert line.startswith("toolspan: instrument() found no SDK; install one of: openai, groq, cerebras")


def test_an_sdk_that_cannot_be_patched_at_its_import_is_still_imported(
    monkeypatch: pytest.MonkeyPatch, guarded: None, caplog: pytest.LogCaptureFixture, clean: None
) -> None:
    """An error of patching does not reach the import, and costs the telemetry of this SDK alone."""
    hooks: list[Any] = []
    monkeypatch.setattr(assembly, "when_imported", lambda member, act: hooks.append((member, act)))
    monkeypatch.setattr(assembly, "import_sdk", broken_for("groq"))
    monkeypatch.setattr(assembly, "is_imported", lambda member: False)
    for each in INSTRUMENTORS:
        monkeypatch.setattr(each, "_waits", False)
        monkeypatch.setattr(each(), "_waits", False)
    toolspan.instrument(cost="off")
    for _, act in hooks:
        act()
    assert [member.module for member, _ in hooks] == [member.module for member in FAMILY]
    off = [each.member.module for each in INSTRUMENTORS if each()._state.patch is None]
    off.remove("litellm")  # it is not installed
    assert (off, len(caplog.messages)) == (["groq"], 1)
    assert caplog.messages[0].startswith("toolspan: instrumenting this version of the SDK failed with")


def broken_for(module: str) -> Any:
    """Import an SDK's parts, except those of one SDK."""

    def found(member: Any) -> Any:
        if member.module == module:
            raise AttributeError("MARKER")
        return import_sdk(member)

    return found


def test_an_sdk_without_metadata_is_installed_if_it_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vendored SDK, which no distribution declares, counts as soon as it is imported."""
    member = FAMILY[0]._replace(distribution="unheard-of", module="unheard_of")
    assert not family.is_installed(member)
    monkeypatch.setitem(sys.modules, "unheard_of", ModuleType("unheard_of"))
    assert family.is_installed(member)
