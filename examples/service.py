"""A web service that streams a model's answer to its client, without any line of telemetry.

    pip install fastapi uvicorn opentelemetry-instrumentation-fastapi
    opentelemetry-instrument python examples/service.py
    curl -N 'http://127.0.0.1:8000/ask?question=weather'

Each question is one trace: the request to the service, with each turn of the model and its tool calls below.
"""

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import nullcontext

import uvicorn
from agent import agent
from demo_server import demo_server
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI

app = FastAPI()
MODEL = os.environ.get("OPENAI_MODEL", "demo")


@app.get("/ask")
async def ask(question: str) -> StreamingResponse:
    """Return the agent's answer, after all of its tools, as plain text."""
    return StreamingResponse(answered(question), media_type="text/plain")


async def answered(question: str) -> AsyncIterator[str]:
    """Run the agent within the response, so that the service's span covers all of it."""
    async with AsyncOpenAI() as client:
        yield await agent(client, MODEL, question)


@app.get("/tell")
async def tell(question: str) -> StreamingResponse:
    """Return the model's text as a stream."""
    return StreamingResponse(pieces(question), media_type="text/plain")


async def pieces(question: str) -> AsyncIterator[str]:
    """Yield each piece of text at once; a client that leaves closes the model's stream too."""
    async with AsyncOpenAI() as client:
        stream = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": question}], stream=True
        )
        async for chunk in stream:
            for choice in chunk.choices:
                yield choice.delta.content or ""


if __name__ == "__main__":
    # uvicorn raises the signal again that stopped it. Without a handler the process would end at once, before
    # the exporters send what is left; with this one it exits normally.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    port = int(os.environ.get("PORT", "8000"))
    with nullcontext() if "OPENAI_API_KEY" in os.environ else demo_server() as base_url:
        if base_url:
            os.environ |= {"OPENAI_API_KEY": "demo", "OPENAI_BASE_URL": base_url}
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
