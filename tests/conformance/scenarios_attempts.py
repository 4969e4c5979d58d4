"""Scenarios in which something is tried again, by SDK or application; must not know what is told of it."""

from __future__ import annotations

from typing import Any

from ..sdk import script, wire
from ..sdk.sdk import http
from ..wire.response_shapes import response
from ..wire.test_embeddings import answer
from .scenario import Ask, Scenario, read
from .scenarios_others import embed, fetch
from .scenarios_responses import HELLO

SOON = {"retry-after-ms": "1"}
LIMITS = {
    "x-request-id": "req_1",
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "59",
    "x-ratelimit-reset-requests": "1s",
    "x-ratelimit-limit-tokens": "150000",
    "x-ratelimit-remaining-tokens": "149984",
    "x-ratelimit-reset-tokens": "6m0s",
}
_ERROR = {"error": {"message": "Slow down.", "type": "requests", "code": "rate_limit_exceeded"}}
BUSY = script.whole(_ERROR, status=429, headers={**LIMITS, **SOON})
BROKEN = script.whole(_ERROR, status=500, headers=SOON)


def again(client: Any, ask: Ask) -> None:
    """Ask a second time where the first one failed."""
    for _ in range(2):
        read(client, ask)


def embed_again(client: Any, ask: Ask) -> None:
    """The same for embeddings."""
    for _ in range(2):
        embed(client, ask)


def _plain(body: Any) -> Any:
    return script.whole(body, headers=LIMITS)


CASES: dict[str, Scenario] = {
    "tried again": Scenario(_plain(wire.answer()), before=(BUSY, BROKEN)),
    "tried again, streamed": Scenario(script.CALLS, {"stream": True}, before=(BUSY, BROKEN)),
    "tried in vain": Scenario(BUSY, before=(BUSY, BROKEN)),
    "no connection in the end": Scenario(http.ConnectError("nobody there"), before=(BUSY,)),
    "embeddings, tried again": Scenario(
        _plain(answer([0.5])),
        {},
        embed,
        always={"model": "e-test", "input": ["Bern", "Oslo"]},
        operation="embeddings",
        before=(BUSY,),
    ),
    "fetched, tried again": Scenario(
        _plain(response(HELLO)),
        {},
        fetch,
        always={"response_id": "resp_1"},
        operation="fetch_response",
        method="responses.retrieve",
        before=(BUSY,),
    ),
}
"""Those in which the SDK tries again, by name."""

AGAIN: dict[str, Scenario] = {
    "asked again": Scenario(script.ANSWER, act=again, first=(BUSY,)),
    "asked again in vain": Scenario(BUSY, {"stream": True}, act=again, first=(BROKEN,)),
    "embeddings asked again": Scenario(
        _plain(answer([0.5])),
        {},
        embed_again,
        always={"model": "e-test", "input": "Bern"},
        operation="embeddings",
        first=(BUSY,),
    ),
}
"""Those in which the application asks again, by name: two spans each."""
