"""The SDK's clients for other providers: their requests are seen like any other, under the provider's name.

It must not know how a provider is found.
"""

from __future__ import annotations

import importlib
from typing import Any

import openai
import pytest

from .features import needs
from .script import TEXT, Transport, whole
from .sdk import AsyncFace, Face, http
from .telemetry import Telemetry
from .wire import ASK

FACES = pytest.mark.parametrize("face", [Face(), AsyncFace()], ids=["sync", "async"])
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-test",
    "status": "completed",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
}
AZURE = {"azure_endpoint": "https://mine.openai.azure.com", "api_key": "key", "api_version": "2026-01-01"}
V1 = {"base_url": "https://mine.openai.azure.com/openai/v1/", "api_key": "key"}


def _name(face: Face, name: str) -> Any:
    found = getattr(openai, ("Async" if face.name == "async" else "") + name, None)
    return found or pytest.skip(f"this SDK has no {name}")


def channel(face: Face, answer: Any) -> Any:
    """An HTTP client of the face's colour over a scripted transport."""
    return face.http_class(transport=http.MockTransport(Transport(answer)))


def ask(face: Face, client: Any, telemetry: Telemetry) -> Any:
    """One request of this client; its span."""

    async def scenario() -> None:
        await face.done(client.responses.create(model="gpt-test", input="What now?"))
        await face.done(client.close())

    with telemetry.on():
        face.run(scenario())
    return telemetry.span


@FACES
@pytest.mark.parametrize("options", [AZURE, V1], ids=["classic", "v1"])
def test_azure(face: Face, options: dict[str, Any], telemetry: Telemetry) -> None:
    """Azure's classic client, which puts the deployment into the path, and its v1 API."""
    kind = _name(face, "AzureOpenAI") if "azure_endpoint" in options else face.client_class

    async def scenario() -> None:
        client = kind(http_client=channel(face, TEXT), **options)
        await face.read(await face.done(client.chat.completions.create(stream=True, **ASK)))
        await face.done(client.close())

    with telemetry.on():
        face.run(scenario())
    found = telemetry.span.attributes
    assert found["gen_ai.provider.name"] == "azure.ai.openai"
    assert (found["server.address"], found["server.port"]) == ("mine.openai.azure.com", 443)
    assert found["toolspan.stream.outcome"] == "completed"


@FACES
def test_azure_at_an_address_of_its_own(face: Face, telemetry: Telemetry) -> None:
    """Behind a gateway, the client's class says who answers."""

    async def scenario() -> None:
        client = _name(face, "AzureOpenAI")(
            http_client=channel(face, TEXT),
            azure_endpoint="https://gateway.example.com",
            api_key="key",
            api_version="2026-01-01",
        )
        await face.read(await face.done(client.chat.completions.create(stream=True, **ASK)))
        await face.done(client.close())

    with telemetry.on():
        face.run(scenario())
    assert telemetry.span.attributes["gen_ai.provider.name"] == "azure.ai.openai"
    assert telemetry.span.attributes["server.address"] == "gateway.example.com"


@FACES
def test_bedrock_client(face: Face, telemetry: Telemetry) -> None:
    """The client class for Amazon Bedrock."""
    client = _name(face, "BedrockOpenAI")(
        http_client=channel(face, whole(RESPONSE)), api_key="key", aws_region="eu-west-1"
    )
    span = ask(face, client, telemetry)
    assert span.attributes["gen_ai.provider.name"] == "aws.bedrock"
    assert span.attributes["server.address"] == "bedrock-mantle.eu-west-1.api.aws"
    assert span.attributes["gen_ai.usage.input_tokens"] == 3


@needs("openai.providers.bedrock:endpoint")
@FACES
@pytest.mark.parametrize("endpoint", ["mantle", "runtime"])
def test_bedrock_provider(face: Face, endpoint: str, telemetry: Telemetry) -> None:
    """The standard client, configured for Bedrock, at either of its endpoints."""
    provider = importlib.import_module("openai.providers").bedrock(
        region="us-west-2", api_key="key", endpoint=endpoint
    )
    client = face.client_class(provider=provider, http_client=channel(face, whole(RESPONSE)))
    assert ask(face, client, telemetry).attributes["gen_ai.provider.name"] == "aws.bedrock"


@needs("openai.providers.vertex")
@FACES
@pytest.mark.parametrize(
    ("options", "address"),
    [
        ({"project": "p", "location": "global"}, "aiplatform.googleapis.com"),
        ({"project": "p", "location": "europe-west4"}, "europe-west4-aiplatform.googleapis.com"),
        ({"base_url": "https://gateway.example.com/v1"}, "gateway.example.com"),
    ],
    ids=["global", "region", "gateway"],
)
def test_vertex_provider(face: Face, options: dict[str, Any], address: str, telemetry: Telemetry) -> None:
    """The standard client, configured for Vertex AI."""
    provider = importlib.import_module("openai.providers").vertex(token_provider=lambda: "token", **options)
    client = face.client_class(provider=provider, http_client=channel(face, whole(RESPONSE)))
    found = ask(face, client, telemetry).attributes
    assert (found["gen_ai.provider.name"], found["server.address"]) == ("gcp.vertex_ai", address)


@FACES
def test_clients_alternate(face: Face, telemetry: Telemetry) -> None:
    """Several clients are alive at once: each span has its own provider (dd-trace-py#18315)."""
    urls = ("https://api.openai.com/v1", "https://api.groq.com/openai/v1", "http://ollama:11434/v1")

    async def scenario() -> None:
        clients = [
            face.client_class(base_url=url, api_key="key", http_client=channel(face, TEXT)) for url in urls
        ]
        for _ in range(2):
            for client in clients:
                await face.read(await face.done(client.chat.completions.create(stream=True, **ASK)))
        for client in clients:
            await face.done(client.close())

    with telemetry.on():
        face.run(scenario())
    found = [span.attributes["gen_ai.provider.name"] for span in telemetry.spans]
    assert found == ["openai", "groq", "ollama"] * 2


@FACES
def test_added_hosts(face: Face, telemetry: Telemetry) -> None:
    """A setting adds hosts, with or without a port."""

    async def scenario() -> None:
        for url in ("http://models.internal:8000/v1", "http://models.internal:9000/v1"):
            client = face.client_class(base_url=url, api_key="key", http_client=channel(face, TEXT))
            await face.read(await face.done(client.chat.completions.create(stream=True, **ASK)))
            await face.done(client.close())

    with telemetry.on(providers="models.internal:8000=vllm,models.internal=sglang"):
        face.run(scenario())
    assert [span.attributes["gen_ai.provider.name"] for span in telemetry.spans] == ["vllm", "sglang"]
