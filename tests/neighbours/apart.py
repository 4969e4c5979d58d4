"""`python -m tests.neighbours.apart NAME ORDER`: as `tests.neighbours.play`, with packages that conflict.

`make neighbours ALL=1` installs them, `apart.txt`, in an environment of their own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import openai

from tests.sdk import script
from tests.sdk.script import Transport
from tests.sdk.sdk import http
from tests.sdk.telemetry import Telemetry

from .play import URL, Neighbour, main, pydantic, pydantic_ai, stream


def _answer() -> Any:
    """Return an asynchronous HTTP client whose server streams a text, with a usage."""
    return http.AsyncClient(transport=http.MockTransport(Transport(script.TEXT)))


def _run(turn: Callable[[Any], Awaitable[None]]) -> Callable[[], None]:
    """Return what gives an asynchronous client of the SDK to a coroutine, and runs that."""
    return lambda: asyncio.run(turn(openai.AsyncOpenAI(**URL, http_client=_answer())))


def _nothing(telemetry: Telemetry) -> None:
    """Leave an instrumentation as it is: it is on as soon as there is a tracer provider."""


async def _strands(client: Any) -> None:
    from strands import Agent
    from strands.models.openai import OpenAIModel

    await Agent(model=OpenAIModel(client=client, model_id="gpt-test"), callback_handler=None).invoke_async(
        "Hi"
    )


async def _livekit(client: Any) -> None:
    """Run an agent of LiveKit in a session without audio; LiveKit counts the calls of sessions only."""
    from livekit.agents import Agent, AgentSession
    from livekit.plugins.openai import LLM

    async with AgentSession(llm=LLM(model="gpt-test", client=client)) as session:
        await session.start(Agent(instructions="Help."))
        await session.run(user_input="What now?")


def _diagnostics(telemetry: Telemetry) -> None:
    """Switch Semantic Kernel's diagnostics on; it reads the variable when it is imported."""
    os.environ["SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS"] = "true"
    import semantic_kernel  # noqa: F401 - as above


async def _semantic_kernel(client: Any) -> None:
    from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion, OpenAIChatPromptExecutionSettings
    from semantic_kernel.contents import ChatHistory

    history = ChatHistory()
    history.add_user_message("What now?")
    service = OpenAIChatCompletion(ai_model_id="gpt-test", async_client=client)
    async for _ in service.get_streaming_chat_message_content(history, OpenAIChatPromptExecutionSettings()):
        pass


_MIDDLEWARE: list[Any] = []


def _ag2_middleware(telemetry: Telemetry) -> None:
    """Make ag2's middleware."""
    from ag2.middleware.builtin.telemetry import TelemetryMiddleware

    _MIDDLEWARE.append(TelemetryMiddleware(tracer_provider=telemetry.tracers, model_name="gpt-test"))


def _ag2() -> None:
    """Ask an agent of ag2, whose client is its own."""
    from ag2 import Agent
    from ag2.config.openai import OpenAIConfig

    config = OpenAIConfig(model="gpt-test", streaming=True, http_client=_answer(), **URL)
    asyncio.run(Agent("a", config=config, middleware=_MIDDLEWARE).ask("What now?"))


def _mlflow(telemetry: Telemetry) -> None:
    """Switch MLflow's autolog on; what it would send goes to nowhere."""
    os.environ.update(
        MLFLOW_TRACKING_URI="http://127.0.0.1:1",
        MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
        MLFLOW_ENABLE_ASYNC_TRACE_LOGGING="false",
    )
    import mlflow
    from mlflow.entities.trace_location import MlflowExperimentLocation

    mlflow.tracing.set_destination(MlflowExperimentLocation(experiment_id="0"))
    mlflow.openai.autolog()


def _mlflow_shared(telemetry: Telemetry) -> None:
    """Switch MLflow's autolog on, with the tracer provider of the application."""
    os.environ["MLFLOW_USE_DEFAULT_TRACER_PROVIDER"] = "false"
    _mlflow(telemetry)


SHARED = "MLflow, shared provider"
APART = {
    "MLflow": Neighbour("mlflow-tracing", _mlflow, stream),
    SHARED: Neighbour("mlflow-tracing", _mlflow_shared, stream),
    "Pydantic AI (older)": Neighbour("pydantic-ai-slim", pydantic, pydantic_ai),
    "Semantic Kernel": Neighbour("semantic-kernel", _diagnostics, _run(_semantic_kernel)),
    "strands": Neighbour("strands-agents", _nothing, _run(_strands)),
    "ag2": Neighbour("ag2", _ag2_middleware, _ag2),
    "LiveKit": Neighbour("livekit-agents", _nothing, _run(_livekit)),
}
"""By the names of the table in `docs/neighbours.md`."""


if __name__ == "__main__":
    main(APART)
