"""What an instrumented call tells: its endpoint, scope and place in the trace, whatever a sampler decides."""

from __future__ import annotations

from functools import partial
from importlib.metadata import version
from typing import Any

from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult

from .apis import ALL, CHAT, EMBEDDINGS, STREAMED, Api
from .observe import watch
from .params import over
from .script import Transport
from .sdk import KEY, SYNC, Face, both_faces
from .telemetry import Telemetry


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
    """Several clients side by side: provider, address and port are those of the one that asks."""
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


def test_scope(telemetry: Telemetry) -> None:
    """Spans, metrics and log records come from a scope with our name and version."""
    with telemetry.on():
        use(SYNC)
    scope = telemetry.span.instrumentation_scope
    assert (scope.name, scope.version) == ("toolspan", version("toolspan"))


class _Asked(Sampler):
    """A sampler that notes what it is told."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def should_sample(self, parent_context: Any, trace_id: Any, name: str, *more: Any, **named: Any) -> Any:
        """Keep everything."""
        attributes = named.get("attributes", more[1] if len(more) > 1 else None)
        self.seen.append((name, dict(attributes)))
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)

    def get_description(self) -> str:
        """A name for it."""
        return "notes what it is told"


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
def test_http_spans_are_children(face: Face, api: Api, telemetry: Telemetry) -> None:
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
def test_a_child_keeps_its_parent(face: Face, api: Api, telemetry: Telemetry) -> None:
    """The call's span is a child of the span that is current when the request is made."""
    with telemetry.on(), telemetry.tracer.start_as_current_span("agent") as parent:
        use(face, api)
    assert telemetry.span.parent.span_id == parent.get_span_context().span_id
