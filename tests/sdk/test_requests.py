"""The call that a request becomes: endpoint, provider, scope and parent, whatever a sampler decides."""

from __future__ import annotations

import importlib
from functools import partial
from importlib.metadata import version
from typing import Any

import openai
import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult

from .api import Api
from .apis import ALL, CHAT, EMBEDDINGS, STREAMED
from .features import needs
from .observe import watch
from .params import over
from .script import TEXT, Transport, whole
from .sdk import KEY, SYNC, AsyncFace, Face, both_faces, http
from .telemetry import Telemetry
from .wire import ASK


async def ask(face: Face, client: Any, api: Api) -> Any:
    """A stream, read to its end; a whole answer where there are no streams."""
    if not api.text:
        return await face.done(api.whole(client))
    return await face.read(await face.done(api.stream(client)))


def use(face: Face, api: Api = CHAT, answer: Any = None, **options: Any) -> Any:
    """Ask once; returns what the application saw."""
    transport = Transport(answer or (api.calling if api.text else api.answers))
    return watch(face, partial(ask, api=api), transport, **options)


ENDPOINTS = {
    "http://api.openai.com/v1": ("openai", "api.openai.com", 80),
    "https://api.openai.com/v1": ("openai", "api.openai.com", 443),
    "https://api.groq.com/openai/v1": ("groq", "api.groq.com", 443),
    "http://localhost:11434/v1": ("openai", "localhost", 11434),
    "http://[::1]:8000/v1/": ("openai", "::1", 8000),
    "https://user:secret@api.deepseek.com/v1?key=1": ("deepseek", "api.deepseek.com", 443),
}


@both_faces
def test_each_client_has_its_own_endpoint(face: Face, telemetry: Telemetry) -> None:
    """Several clients at once have their own provider, address and port on their spans."""
    azure = {"azure_endpoint": "https://mine.openai.azure.com", "api_version": "1", "api_key": KEY}
    with telemetry.on(providers="localhost=ollama"):
        for base_url in (*ENDPOINTS, *ENDPOINTS):
            use(face, base_url=base_url)
        use(face, cls=face.azure_class, **azure)
    found = [_endpoint(span.attributes) for span in telemetry.spans]
    expected = [
        ("ollama", *rest) if rest[0] == "localhost" else (name, *rest) for name, *rest in ENDPOINTS.values()
    ]
    assert found == [*expected, *expected, ("azure.ai.openai", "mine.openai.azure.com", 443)]


def _endpoint(attributes: Any) -> tuple[Any, ...]:
    return tuple(attributes[name] for name in ("gen_ai.provider.name", "server.address", "server.port"))


def test_all_signals_come_from_the_scope_toolspan(telemetry: Telemetry) -> None:
    """Spans, metrics and log records have the package's name and version."""
    with telemetry.on():
        use(SYNC)
    scope = telemetry.span.instrumentation_scope
    assert (scope.name, scope.version) == ("toolspan", version("toolspan"))


class _Asked(Sampler):
    """A sampler that keeps its arguments."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def should_sample(self, parent_context: Any, trace_id: Any, name: str, *more: Any, **named: Any) -> Any:
        """Keep everything."""
        attributes = named.get("attributes", more[1] if len(more) > 1 else None)
        self.seen.append((name, dict(attributes)))
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)

    def get_description(self) -> str:
        """A name for it."""
        return "keeps its arguments"


@over(*ALL)
def test_samplers_see_what_they_need(api: Api) -> None:
    """Operation, model, provider, address and port are there when a sampler decides."""
    sampler = _Asked()
    telemetry = Telemetry(sampler)
    with telemetry.on():
        use(SYNC, api)
    ((name, attributes),) = sampler.seen
    operation, _, model = api.span.partition(" ")
    assert name == api.span
    assert attributes["gen_ai.operation.name"] == operation
    assert attributes.get("gen_ai.request.model", "") == model
    assert _endpoint(attributes) == ("openai", "api.test", 80)


def _series(telemetry: Telemetry) -> set[Any]:
    found = set()
    for metric in telemetry.metrics():
        for point in metric.data.data_points:
            count = getattr(point, "count", getattr(point, "value", None))
            found.add((metric.name, count, tuple(sorted(point.attributes.items()))))
    return found


@over(*STREAMED, EMBEDDINGS)
def test_metrics_and_logs_do_not_depend_on_sampling(api: Api) -> None:
    """A sampler that drops every span leaves the same series and records as one that keeps all."""
    kept, dropped = Telemetry(), Telemetry(ALWAYS_OFF)
    for telemetry in (kept, dropped):
        with telemetry.on():
            use(SYNC, api)
    assert _series(kept) == _series(dropped)
    assert (len(kept.spans), len(dropped.spans)) == (1, 0)
    assert [record.event_name for record in kept.records] == [record.event_name for record in dropped.records]


@both_faces
@over(*ALL)
def test_http_spans_are_children_of_the_calls_span(face: Face, api: Api, telemetry: Telemetry) -> None:
    """A span that is made inside the transport is a child of the call's."""

    def answer() -> Any:
        with telemetry.tracer.start_as_current_span("POST"):
            return (api.calling if api.text else api.answers)()

    with telemetry.on():
        use(face, api, answer)
    (inner,) = [span for span in telemetry.everything_ended if span.name == "POST"]
    assert inner.parent.span_id == telemetry.span.context.span_id


