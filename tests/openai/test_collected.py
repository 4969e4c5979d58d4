"""Streams that die in a garbage collection: the SDK's generator still closes its body, without an error."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import openai
import pytest

from . import wire
from .bodies import Body, answering
from .sdk import http
from .telemetry import Telemetry
from .wire import ASK

pytestmark = pytest.mark.usefixtures("unraisable")


def drop_sync(raw: bool) -> bool:
    """Read a stream half and drop it; whether a collection then closes the body."""
    body = Body(map(wire.sse, wire.TEXT))
    client = openai.OpenAI(
        api_key="x", http_client=http.Client(transport=answering(body, "text/event-stream"))
    )
    create = client.chat.completions.with_raw_response.create if raw else client.chat.completions.create
    found = create(stream=True, **ASK)
    stream = found.parse() if raw else found
    next(stream)
    del stream, found
    gc.collect()
    return body.closed


def drop_async(raw: bool) -> bool:
    """The same, where the closing is left to the event loop."""
    body = Body(map(wire.sse, wire.TEXT))

    async def main() -> None:
        client = openai.AsyncOpenAI(
            api_key="x", http_client=http.AsyncClient(transport=answering(body, "text/event-stream"))
        )
        create = client.chat.completions.with_raw_response.create if raw else client.chat.completions.create
        found = await create(stream=True, **ASK)
        stream = found.parse() if raw else found
        await anext(stream)
        del stream, found
        gc.collect()
        await asyncio.sleep(0)
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(main())
    return body.closed


@pytest.mark.parametrize("raw", [False, True], ids=["stream", "raw"])
@pytest.mark.parametrize("drop", [drop_sync, drop_async], ids=["sync", "async"])
def test_the_body_is_closed_as_ever(
    drop: Callable[[bool], bool], raw: bool, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream that was read half and dropped: its body is closed exactly when the bare SDK closes it."""
    bare = drop(raw)
    with telemetry.on():
        assert drop(raw) == bare
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "abandoned"
    assert "unhandled exception" not in caplog.text
