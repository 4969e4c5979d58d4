"""LiteLLM's functions against a scripted server: one span and one count of tokens for each call."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from collections.abc import Iterator
from typing import Any

import litellm
import pytest
from litellm import acompletion, completion  # before `instrument()`, as frameworks do

import toolspan
from tests.sdk.telemetry import Telemetry
from tests.table import each_row

from .providers import TOKENS, TOOLS, Providers

pytestmark = pytest.mark.filterwarnings("ignore")  # of LiteLLM's own, about its clients and its objects
litellm.suppress_debug_info = True

MESSAGES = [{"role": "user", "content": "What is the weather in Oslo?"}]
ROUTES = {
    # By the OpenAI SDK.
    "openai": "openai", "azure": "azure.ai.openai", "custom_openai": "openai", "cerebras": "cerebras",
    "deepinfra": "deepinfra", "dashscope": "alibaba_cloud", "github": "github", "hyperbolic": "hyperbolic",
    "lambda_ai": "lambda_ai", "litellm_proxy": "litellm", "llamafile": "llamafile", "lm_studio": "lm_studio",
    "meta_llama": "meta_llama", "mistral": "mistral_ai", "moonshot": "moonshot_ai", "nebius": "nebius",
    "novita": "novita", "nvidia_nim": "nvidia", "together_ai": "together_ai", "volcengine": "volcengine",
    # By LiteLLM's own HTTP.
    "anthropic": "anthropic", "databricks": "databricks", "deepseek": "deepseek",
    "fireworks_ai": "fireworks", "gemini": "gcp.gemini", "groq": "groq", "hosted_vllm": "vllm",
    "huggingface": "huggingface", "minimax": "minimax", "ollama_chat": "ollama", "openrouter": "openrouter",
    "xai": "x_ai",
}  # fmt: skip
"""The routes and the providers of their spans."""
FUNCTIONS = ("completion", "text_completion", "embedding", "responses")


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[Providers]:
    with Providers() as found:
        yield found


def request(server: Providers, route: str, **more: Any) -> dict[str, Any]:
    """Return the arguments of a chat by a route."""
    base = server.url if route in ("anthropic", "ollama_chat") else f"{server.url}/v1"
    facts = {"model": f"{route}/m-1", "api_base": base, "api_key": "sk-secret", "max_retries": 0}
    extra = {"api_version": "2024-10-21"} if route == "azure" else {}
    return {**facts, **extra, "messages": MESSAGES, **more}


def play(function: str, *, is_async: bool, **arguments: Any) -> list[Any]:
    """Call a function of LiteLLM; return its chunks, or its answer."""
    if not is_async:
        result = getattr(litellm, function)(**arguments)
        return list(result) if arguments.get("stream") else [result]

    async def run() -> list[Any]:
        result = await getattr(litellm, f"a{function}")(**arguments)
        return [chunk async for chunk in result] if arguments.get("stream") else [result]

    return asyncio.run(run())


def counted(telemetry: Telemetry) -> dict[str, int]:
    """Return the counted tokens by type."""
    found: dict[str, int] = {}
    for kind in ("input", "output"):
        for point in telemetry.points(f"gen_ai.client.inference.operation.{kind}_tokens"):
            found[kind] = found.get(kind, 0) + point.sum
    return found


def taken(telemetry: Telemetry) -> Any:
    """Return the one span since the last look."""
    (span,) = telemetry.everything_ended
    telemetry.everything_ended.clear()
    return span


def tokens(span: Any) -> tuple[Any, Any]:
    """Return the input and the output tokens of a span."""
    kinds = ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")
    return tuple(span.attributes.get(kind) for kind in kinds)  # type: ignore[return-value]  # two


@each_row("route", sorted(ROUTES))
def test_each_route_is_one_span_and_one_count(route: str, server: Providers) -> None:
    """Whole and streamed, sync and async: one span, its tokens, its tool call at the time of its chunks."""
    telemetry = Telemetry()
    toolspan.instrument(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
    try:
        for stream, is_async in ((False, False), (False, True), (True, False), (True, True)):
            arguments = request(server, route, stream=stream, tools=TOOLS)
            chunks = play("completion", is_async=is_async, **arguments)
            span = taken(telemetry)
            assert (span.name, span.attributes["gen_ai.provider.name"]) == ("chat m-1", ROUTES[route])
            assert span.attributes["server.address"] == "127.0.0.1"
            assert tokens(span) == TOKENS
            assert span.attributes["gen_ai.response.finish_reasons"] == ("tool_calls",)
            assert span.attributes["toolspan.tool_calls.names"] == ("weather",)
            assert [event.name for event in span.events] == [
                "toolspan.tool_call.detected", "toolspan.tool_call.completed"
            ]  # fmt: skip
            assert span.events[1].attributes["toolspan.tool_call.outcome"] == "valid"
            if stream:
                assert span.attributes["toolspan.stream.outcome"] == "completed"
                assert span.attributes["toolspan.stream.chunks"] == len(chunks)
        assert counted(telemetry) == {"input": 4 * TOKENS[0], "output": 4 * TOKENS[1]}
        (still,) = telemetry.points("toolspan.streams.open") or [None]
        assert still is None or still.value == 0
    finally:
        toolspan.uninstrument()


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("route", ["openai", "groq", "anthropic"])
def test_the_other_functions_are_one_span_too(
    route: str, is_async: bool, server: Providers, telemetry: Telemetry
) -> None:
    """Text completions, embeddings and responses, whole and streamed, also where LiteLLM converts them."""
    whole = {key: value for key, value in request(server, route).items() if key != "messages"}
    tool = {"type": "function", **TOOLS[0]["function"]}
    cases = [("responses", {"input": "a", "tools": [tool]}, "chat", TOKENS)]
    if route == "openai":
        cases.append(("embedding", {"input": ["a"]}, "embeddings", (11, None)))
    if route != "anthropic":
        cases.append(("text_completion", {"prompt": "a"}, "text_completion", TOKENS))
    for function, more, operation, expected in cases:
        for stream in (False, True) if function != "embedding" else (False,):
            play(function, is_async=is_async, **whole, **more, **({"stream": True} if stream else {}))
            span = taken(telemetry)
            assert span.name == f"{operation} m-1"
            if not (stream and function == "text_completion"):  # LiteLLM's chunks have no usage then
                assert tokens(span) == expected
            if function == "responses":
                assert span.attributes["toolspan.tool_calls.names"] == ("weather",)
            if stream:
                assert span.attributes["toolspan.stream.outcome"] == "completed"


def test_a_function_that_was_imported_before_is_traced(server: Providers, telemetry: Telemetry) -> None:
    """`from litellm import completion` before `instrument()`, with positional arguments."""
    arguments = request(server, "groq")
    model, messages = arguments.pop("model"), arguments.pop("messages")
    completion(model, messages, **arguments)
    assert taken(telemetry).attributes["toolspan.request.messages"] == 1
    asyncio.run(acompletion(model, messages, **arguments))
    assert taken(telemetry).name == "chat m-1"


@each_row("route", ["openai", "groq"])
def test_the_application_gets_the_same_object(route: str, server: Providers) -> None:
    """The stream is LiteLLM's own object and its chunks are the same as without toolspan."""
    bare = [
        chunk.model_dump(exclude={"created", "id"})
        for chunk in play("completion", is_async=False, **request(server, route, stream=True))
    ]
    found = litellm.completion
    telemetry = Telemetry()
    toolspan.instrument(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
    try:
        stream = litellm.completion(**request(server, route, stream=True))
        assert type(stream) is litellm.CustomStreamWrapper
        assert iter(stream) is stream
        seen = [chunk.model_dump(exclude={"created", "id"}) for chunk in stream]
        assert seen == bare
        left = litellm.completion(**request(server, route, stream=True))
        next(left)
    finally:
        toolspan.uninstrument()
    list(left)  # ends its span, although the instrumentation is removed
    assert [span.attributes["toolspan.stream.outcome"] for span in telemetry.spans] == ["completed"] * 2
    assert litellm.completion is found
    assert not hasattr(vars(litellm.CustomStreamWrapper)["__next__"], "__wrapped__")


def test_each_end_of_a_stream_has_its_outcome(server: Providers, telemetry: Telemetry) -> None:
    """Closed, left by `with`, dropped, cancelled, and broken by an error of the server."""

    def outcome() -> Any:
        return taken(telemetry).attributes["toolspan.stream.outcome"]

    for route in ("openai", "groq"):
        arguments = request(server, route, stream=True)
        stream = litellm.completion(**arguments)
        next(stream)
        stream.close()
        assert outcome() == "closed"
        with litellm.completion(**arguments) as stream:
            next(stream)
        assert outcome() == "closed"
        stream = litellm.completion(**arguments)
        next(stream)
        alive = weakref.ref(stream)
        del stream
        until = time.monotonic() + 10  # LiteLLM's threads hold it until they have logged the chunk
        while alive() is not None and time.monotonic() < until:
            gc.collect()
        litellm.completion(**{**arguments, "stream": False})  # the next call ends what a collection has freed
        ended = {span.attributes.get("toolspan.stream.outcome") for span in telemetry.everything_ended}
        telemetry.everything_ended.clear()
        assert ended == {"abandoned", None}

        async def closed(arguments: dict[str, Any]) -> None:
            stream = await litellm.acompletion(**arguments)
            await anext(stream)
            await stream.aclose()

        asyncio.run(closed(arguments))
        assert outcome() == "closed"


@each_row(("route", "is_async"), [(route, flag) for route in ("openai", "groq") for flag in (False, True)])
def test_retries_are_attempts_of_one_call(route: str, is_async: bool) -> None:
    """`num_retries`: by the SDK inside, or by LiteLLM; one span with an event for each retry."""
    telemetry = Telemetry()
    toolspan.instrument(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
    try:
        with Providers((500, 503)) as server:
            arguments = request(server, route, num_retries=2)
            del arguments["max_retries"]
            play("completion", is_async=is_async, **arguments)
            span = taken(telemetry)
        assert span.attributes["toolspan.request.retries"] == 2
        events = [event.attributes for event in span.events if event.name == "toolspan.retry"]
        assert [event["http.response.status_code"] for event in events] == [500, 503]
        assert tokens(span) == TOKENS
    finally:
        toolspan.uninstrument()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_retries_and_fallbacks_of_a_router_are_attempts(telemetry: Telemetry, stream: bool) -> None:
    """Each is a request of its own, numbered and linked to the one before, also to another model."""
    with Providers((500, 500)) as server:
        models = []
        for name, route in (("a", "groq"), ("b", "openai")):
            arguments = {key: value for key, value in request(server, route).items() if key != "messages"}
            models.append({"model_name": name, "litellm_params": {**arguments, "model": f"{route}/{name}"}})
        router = litellm.Router(model_list=models, fallbacks=[{"a": ["b"]}], num_retries=1, retry_after=0)

        async def run() -> None:
            result = await router.acompletion(model="a", messages=MESSAGES, stream=stream)
            if stream:
                assert isinstance(result, litellm.CustomStreamWrapper)
                assert [chunk async for chunk in result]

        asyncio.run(run())
    found = telemetry.everything_ended
    assert [span.name for span in found] == ["chat a", "chat a", "chat b"]
    assert [span.attributes.get("toolspan.request.attempt") for span in found] == [None, 2, 3]
    assert [[dict(link.attributes) for link in span.links] for span in found[1:]] == [
        [{"toolspan.link": "attempt"}]
    ] * 2
    assert [link.context.span_id for span in found[1:] for link in span.links] == [
        span.context.span_id for span in found[:2]
    ]
    assert tokens(found[-1]) == TOKENS


def test_the_cost_is_that_of_litellm(server: Providers, telemetry: Telemetry) -> None:
    """As LiteLLM has computed it, whole and streamed; an unknown model has none."""
    for stream in (False, True):
        for options in ({}, {"stream_options": {"include_usage": True}}) if stream else ({},):
            arguments = request(server, "openai", stream=stream, **options)
            play("completion", is_async=False, **{**arguments, "model": "openai/gpt-4o"})
            found = taken(telemetry).attributes
            prices = litellm.cost_per_token("gpt-4o", *TOKENS, cache_read_input_tokens=5)
            assert found["toolspan.cost.amount"] == pytest.approx(sum(prices))
            assert found["toolspan.cost.source"] == "provider"
    play("completion", is_async=False, **request(server, "groq"))
    assert "toolspan.cost.amount" not in taken(telemetry).attributes


def test_an_error_is_one_failed_span_without_the_key(server: Providers, telemetry: Telemetry) -> None:
    """The application gets LiteLLM's error; its message, which may quote a key, is not recorded."""
    for route in ("openai", "groq"):
        server.failures.append(400)
        with pytest.raises(litellm.BadRequestError):
            play("completion", is_async=False, **request(server, route))
        span = taken(telemetry)
        assert span.attributes["error.type"] == "litellm.exceptions.BadRequestError"
        assert span.attributes["http.response.status_code"] == 400
        assert "sk-secret" not in str(span.to_json())


def test_content_is_captured_only_if_asked_for(server: Providers, telemetry: Telemetry) -> None:
    """Messages may be LiteLLM's own objects."""
    (answer,) = play("completion", is_async=False, **request(server, "groq"))
    assert "gen_ai.input.messages" not in taken(telemetry).attributes
    toolspan.instrument(capture_message_content="SPAN_ONLY")
    history = [*MESSAGES, answer.choices[0].message, {"role": "user", "content": "Sure?"}]
    play("completion", is_async=False, **request(server, "groq", messages=history))
    found = taken(telemetry).attributes
    assert "Hello there." in str(found["gen_ai.output.messages"])
    assert str(found["gen_ai.input.messages"]).count("Hello there.") == 1


def test_a_stream_of_typed_events_is_that_of_any_sdk(server: Providers) -> None:
    """`toolspan.events` reads LiteLLM's chunks of both APIs."""
    arguments = request(server, "groq", tools=TOOLS, stream=True)
    kinds = [type(event).__name__ for event in toolspan.events(litellm.completion(**arguments))]
    assert kinds[0] == "ToolCallStarted"
    assert "ToolCallCompleted" in kinds
    del arguments["messages"]
    arguments["tools"] = [{"type": "function", **TOOLS[0]["function"]}]
    kinds = [type(event).__name__ for event in toolspan.events(litellm.responses(input="a", **arguments))]
    assert "ToolCallCompleted" in kinds


def test_the_sync_stream_belongs_to_one_trace(server: Providers, telemetry: Telemetry) -> None:
    """The span's parent is the application's, and spans of the application's between chunks are not its."""
    with telemetry.tracer.start_as_current_span("application") as outer:
        for _ in litellm.completion(**request(server, "groq", stream=True)):
            with telemetry.tracer.start_as_current_span("between"):
                pass
        assert outer.is_recording()
    parents = {span.name: span.parent and span.parent.span_id for span in telemetry.everything_ended}
    own = outer.get_span_context().span_id
    assert parents == {"between": own, "chat m-1": own, "application": None}


@pytest.mark.parametrize("second", [False, True], ids=["first", "second"])
def test_tokens_are_counted_once_beside_litellms_own_telemetry(
    second: bool, server: Providers, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its callback `otel`, one span has the tokens; with `skip`, toolspan makes none."""
    from opentelemetry import trace

    monkeypatch.setenv("LITELLM_OTEL_V2", "true" if second else "false")
    monkeypatch.setenv("OTEL_EXPORTER", "none")
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", telemetry.tracers)
    for name in ("callbacks", "success_callback", "_async_success_callback", "input_callback"):
        monkeypatch.setattr(litellm, name, ["otel"] if name == "callbacks" else [])
    for name in ("failure_callback", "_async_failure_callback"):
        monkeypatch.setattr(litellm, name, [])

    async def run(stream: bool) -> None:
        result = await litellm.acompletion(**request(server, "groq", stream=stream))
        if stream:
            assert [chunk async for chunk in result]
        await asyncio.sleep(0.3)  # LiteLLM's logger runs after the call

    for stream in (False, False, True):  # the first call makes the logger
        telemetry.everything_ended.clear()
        asyncio.run(run(stream))
    ours = [span for span in telemetry.everything_ended if span.instrumentation_scope.name == "toolspan"]
    theirs = [span for span in telemetry.everything_ended if span.instrumentation_scope.name == "litellm"]
    with_tokens = [span for span in (*ours, *theirs) if "gen_ai.usage.input_tokens" in span.attributes]
    assert len(ours) == 1
    assert len(with_tokens) == (0 if second else 1)  # the second one exports by a provider of its own
    toolspan.instrument(other_instrumentations="skip")
    telemetry.everything_ended.clear()
    asyncio.run(run(False))
    assert not [span for span in telemetry.everything_ended if span.instrumentation_scope.name == "toolspan"]
