"""Failures in following the SDK's attempts cost telemetry, no answer and no retry, and are logged once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from toolspan.agent_loop import repeated_requests
from toolspan.agent_loop.repeated_requests import FailedAttempts
from toolspan.otel import attributes, span
from toolspan.sdk import retries
from toolspan.wire import headers as header_facts
from toolspan.wire import request

from .api import Api
from .apis import CHAT, FLOATS, RESPONSES
from .faults import broken, said_once
from .observe import watch
from .params import each
from .script import Transport
from .sdk import Face, both_faces
from .telemetry import Telemetry
from .test_retries import BUSY, GONE, Waits, _waits, good  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("guarded")


@dataclass(frozen=True)
class Part:
    """A part that is broken, and the telemetry that remains."""

    owner: Any
    name: str
    told: tuple[str, ...] = ("retries", "ids", "attempts")
    spans: int = 6
    """How many there are of six."""

    @property
    def label(self) -> str:
        """What a test over it is called."""
        return f"{self.owner.__name__.rpartition('.')[2]}.{self.name}"


PARTS = (
    Part(retries.Attempts, "install", ("attempts",)),
    Part(retries, "_before_a_wait", ("ids", "attempts")),
    Part(retries, "_waits", ("ids", "attempts")),
    Part(retries, "class_name", ("ids", "attempts")),
    Part(retries, "Retried", ("ids", "attempts")),
    Part(retries, "see", ("retries", "attempts")),
    Part(retries, "failed"),
    Part(repeated_requests, "fingerprint", ("retries", "ids")),
    Part(repeated_requests, "RequestKey", ("retries", "ids")),
    Part(repeated_requests, "FailedAttempt", ("retries", "ids")),
    Part(repeated_requests, "current_task", ("retries", "ids")),
    Part(FailedAttempts, "recall", ("retries", "ids")),
    Part(FailedAttempts, "leave", ("retries", "ids")),
    Part(span, "Link", ("retries", "ids"), spans=4),
    Part(attributes, "_head", ("retries", "attempts")),
    Part(attributes, "read_head", ("retries", "attempts")),
    Part(header_facts, "wait_of", ("retries", "attempts")),
    Part(request, "digest", ("retries", "ids")),
    Part(request, "take_messages", (), spans=0),
)
"""A part that fails costs only what it makes itself, and its method of the sink what comes after it."""


async def use(face: Face, client: Any, api: Api) -> list[Any]:
    """A request that is tried again, one that is so in vain, and the same once more."""
    found: list[Any] = []
    for _ in range(3):
        try:
            found.append(await face.done(api.whole(client)))
        except Exception as error:
            found.append(error)
    return found


def transport(api: Api) -> Transport:
    """The answers of the scenario."""
    return Transport(BUSY, GONE, good(api, streamed=False), BUSY, GONE, BUSY, good(api, streamed=False))


def told(telemetry: Telemetry) -> set[str]:
    """Return the telemetry that is complete for two runs of the scenario."""
    spans = telemetry.spans
    found = {
        "retries": len([event for each in spans for event in each.events if "retry" in event.name]) == 8,
        "ids": all("toolspan.request.id" in each.attributes for each in spans) and bool(spans),
        "attempts": [each.attributes.get("toolspan.request.attempt") for each in spans]
        == [None, None, 2] * 2,
    }
    return {name for name, whole in found.items() if whole}


def _cases() -> Iterator[tuple[Api, Part]]:
    for part in PARTS:
        if part.name == "digest":
            yield FLOATS, part
        elif part.name == "take_messages":
            yield CHAT, part
        else:
            yield from ((CHAT, part), (RESPONSES, part))


@both_faces
@each(("api", "part"), _cases())
def test_a_failure_in_following_retries_costs_no_answer(
    face: Face,
    api: Api,
    part: Part,
    telemetry: Telemetry,
    waits: Waits,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The application gets the same after as many attempts, and no warning comes twice."""

    async def scenario(face: Face, client: Any) -> Any:
        return await use(face, client, api)

    bare = watch(face, scenario, transport(api), max_retries=2)
    monkeypatch.setattr(part.owner, part.name, broken)
    caplog.clear()
    with telemetry.on():
        for _ in range(2):
            assert watch(face, scenario, transport(api), max_retries=2) == bare
    warned = [each for each in caplog.records if each.name == "toolspan" and each.levelno > logging.DEBUG]
    said_once(warned)
    assert len(telemetry.started) == len(telemetry.spans) == part.spans
    assert told(telemetry) == set(part.told)
