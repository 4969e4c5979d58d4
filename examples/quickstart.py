"""Instrument the SDK in two lines; the console then shows the span of one streamed call."""

import os
from contextlib import nullcontext

from demo_server import demo_server
from openai import OpenAI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from toolspan import OpenAIInstrumentor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
trace.set_tracer_provider(provider)

OpenAIInstrumentor().instrument()

city: dict[str, object] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
key = os.environ.get("OPENAI_API_KEY")
with nullcontext() if key else demo_server() as base_url:
    stream = OpenAI(base_url=base_url, api_key=key or "demo").chat.completions.create(
        model=os.environ.get("OPENAI_MODEL") or ("gpt-5-mini" if key else "demo"),
        messages=[{"role": "user", "content": "What is the weather in Paris?"}],
        tools=[{"type": "function", "function": {"name": "get_weather", "parameters": city}}],
        stream=True,
    )
    for _ in stream:
        pass
