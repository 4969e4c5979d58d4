"""`python -m tests.viewers.program URL...`: run `examples/agent.py` once, and send its trace to every URL.

Two more facts of a service are on its spans: the conversation and the user.
"""

from __future__ import annotations

import asyncio
import sys

import agent  # the example; its folder is on the path
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import toolspan

from .servers import CONVERSATION, SERVICE, USER


def main(urls: list[str]) -> None:
    """Run the agent, and wait until every endpoint has its spans."""
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
    for url in urls:
        headers = {"x-mlflow-experiment-id": "0"}  # MLflow's default experiment; other servers ignore it
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url, headers=headers)))
    trace.set_tracer_provider(provider)
    toolspan.OpenAIInstrumentor().instrument(capture_message_content="span_only", compat="openinference")
    with toolspan.attributes({"gen_ai.conversation.id": CONVERSATION, "user.id": USER}):
        asyncio.run(agent.main())
    provider.shutdown()


if __name__ == "__main__":
    main(sys.argv[1:])