@both_faces
@over(*ALL)
def test_the_calls_span_is_a_child_of_the_current_span(face: Face, api: Api, telemetry: Telemetry) -> None:
    """The call's span is a child of the span that is current when the request is made."""
    with telemetry.on(), telemetry.tracer.start_as_current_span("agent") as parent:
        use(face, api)
    assert telemetry.span.parent.span_id == parent.get_span_context().span_id


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


def span_of_request(face: Face, client: Any, telemetry: Telemetry) -> Any:
    """One request of this client; its span."""

    async def scenario() -> None:
        await face.done(client.responses.create(model="gpt-test", input="What now?"))
        await face.done(client.close())

    with telemetry.on():
        face.run(scenario())
    return telemetry.span


@FACES
@pytest.mark.parametrize("options", [AZURE, V1], ids=["classic", "v1"])
def test_azure_clients_have_azure_as_their_provider(
    face: Face, options: dict[str, Any], telemetry: Telemetry
) -> None:
    """Azure's classic client, with the deployment in its path, and its v1 API."""
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
def test_an_azure_client_behind_a_gateway_keeps_its_provider(face: Face, telemetry: Telemetry) -> None:
    """Behind a gateway, the client's class names the provider."""

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
def test_the_bedrock_client_has_bedrock_as_its_provider(face: Face, telemetry: Telemetry) -> None:
    """The client class for Amazon Bedrock."""
    client = _name(face, "BedrockOpenAI")(
        http_client=channel(face, whole(RESPONSE)), api_key="key", aws_region="eu-west-1"
    )
    span = span_of_request(face, client, telemetry)
    assert span.attributes["gen_ai.provider.name"] == "aws.bedrock"
    assert span.attributes["server.address"] == "bedrock-mantle.eu-west-1.api.aws"
    assert span.attributes["gen_ai.usage.input_tokens"] == 3


@needs("openai.providers.bedrock:endpoint")
@FACES
@pytest.mark.parametrize("endpoint", ["mantle", "runtime"])
def test_the_bedrock_option_has_bedrock_as_its_provider(
    face: Face, endpoint: str, telemetry: Telemetry
) -> None:
    """The standard client, configured for Bedrock, at either of its endpoints."""
    provider = importlib.import_module("openai.providers").bedrock(
        region="us-west-2", api_key="key", endpoint=endpoint
    )
    client = face.client_class(provider=provider, http_client=channel(face, whole(RESPONSE)))
    assert span_of_request(face, client, telemetry).attributes["gen_ai.provider.name"] == "aws.bedrock"


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
def test_the_vertex_option_has_vertex_as_its_provider(
    face: Face, options: dict[str, Any], address: str, telemetry: Telemetry
) -> None:
    """The standard client, configured for Vertex AI."""
    provider = importlib.import_module("openai.providers").vertex(token_provider=lambda: "token", **options)
    client = face.client_class(provider=provider, http_client=channel(face, whole(RESPONSE)))
    found = span_of_request(face, client, telemetry).attributes
    assert (found["gen_ai.provider.name"], found["server.address"]) == ("gcp.vertex_ai", address)


@FACES
def test_alternating_clients_keep_their_own_providers(face: Face, telemetry: Telemetry) -> None:
    """Spans of several live clients have their own providers (dd-trace-py#18315)."""
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
def test_a_setting_adds_hosts_of_providers(face: Face, telemetry: Telemetry) -> None:
    """A setting adds hosts, with or without a port."""

    async def scenario() -> None:
        for url in ("http://models.internal:8000/v1", "http://models.internal:9000/v1"):
            client = face.client_class(base_url=url, api_key="key", http_client=channel(face, TEXT))
            await face.read(await face.done(client.chat.completions.create(stream=True, **ASK)))
            await face.done(client.close())

    with telemetry.on(providers="models.internal:8000=vllm,models.internal=sglang"):
        face.run(scenario())
    assert [span.attributes["gen_ai.provider.name"] for span in telemetry.spans] == ["vllm", "sglang"]
