"""Streams that die in a garbage collection: the SDK's generator still closes its body, without an error."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import openai
import pytest

from . import wire
from .apis import STREAMED, Api
from .bodies import Body, answering
from .params import over
from .sdk import http
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("unraisable")


def drop_sync(api: Api, raw: bool) -> bool:
    """Read a stream half and drop it; whether a collection then closes the body."""
    body = Body(map(wire.sse, api.text))
    client = openai.OpenAI(
        api_key="x", http_client=http.Client(transport=answering(body, "text/event-stream"))
    )
    found = api.raw(client, stream=True) if raw else api.stream(client)
    stream = found.parse() if raw else found
    next(stream)
    del stream, found
    gc.collect()
    return body.closed


def drop_async(api: Api, raw: bool) -> bool:
    """The same, where the closing is left to the event loop."""
    body = Body(map(wire.sse, api.text))

    async def main() -> None:
        client = openai.AsyncOpenAI(
            api_key="x", http_client=http.AsyncClient(transport=answering(body, "text/event-stream"))
        )
        found = await (api.raw(client, stream=True) if raw else api.stream(client))
        stream = found.parse() if raw else found
        await anext(stream)
        del stream, found
        gc.collect()
        await asyncio.sleep(0)
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(main())
    return body.closed


@over(*STREAMED)
@pytest.mark.parametrize("raw", [False, True], ids=["stream", "raw"])
@pytest.mark.parametrize("drop", [drop_sync, drop_async], ids=["sync", "async"])
def test_the_body_is_closed_as_ever(
    drop: Callable[[Api, bool], bool],
    raw: bool,
    api: Api,
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A stream that was read half and dropped: its body is closed exactly when the bare SDK closes it."""
    bare = drop(api, raw)
    with telemetry.on():
        assert drop(api, raw) == bare
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "abandoned"
    assert "unhandled exception" not in caplog.text
