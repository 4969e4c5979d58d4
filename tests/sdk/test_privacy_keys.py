"""The API key is not recorded in any capture mode, even where a server quotes it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from . import script
from .api import Api
from .apis import CHAT, EMBEDDINGS, STREAMED
from .observe import watch
from .params import crossed
from .script import Transport
from .sdk import SYNC, Face, both_faces, http
from .telemetry import Telemetry
from .test_privacy import MODES, everything

KEY = "sk-proj-THE-SECRET-KEY"
QUOTED = f"Incorrect API key provided: {KEY}. It is wrong."

ANSWERS: dict[str, Any] = {
    "401": script.whole({"error": {"message": QUOTED, "code": "invalid_api_key"}}, status=401),
    "401-text": script.whole(QUOTED.encode(), status=401),
    "in-stream": script.stream({}, {"error": {"message": QUOTED}}),
    "event": script.stream({}, {"type": "error", "message": QUOTED, "code": KEY}),
    "transport": http.ConnectError(f"cannot reach http://user:{KEY}@host/?key={KEY}"),
    "fine": script.TEXT,
}
CLIENTS: dict[str, dict[str, Any]] = {
    "key": {"api_key": KEY},
    "user-info": {"base_url": f"http://user:{KEY}@api.test/v1"},
    "query": {"base_url": f"http://api.test/v1?key={KEY}"},
    "header": {"default_headers": {"Authorization": f"Bearer {KEY}"}},
    "default-query": {"default_query": {"key": KEY}},
}


async def ask(face: Face, client: Any, api: Api = CHAT) -> Any:
    """A stream, read to its end; or a whole answer."""
    if api is EMBEDDINGS:
        return await face.done(api.whole(client))
    return await face.read(await face.done(api.stream(client)))


def _crossed() -> Iterator[tuple[Api, str]]:
    """Every mode for one API, the one that tells most for the others."""
    for api in (*STREAMED, EMBEDDINGS):
        for mode in MODES if api is CHAT else MODES[-1:]:
            yield api, mode


@both_faces
@crossed(("api", "mode"), _crossed())
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_key_quoted_in_an_error_is_not_recorded(
    face: Face, api: Api, answer: str, mode: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A key that a server or a transport quotes is neither recorded nor logged."""
    caplog.set_level(logging.DEBUG, logger="toolspan")
    with telemetry.on(capture_message_content=mode):
        watch(face, partial(ask, api=api), Transport(ANSWERS[answer]), api_key=KEY)
    assert len(telemetry.spans) == 1
    assert KEY not in everything(telemetry)
    assert KEY not in "".join(record.getMessage() for record in caplog.records if record.name == "toolspan")


@both_faces
@pytest.mark.parametrize("mode", ["NO_CONTENT", "SPAN_AND_EVENT"])
@pytest.mark.parametrize("given", CLIENTS)
@pytest.mark.parametrize("answer", ["fine", "401"])
def test_a_key_in_url_headers_or_query_is_not_recorded(
    face: Face, answer: str, given: str, mode: str, telemetry: Telemetry
) -> None:
    """A key in the base URL, in headers or in the query leaves only host and port on the span."""
    with telemetry.on(capture_message_content=mode):
        watch(face, ask, Transport(ANSWERS[answer]), **CLIENTS[given])
    assert telemetry.span.attributes["server.address"] == "api.test"
    assert KEY not in everything(telemetry)


SHORT: dict[str, dict[str, Any]] = {
    "key": {"api_key": "EMPTY"},
    "letter": {"api_key": "x"},
    "user-info": {"base_url": "http://user:model@api.test/v1"},
    "header": {"api_key": "ollama", "default_headers": {"Api-Key": "EMPTY"}},
}


@pytest.mark.parametrize("given", SHORT)
def test_a_word_that_is_also_a_short_key_stays(given: str, telemetry: Telemetry) -> None:
    """Keys of less than eight characters, which servers without keys get, hide no words of errors."""
    words = "EMPTY messages: the model of ollama expects texts"
    answer = script.whole({"error": {"message": words}}, status=400)
    with telemetry.on(capture_message_content="SPAN_ONLY"):
        watch(SYNC, ask, Transport(answer), **SHORT[given])
    assert words in str(telemetry.span.status.description)


AZURE: dict[str, dict[str, Any]] = {
    "key": {"api_key": KEY},
    "token": {"azure_ad_token": KEY},
    "provider": {"azure_ad_token_provider": lambda: KEY},
}


@both_faces
@pytest.mark.parametrize("mode", ["NO_CONTENT", "SPAN_AND_EVENT"])
@pytest.mark.parametrize("given", AZURE)
def test_azure_keys_and_tokens_are_not_recorded(
    face: Face, given: str, mode: str, telemetry: Telemetry
) -> None:
    """Azure's keys and tokens, also those of a token provider, are not recorded."""
    options = {"azure_endpoint": "http://my.openai.azure.com", "api_version": "2024-10-21", **AZURE[given]}
    with telemetry.on(capture_message_content=mode):
        watch(face, ask, Transport(ANSWERS["401"]), cls=face.azure_class, **options)
    assert telemetry.span.attributes["error.type"] == "openai.AuthenticationError"
    assert KEY not in everything(telemetry)
