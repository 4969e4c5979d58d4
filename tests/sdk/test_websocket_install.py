"""How the wrappers come into the classes of connections, imported by the application, and how they go."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from toolspan import OpenAIInstrumentor

from .sdk import Face
from .socket_doors import DOORS, Door, every_door, through, until
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("unraisable")
METHODS = ("send", "send_raw", "recv", "recv_bytes", "close", "__enter__", "__aenter__", "enter")


def members(door: Door) -> list[dict[str, int]]:
    """What the classes of a door have of their own, by identity: a wrapper is equal to what it wraps."""
    return [{name: id(vars(one)[name]) for name in METHODS if name in vars(one)} for one in door.classes()]


@through(*DOORS, faces=[Face()])
def test_the_originals_are_back(face: Face, door: Door, telemetry: Telemetry) -> None:
    """After uninstrumenting each class has what it had, or inherits what it inherited. Twice is once."""
    before = members(door)
    for _ in range(2):
        with telemetry.on() as instrumentor:
            once = members(door)
            assert once != before
            instrumentor.instrument(skip_dep_check=True)
            assert members(door) == once
        assert members(door) == before


@every_door
def test_instrumented_twice(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Instrumented, gone and instrumented again, a response has one span."""

    async def scenario() -> None:
        with door.server() as server:
            async with door.open(face, server) as connection:
                await face.done(door.ask(connection))
                await until(face, connection, door.last)

    with Telemetry().on():
        pass
    with telemetry.on() as instrumentor:
        instrumentor.instrument(skip_dep_check=True)
        face.run(scenario())
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


@every_door
def test_suppressed(face: Face, door: Door, telemetry: Telemetry) -> None:
    """Where instrumentation is suppressed a response has no span; the next one has."""

    async def scenario() -> None:
        with door.server() as server:
            async with door.open(face, server) as connection:
                with suppress_instrumentation():
                    await face.done(door.ask(connection))
                await until(face, connection, door.last)
                assert telemetry.started == []
                await face.done(door.ask(connection))
                await until(face, connection, door.last)

    with telemetry.on():
        face.run(scenario())
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


SCRIPT = """
import sys
from toolspan import OpenAIInstrumentor
import openai
doors = [name for name in {doors!r} if name not in sys.modules]
OpenAIInstrumentor().instrument()
print([name for name in doors if name in sys.modules])
import importlib
found = []
for name in doors:
    module = importlib.import_module(name)
    found += [
        type(vars(cls)["recv"]).__name__
        for key, cls in vars(module).items()
        if key.startswith(("Realtime", "AsyncRealtime", "Responses", "AsyncResponses"))
        and key.endswith("Connection")
        and "recv" in vars(cls)
    ]
print(len(found), set(found) - {{"FunctionWrapper", "BoundFunctionWrapper"}})
"""


def test_classes_that_are_imported_later() -> None:
    """Instrumenting imports none of the SDK's modules; they are wrapped when the application imports them."""
    script = SCRIPT.format(doors=[door.module for door in DOORS if door.there])
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[0] == "[]"
    assert done.stdout.splitlines()[1].endswith("set()")
    assert done.stderr == ""


@pytest.mark.skipif(not any(door.there for door in DOORS), reason="this SDK has no connections")
def test_sdk_without_a_door(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Classes or methods that an SDK has not are not traced, and nobody is warned; the others are."""
    door = next(door for door in DOORS if door.there)
    connection, manager, *_ = door.classes()
    monkeypatch.delattr(sys.modules[door.module], connection.__name__)
    monkeypatch.delattr(manager, "send", raising=False)
    with telemetry.on():
        assert type(vars(connection)["recv"]).__name__ == "function"
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


@every_door
def test_nothing_is_kept(face: Face, door: Door, telemetry: Telemetry) -> None:
    """After its end the instrumentation, which is still on, holds neither the connection nor the client."""
    kept: list[weakref.ref[Any]] = []

    async def scenario() -> None:
        with door.server() as server:
            async with face.client(None, **server.addresses) as client:
                async with face.within(door.connect(client)) as connection:
                    await face.done(door.ask(connection))
                    found = await until(face, connection, door.last)
                kept.extend(map(weakref.ref, (client, connection, found[-1])))

    with telemetry.on():
        face.run(scenario())
        gc.collect()  # the connection, whose end lets go of
        gc.collect()  # the client; both are circles of the SDK's own
        assert [one() for one in kept] == [None, None, None]
    assert not OpenAIInstrumentor().is_instrumented_by_opentelemetry
