"""The instrumentor: what it puts in, what it takes out again, and what it leaves alone."""

from __future__ import annotations

import logging
import subprocess
import sys
from importlib.metadata import entry_points
from typing import Any

import openai
import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from toolspan import OpenAIInstrumentor

from .apis import ALL, STREAMED, Api, door
from .features import OLD_SDK
from .params import over
from .script import Transport
from .sdk import SYNC, Face, both_faces
from .telemetry import Telemetry
from .test_instrumented import use


@both_faces
def test_twice_is_once(face: Face, telemetry: Telemetry) -> None:
    """Instrumenting a second time adds nothing."""
    with telemetry.on() as instrumentor:
        instrumentor.instrument(tracer_provider=telemetry.tracers)
        OpenAIInstrumentor().instrument(tracer_provider=telemetry.tracers)
        use(face)
    assert len(telemetry.spans) == 1


@both_faces
def test_on_off_on_is_once(face: Face, telemetry: Telemetry) -> None:
    """Whatever was switched off and on before, a call makes one span; off, it makes none."""
    for _ in range(3):
        with telemetry.on():
            pass
    with telemetry.on():
        use(face)
    use(face)
    assert len(telemetry.started) == len(telemetry.spans) == 1


def test_the_classes_are_restored(telemetry: Telemetry) -> None:
    """Both client classes are, attribute by attribute, what they were."""
    before = [dict(vars(cls)) for cls in (openai.OpenAI, openai.AsyncOpenAI)]
    with telemetry.on():
        assert dict(vars(openai.OpenAI)) != before[0]
    assert [dict(vars(cls)) for cls in (openai.OpenAI, openai.AsyncOpenAI)] == before


@both_faces
@over(*ALL)
def test_off_takes_effect_at_once(face: Face, api: Api, telemetry: Telemetry) -> None:
    """Clients, raw wrappers and bound methods that were made before make no spans any more."""

    async def scenario() -> None:
        async with face.client(Transport(api.answers)) as client:
            resource = door(client, api.resource)
            kept = [getattr(resource, api.verb), getattr(resource.with_raw_response, api.verb)]
            for method in kept:
                await face.done(method(**api.ask))
            instrumentor.uninstrument()
            for method in kept:
                await face.done(method(**api.ask))
            await face.done(api.by_hand(client))
            await face.done(api.whole(client))

    with telemetry.on() as instrumentor:
        face.run(scenario())
        assert len(telemetry.started) == 2


@both_faces
@over(*ALL)
def test_a_bound_method_that_was_kept(face: Face, api: Api, telemetry: Telemetry) -> None:
    """Even the wrapped method itself, kept by somebody, is silent after the end."""

    async def scenario() -> None:
        async with face.client(Transport(api.answers)) as client:
            client.request = client.request
            await face.done(api.by_hand(client))
            instrumentor.uninstrument()
            await face.done(api.by_hand(client))

    with telemetry.on() as instrumentor:
        face.run(scenario())
    assert len(telemetry.started) == 1


@both_faces
@over(*STREAMED)
def test_an_open_stream_ends_after_the_end(face: Face, api: Api, telemetry: Telemetry) -> None:
    """A stream that is open when the instrumentation is taken out still ends its span."""

    async def scenario() -> None:
        async with face.client(Transport(api.calling)) as client:
            stream = await face.done(api.stream(client))
            await face.next(stream)
            instrumentor.uninstrument()
            await face.read(stream)

    with telemetry.on() as instrumentor:
        face.run(scenario())
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


def test_somebody_else_has_wrapped_us(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrapper that was put around ours survives, and ours is silent inside it."""
    with telemetry.on():
        ours, seen = openai.OpenAI.request, []

        def theirs(self: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(1)
            return ours(self, *args, **kwargs)

        monkeypatch.setattr(openai.OpenAI, "request", theirs)
    assert openai.OpenAI.request is theirs
    use(SYNC)
    assert (len(seen), telemetry.started) == (1, [])
    monkeypatch.undo()
    del openai.OpenAI.request
    use(SYNC)


@both_faces
@over(*ALL)
def test_suppression(face: Face, api: Api, telemetry: Telemetry) -> None:
    """Inside `suppress_instrumentation()` nothing is recorded, and the result is the same."""
    bare = use(face, api)
    with telemetry.on(), suppress_instrumentation():
        assert use(face, api).result == bare.result
    assert (telemetry.started, telemetry.metrics(), telemetry.records) == ([], [], [])


def test_the_entry_point_loads() -> None:
    """`opentelemetry-instrument` finds the instrumentor and its dependency, which is met."""
    (found,) = entry_points(group="opentelemetry_instrumentor", name="toolspan")
    assert found.load() is OpenAIInstrumentor
    assert OpenAIInstrumentor().instrumentation_dependencies() == ("openai >= 1.26.0",)
    OpenAIInstrumentor().instrument(raise_exception_on_conflict=True)
    OpenAIInstrumentor().uninstrument()


@pytest.mark.parametrize("module", ["openai", "httpx", "httpx2", "opentelemetry.sdk", "pydantic"])
def test_importing_us_imports_little(module: str) -> None:
    """`import toolspan` loads neither the SDK nor an HTTP client nor the telemetry SDK."""
    program = f"import sys, toolspan; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


def test_nothing_is_said_in_passing(telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    """Switching on, using and switching off log nothing, but what an old SDK lacks and an unknown price."""
    caplog.set_level(logging.DEBUG, logger="toolspan")
    caplog.set_level(logging.DEBUG, logger="opentelemetry")
    with telemetry.on():
        use(SYNC)
    said = [one for one in caplog.records if one.name.startswith(("toolspan", "opentelemetry"))]
    (record,) = [one for one in said if not one.getMessage().startswith(OLD_SDK)]
    assert record.levelno == logging.DEBUG
    assert record.getMessage().startswith("toolspan: no cost for model 'gpt-test")


def test_an_sdk_that_cannot_be_instrumented(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, guarded: None
) -> None:
    """A version of the SDK without the parts we stand on is left alone, with one warning and no error."""
    monkeypatch.setattr("toolspan.sdk.patch.Patch.install", lambda self: 1 / 0)
    with Telemetry().on():
        pass
    assert [record.levelname for record in caplog.records if record.name == "toolspan"] == ["WARNING"]
