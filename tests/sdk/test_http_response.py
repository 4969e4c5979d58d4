"""The ear at a response's close does not stand in anybody's way."""

from __future__ import annotations

import pickle
from typing import Any
from unittest import mock

import openai
import pytest

from .apis import ALL, STREAMED, Api
from .params import each, over
from .script import Transport
from .sdk import SYNC, http
from .telemetry import Telemetry


@over(*STREAMED)
def test_a_response_can_still_be_pickled(api: Api, telemetry: Telemetry) -> None:
    """Caches pickle responses; the copy's `close` works too."""

    async def scenario() -> None:
        async with SYNC.client(Transport(api.calling)) as client:
            stream = await SYNC.done(api.stream(client))
            await SYNC.read(stream)
            pickle.loads(pickle.dumps(stream.response)).close()

    with telemetry.on():
        SYNC.run(scenario())
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "completed"


@over(*STREAMED)
def test_a_close_on_the_object_itself_is_called(api: Api, telemetry: Telemetry) -> None:
    """Somebody else has put a `close` on the response itself: it is called, with the span ended before."""
    heard = mock.Mock()

    def respond(request: Any) -> Any:
        response = http.Response(200, headers={"content-type": "text/event-stream"}, content=b"")
        response.close = heard
        return response

    client = openai.OpenAI(api_key="x", http_client=http.Client(transport=http.MockTransport(respond)))
    with telemetry.on():
        api.stream(client).close()
    assert heard.called
    assert telemetry.span.attributes["toolspan.stream.outcome"] == "closed"


@pytest.mark.parametrize("result", [None, "text", 5, mock.MagicMock()], ids=["none", "text", "int", "mock"])
@each(
    ("api", "ask"),
    [*((api, Api.stream) for api in STREAMED), *((api, Api.whole) for api in ALL)],
)
def test_a_result_of_an_unknown_kind_is_handed_on(
    result: Any, api: Api, ask: Any, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An application that replaces parts of the SDK in its own tests gets what it put there."""
    monkeypatch.setattr(openai.OpenAI, "_process_response", lambda self, **options: result)
    client = openai.OpenAI(
        api_key="x",
        http_client=http.Client(transport=http.MockTransport(lambda _: http.Response(200, json={}))),
    )
    with telemetry.on():
        assert ask(api, client) is result
    assert telemetry.span
