"""The application cannot tell that it is watched: the other doors of the SDK, and those that are not ours."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from . import script, wire
from .observe import same
from .sdk import KEY, SYNC, Face, both_faces
from .telemetry import Telemetry
from .wire import ASK


class City(BaseModel):
    """What the model is asked for in some scenarios."""

    name: str


JSON_ANSWER = script.whole(wire.answer('{"name": "Bern"}'))
CALL_ANSWER = script.whole(wire.answer(None, calls=[("City", '{"name": "Bern"}')], reason="tool_calls"))
CUT_ANSWER = script.whole(wire.answer('{"na', reason="length"))
JSON_STREAM = script.stream(wire.text('{"name":'), wire.text(' "Bern"}'), wire.chunk(None, "stop"), wire.DONE)


def door(path: str) -> Callable[[Any], Any]:
    """Finds a method of the client; the test is skipped where this version of the SDK has none."""

    def find(client: Any) -> Any:
        try:
            return operator.attrgetter(path)(client)
        except AttributeError:
            pytest.skip(f"this SDK has no {path}")

    return find


PREFIXES = ("", "beta.")


@both_faces
@pytest.mark.parametrize("prefix", PREFIXES, ids=["plain", "beta"])
@pytest.mark.parametrize(
    "answer",
    [JSON_ANSWER, CALL_ANSWER, CUT_ANSWER, script.whole(b"{", status=500)],
    ids=["json", "call", "cut", "500"],
)
def test_parse_is_the_same(face: Face, prefix: str, answer: Any, telemetry: Telemetry) -> None:
    """`parse()` gives the same parsed message, or raises the same error; one span."""
    find = door(f"{prefix}chat.completions.parse")

    async def scenario(face: Face, client: Any) -> Any:
        tools = [openai.pydantic_function_tool(City)]
        return await face.done(find(client)(response_format=City, tools=tools, **ASK))

    same(face, scenario, lambda: [answer], telemetry)
    assert telemetry.span.name == "chat gpt-test"


@both_faces
@pytest.mark.parametrize("prefix", PREFIXES, ids=["plain", "beta"])
@pytest.mark.parametrize("how", ["loop", "break", "final", "error", "unread"])
@pytest.mark.parametrize("answer", [JSON_STREAM, script.CALLS], ids=["json", "calls"])
def test_the_stream_helper_is_the_same(
    face: Face, prefix: str, how: str, answer: Any, telemetry: Telemetry
) -> None:
    """`stream()` hands out the same events and the same final completion; one span."""
    find = door(f"{prefix}chat.completions.stream")

    async def scenario(face: Face, client: Any) -> Any:
        async with face.within(find(client)(**ASK)) as stream:
            found = await _use(face, stream, how)
            await face.turn()
        return type(stream), dir(stream), found

    same(face, scenario, lambda: [answer], telemetry)
    assert telemetry.span.name == "chat gpt-test"


async def _use(face: Face, stream: Any, how: str) -> Any:
    if how == "loop":
        return await face.read(stream), await face.done(stream.get_final_completion())
    if how == "break":
        return await face.take(stream, 2)
    if how == "final":
        return await face.done(stream.get_final_completion())
    if how == "error":
        await face.next(stream)
        raise LookupError("the application's own")
    return None


@both_faces
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_azure_is_the_same(face: Face, streamed: bool, telemetry: Telemetry) -> None:
    """Azure's clients, which rewrite path and headers, send the same request and give the same answer."""

    async def scenario(face: Face, client: Any) -> Any:
        options = {"stream": True} if streamed else {}
        made = await face.done(client.chat.completions.create(**ASK, **options))
        return await face.read(made) if streamed else made

    options = {"azure_endpoint": "http://my.openai.azure.com", "api_version": "2024-10-21", "api_key": KEY}
    answer = script.CALLS if streamed else script.ANSWER
    sight = same(face, scenario, lambda: [answer], telemetry, cls=face.azure_class, **options)
    assert "/openai/deployments/gpt-test/chat/completions" in str(sight.requests)
    assert telemetry.span.attributes["gen_ai.provider.name"] == "azure.ai.openai"


@both_faces
def test_posting_by_hand_is_the_same(face: Face, telemetry: Telemetry) -> None:
    """`client.post()` to the path gives whatever type was asked for; one span."""

    async def scenario(face: Face, client: Any) -> Any:
        return await face.done(client.post("/chat/completions", cast_to=object, body=dict(ASK)))

    same(face, scenario, lambda: [script.ANSWER], telemetry)
    assert telemetry.span.attributes["gen_ai.usage.input_tokens"] == 11


def test_the_module_level_client_is_the_same(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """`openai.chat.completions.create()` goes through the same seam."""

    async def scenario(face: Face, client: Any) -> Any:
        monkeypatch.setattr(openai, "_client", client)
        return openai.chat.completions.create(**ASK)

    assert len(same(SYNC, scenario, lambda: [script.ANSWER], telemetry).requests) == 1
    assert telemetry.span.name == "chat gpt-test"


PAGE = script.whole(
    {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "o"}]}
)
VECTORS = script.whole(
    {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "model": "e"}
)


async def list_models(face: Face, client: Any) -> Any:
    return (await face.done(client.models.list())).data


async def page_through_models(face: Face, client: Any) -> Any:
    return await face.read(client.models.list())


async def embed(face: Face, client: Any) -> Any:
    return await face.done(client.embeddings.create(model="e", input="x", encoding_format="float"))


async def get_a_model(face: Face, client: Any) -> Any:
    return await face.done(client.get("/chat/completions", cast_to=object))


@both_faces
@pytest.mark.parametrize(
    ("scenario", "answer"),
    [(list_models, PAGE), (page_through_models, PAGE), (embed, VECTORS), (get_a_model, PAGE)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_other_endpoints_are_left_alone(face: Face, scenario: Any, answer: Any, telemetry: Telemetry) -> None:
    """What is no chat completion works as before, pagination among it, and makes no span."""
    if scenario is page_through_models and face.name == "sync":
        scenario = list_models
    same(face, scenario, lambda: [answer], telemetry)
    assert telemetry.started == []
