"""The kinds of WebSocket connections over which the same tests run, and how a test uses one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from . import wire_realtime, wire_responses
from .connection import Door
from .sdk import FACES, Face


async def until(face: Face, connection: Any, *kinds: str) -> list[Any]:
    """Receive until an event of one of these types came; all of them are returned."""
    found = []
    while not found or found[-1].type not in kinds:
        found.append(await face.done(connection.recv()))
    return found


RESPONSES = Door(
    "responses",
    "responses.connect",
    "openai.resources.responses.responses",
    "ResponsesConnection",
    body={"model": "gpt-test", "input": "What now?"},
    text=wire_responses.TEXT,
    calls=wire_responses.CALLS,
)
BETA_RESPONSES = replace(
    RESPONSES,
    name="beta-responses",
    path="beta.responses.connect",
    module="openai.resources.beta.responses.responses",
)
REALTIME = Door(
    "realtime",
    "realtime.connect",
    "openai.resources.realtime.realtime",
    "RealtimeConnection",
    given={"model": "gpt-test"},
    text=wire_realtime.TEXT,
    calls=wire_realtime.CALLS,
    greeting=(wire_realtime.session("created"),),
    last="response.done",
    model="gpt-realtime-2026",
)
BETA_REALTIME = replace(
    REALTIME,
    name="beta-realtime",
    path="beta.realtime.connect",
    module="openai.resources.beta.realtime.realtime",
)
DOORS = (RESPONSES, BETA_RESPONSES, REALTIME, BETA_REALTIME)


as_the_sdk_does = pytest.mark.filterwarnings(r"ignore:connect\(\) must be used as a context manager")
"""The SDK calls `websockets` in a way that is deprecated since websockets 17.1."""


def through(*doors: Door, faces: Iterable[Face] = FACES) -> Any:
    """Run a test with each of these kinds and each face; kinds that the SDK lacks are skipped."""
    return pytest.mark.parametrize(
        ("face", "door"),
        [
            pytest.param(
                face,
                one,
                id=f"{face.name}-{one.name}",
                marks=[
                    pytest.mark.skipif(not one.there, reason=f"this SDK has no {one.path}"),
                    as_the_sdk_does,
                ],
            )
            for one in doors
            for face in faces
        ],
    )


every_door = through(*DOORS)
