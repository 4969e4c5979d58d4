"""`python -m tests.neighbours.play NAME ORDER`: one model call beside another instrumentation, as JSON.

ORDER is `first` if the other one is instrumented before toolspan, else `last`. It runs in a process of its
own, because many of these packages cannot be removed again.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from importlib.metadata import version
from typing import Any, NamedTuple

import openai
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from tests.sdk import script, wire
from tests.sdk.script import Transport
from tests.sdk.sdk import http
from tests.sdk.telemetry import Telemetry

from .seen import inference, sums

LOGFIRE = InMemoryMetricReader()
"""A reader of the meter provider that Logfire sets."""
TIMES = {"duration": "durations", "time_to_first_chunk": "first chunks"}
URL = {"api_key": "key-of-tests", "base_url": wire.BASE_URL}


def channel() -> Any:
    """Return an HTTP client whose server streams two tool calls, with a usage."""
    return http.Client(transport=http.MockTransport(Transport(script.CALLS)))


def stream() -> None:
    """Read a stream of the SDK."""
    client = openai.OpenAI(**URL, http_client=channel())
    list(client.chat.completions.create(stream=True, tools=[wire.TOOL], **wire.ASK))


def langchain() -> None:
    """Read a stream of LangChain's chat model."""
    from langchain_openai import ChatOpenAI

    list(ChatOpenAI(model="gpt-test", http_client=channel(), stream_usage=True, **URL).stream("What now?"))


def agents() -> None:
    """Run an agent of the Agents SDK on chat completions; its answer is streamed."""
    from agents import Agent, OpenAIChatCompletionsModel, Runner

    async def turn() -> None:
        transport = http.MockTransport(Transport(script.TEXT))
        client = openai.AsyncOpenAI(**URL, http_client=http.AsyncClient(transport=transport))
        model = OpenAIChatCompletionsModel(model="gpt-test", openai_client=client)
        async for _ in Runner.run_streamed(Agent(name="a", model=model), "What now?").stream_events():
            pass

    asyncio.run(turn())


def pydantic_ai() -> None:
    """Run an agent of Pydantic AI with a stream."""
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    async def turn() -> None:
        transport = http.MockTransport(Transport(script.TEXT))
        client = openai.AsyncOpenAI(**URL, http_client=http.AsyncClient(transport=transport))
        agent = Agent(OpenAIChatModel("gpt-test", provider=OpenAIProvider(openai_client=client)))
        async with agent.run_stream("What now?") as result:
            await result.get_output()

    asyncio.run(turn())


def langfuse_stream() -> None:
    """Read a stream of Langfuse's client."""
    from langfuse.openai import OpenAI

    client = OpenAI(**URL, http_client=channel())
    list(client.chat.completions.create(stream=True, tools=[wire.TOOL], **wire.ASK))


def genai(telemetry: Telemetry) -> None:
    """Instrument with OpenTelemetry's own package."""
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(
        tracer_provider=telemetry.tracers,
        meter_provider=telemetry.meters,
        logger_provider=telemetry.loggers,
    )


def openinference(telemetry: Telemetry) -> None:
    """Instrument the SDK with OpenInference."""
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=telemetry.tracers)


def openinference_langchain(telemetry: Telemetry) -> None:
    """Instrument LangChain with OpenInference."""
    from openinference.instrumentation.langchain import LangChainInstrumentor

    LangChainInstrumentor().instrument(tracer_provider=telemetry.tracers)


def openinference_agents(telemetry: Telemetry) -> None:
    """Instrument the Agents SDK with OpenInference."""
    from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor

    OpenAIAgentsInstrumentor().instrument(tracer_provider=telemetry.tracers)


def traceloop(telemetry: Telemetry) -> None:
    """Instrument the SDK with Traceloop's package."""
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(
        tracer_provider=telemetry.tracers, meter_provider=telemetry.meters, logger_provider=telemetry.loggers
    )


def traceloop_langchain(telemetry: Telemetry) -> None:
    """Instrument LangChain with Traceloop's package."""
    from opentelemetry.instrumentation.langchain import LangchainInstrumentor

    LangchainInstrumentor().instrument(
        tracer_provider=telemetry.tracers, meter_provider=telemetry.meters, logger_provider=telemetry.loggers
    )


