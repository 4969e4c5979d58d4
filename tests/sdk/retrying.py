"""What the tests of retries share: a server that fails in several ways, an SDK that does not really wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from openai import _base_client

from . import script
from .apis import EMBEDDINGS, Api
from .sdk import Face, http

FLOATS = replace(EMBEDDINGS, ask={**EMBEDDINGS.ask, "encoding_format": "float"})
"""Embeddings for which no SDK needs numpy."""
LIMITS = {"x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-tokens": "6m0s", "x-secret": "hidden"}
BUSY = script.whole(
    {"error": {"message": "Slow down."}},
    status=429,
    headers={"retry-after-ms": "1500", "x-request-id": "req_busy", "x-ratelimit-remaining-requests": "0"},
)
BROKEN = script.whole({"error": {"message": "Oh."}}, status=500, headers={"x-request-id": "req_broken"})
GONE = http.ReadError("gone")
LATE = http.ReadTimeout("too late")
CAUSES = [("429", 429), ("500", 500), (f"{http.__name__}.ReadError", None)]
"""Of the three failures, `error.type` and status."""


@dataclass
class Waits:
    """How long the SDK would have waited each time; what to do instead."""

    seconds: list[float] = field(default_factory=list)
    instead: Callable[[], None] = lambda: None

    def wait(self, seconds: float) -> None:
        """Stands for `time.sleep`."""
        self.seconds.append(seconds)
        self.instead()

    async def wait_async(self, seconds: float) -> None:
        """Stands for `anyio.sleep`."""
        self.wait(seconds)


@pytest.fixture(name="waits")
def _waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    """The SDK does not wait, and its waits are not random."""
    found = Waits()
    monkeypatch.setattr(_base_client.time, "sleep", found.wait)
    monkeypatch.setattr(_base_client.anyio, "sleep", found.wait_async)
    monkeypatch.setattr(_base_client, "random", lambda: 0.5)
    return found


def good(api: Api, *, streamed: bool) -> Callable[[], Any]:
    """The answer in the end, with headers to tell of and one not to."""
    made = api.calling if streamed else api.answers

    def answer() -> Any:
        response = made()
        response.headers.update(LIMITS)
        return response

    return answer


async def whole(face: Face, client: Any, api: Api) -> Any:
    """Ask for a whole answer."""
    return await face.done(api.whole(client))


async def streamed(face: Face, client: Any, api: Api) -> Any:
    """Ask for a stream and read it."""
    return await face.read(await face.done(api.stream(client)))


async def raw(face: Face, client: Any, api: Api) -> Any:
    """Ask for a raw response; newer SDKs say how often they tried."""
    response = await face.done(api.raw(client))
    return dict(response.headers), getattr(response, "retries_taken", None), response.text


async def late(face: Face, client: Any, api: Api) -> Any:
    """Ask for a response that is read later."""
    async with face.within(api.late(client)) as response:
        return await face.done(response.json())
