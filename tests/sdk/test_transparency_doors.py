"""The SDK's other clients and methods give the same with and without instrumentation."""

from __future__ import annotations

from functools import partial
from typing import Any

import openai
import pytest

from . import script, wire_others, wire_responses
from .api import Api
from .apis import ALL, CHAT, EMBEDDINGS, FETCHED, RESPONSES, STREAMED
from .features import needs
from .observe import same
from .params import crossed, over
from .sdk import KEY, SYNC, Face, both_faces
from .telemetry import Telemetry

AZURE = {"azure_endpoint": "http://my.openai.azure.com", "api_version": "2024-10-21", "api_key": KEY}


async def ask(face: Face, client: Any, api: Api, **more: Any) -> Any:
    """A whole answer."""
    return await face.done(api.whole(client, **more))


async def read(face: Face, client: Any, api: Api, **more: Any) -> Any:
    """A stream, read to its end."""
    return await face.read(await face.done(api.stream(client, **more)))


@both_faces
@crossed(("api", "scenario"), [*((api, ask) for api in ALL), *((api, read) for api in STREAMED)])
def test_azure_clients_send_the_same_requests(
    face: Face, api: Api, scenario: Any, telemetry: Telemetry
) -> None:
    """Azure's clients, which rewrite path and headers, send the same request and give the same answer."""
    answer = api.answers if scenario is ask else api.calling
    sight = same(face, partial(scenario, api=api), lambda: [answer], telemetry, cls=face.azure_class, **AZURE)
    if api is CHAT:
        assert "/openai/deployments/gpt-test/chat/completions" in str(sight.requests)
    assert telemetry.span.attributes["gen_ai.provider.name"] == "azure.ai.openai"


@both_faces
@over(*ALL)
def test_post_and_get_by_hand_give_the_same(face: Face, api: Api, telemetry: Telemetry) -> None:
    """`client.post()` and `client.get()` give the same, and make one span."""

    async def scenario(face: Face, client: Any) -> Any:
        return await face.done(api.by_hand(client))

    same(face, scenario, lambda: [api.answers], telemetry)
    assert telemetry.span.name == api.span
    tokens = telemetry.span.attributes.get("gen_ai.usage.input_tokens")
    assert tokens == (None if api is FETCHED else 11)


@over(*ALL)
def test_the_module_level_client_gives_the_same(
    api: Api, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`openai.chat.completions.create()` and the like give the same, and make one span."""

    async def scenario(face: Face, client: Any) -> Any:
        monkeypatch.setattr(openai, "_client", client)
        return api.whole(openai)

    assert len(same(SYNC, scenario, lambda: [api.answers], telemetry).requests) == 1
    assert telemetry.span.name == api.span


BUSY = script.whole({}, status=429, headers={"retry-after-ms": "1"})


@both_faces
@crossed(("api", "scenario"), [*((api, ask) for api in ALL), *((api, read) for api in STREAMED)])
def test_retries_send_the_same_requests_in_one_span(
    face: Face, api: Api, scenario: Any, telemetry: Telemetry
) -> None:
    """The same requests are sent again, and there is one span for all of them."""
    answer = api.answers if scenario is ask else api.calling
    sight = same(face, partial(scenario, api=api), lambda: [BUSY, BUSY, answer], telemetry, max_retries=2)
    assert len(sight.requests) == 3
    assert telemetry.span.status.is_ok


_RESPONSE = wire_responses.response
VARIANTS: dict[str, tuple[Api, dict[str, Any], Any]] = {
    "background": (RESPONSES, {"background": True}, script.whole(_RESPONSE("queued"))),
    "background-stream": (
        RESPONSES,
        {"background": True, "stream": True},
        script.stream({"type": "response.queued", "response": _RESPONSE("queued")}, *wire_responses.TEXT),
    ),
    "in-progress": (FETCHED, {}, script.whole(_RESPONSE("in_progress"))),
    "failed": (FETCHED, {}, script.whole(_RESPONSE("failed", **wire_responses.FAILED))),
    "resumed": (FETCHED, {"stream": True, "starting_after": 4}, script.stream(*wire_responses.TEXT[5:])),
    "included": (FETCHED, {"include": ["message.output_text.logprobs"]}, script.whole(_RESPONSE())),
    "odd-id": (FETCHED, {"response_id": "a/b?c=d#e"}, script.whole(_RESPONSE())),
    "floats": (EMBEDDINGS, {"encoding_format": "float"}, script.whole(wire_others.EMBEDDINGS)),
    "tokens": (EMBEDDINGS, {"input": [[1, 2], [3]], "dimensions": 2}, script.whole(wire_others.EMBEDDINGS)),
    "no-vectors": (EMBEDDINGS, {}, script.whole({"object": "list", "data": [], "model": "e"})),
}


@both_faces
@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(name, marks=needs("openai._utils.path_template") if name == "odd-id" else ())
        for name in VARIANTS
    ],
)
def test_options_of_single_apis_give_the_same(face: Face, variant: str, telemetry: Telemetry) -> None:
    """Options that only some APIs have send the same request, and make one span."""
    api, options, answer = VARIANTS[variant]

    async def scenario(face: Face, client: Any) -> Any:
        made = await face.done(api.whole(client, **options))
        return await face.read(made) if "stream" in options else made

    same(face, scenario, lambda: [answer], telemetry)
    assert telemetry.span.name == api.span