def logfire(telemetry: Telemetry) -> None:
    """Instrument the SDK with Logfire, which has its own providers."""
    import logfire as package

    package.configure(
        send_to_logfire=False,
        console=False,
        additional_span_processors=[telemetry._spans],
        metrics=package.MetricsOptions(additional_readers=[LOGFIRE]),
    )
    package.instrument_openai()


def langfuse(telemetry: Telemetry) -> None:
    """Make Langfuse's client, which sends to nowhere."""
    from langfuse import Langfuse
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    Langfuse(
        public_key="pk-lf-tests",
        secret_key="sk-lf-tests",
        tracer_provider=telemetry.tracers,
        span_exporter=InMemorySpanExporter(),
    )


def sentry(telemetry: Telemetry) -> None:
    """Start Sentry, with a transport that sends nothing; it finds the SDK by itself."""
    import sentry_sdk

    sentry_sdk.init("https://key@127.0.0.1/1", traces_sample_rate=1.0, transport=lambda *_: None)


def pydantic(telemetry: Telemetry) -> None:
    """Switch Pydantic AI's own instrumentation on."""
    from pydantic_ai import Agent
    from pydantic_ai.models.instrumented import InstrumentationSettings

    Agent.instrument_all(
        InstrumentationSettings(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
    )


class Neighbour(NamedTuple):
    """Another instrumentation: its package, what switches it on, and what the application does."""

    package: str
    on: Callable[[Telemetry], None]
    act: Callable[[], None]


NEIGHBOURS = {
    "OpenTelemetry genai-openai": Neighbour("opentelemetry-instrumentation-genai-openai", genai, stream),
    "OpenInference openai": Neighbour("openinference-instrumentation-openai", openinference, stream),
    "OpenInference langchain": Neighbour(
        "openinference-instrumentation-langchain", openinference_langchain, langchain
    ),
    "OpenInference agents": Neighbour(
        "openinference-instrumentation-openai-agents", openinference_agents, agents
    ),
    "Traceloop openai": Neighbour("opentelemetry-instrumentation-openai", traceloop, stream),
    "Traceloop langchain": Neighbour(
        "opentelemetry-instrumentation-langchain", traceloop_langchain, langchain
    ),
    "Logfire": Neighbour("logfire", logfire, stream),
    "Langfuse": Neighbour("langfuse", langfuse, langfuse_stream),
    "Sentry": Neighbour("sentry-sdk", sentry, stream),
    "Pydantic AI": Neighbour("pydantic-ai-slim", pydantic, pydantic_ai),
}
"""By the names of the table in `docs/neighbours.md`."""


def main(neighbours: Mapping[str, Neighbour] = NEIGHBOURS) -> None:
    """Make the call and print what was counted, by all instrumentations together."""
    name, order = sys.argv[1:]
    neighbour, telemetry = neighbours[name], Telemetry()
    if name != "Logfire":  # it sets its own providers
        trace.set_tracer_provider(telemetry.tracers)
        metrics.set_meter_provider(telemetry.meters)
    with ExitStack() as stack:
        if order == "first":
            neighbour.on(telemetry)
        stack.enter_context(telemetry.on(semconv="1.41"))  # the names that the others use
        if order == "last":
            neighbour.on(telemetry)
        neighbour.act()
    spans, mine = inference(telemetry), telemetry.metrics()
    telemetry._reader = LOGFIRE
    everything = mine + telemetry.metrics()
    points = {
        name: [point for metric in everything if metric.name == name for point in metric.data.data_points]
        for name in ("gen_ai.client.token.usage", *(f"gen_ai.client.operation.{each}" for each in TIMES))
    }
    usage, *times = points.values()
    found = {
        "version": version(neighbour.package),
        "spans": len(spans),
        "by": sorted({span.instrumentation_scope.name for span in spans}),
        "tokens": sums(usage),
        **{key: sum(point.count for point in each) for key, each in zip(TIMES.values(), times, strict=True)},
        "tool calls": len(
            [event for span in spans for event in span.events if event.name == "toolspan.tool_call.completed"]
        ),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
