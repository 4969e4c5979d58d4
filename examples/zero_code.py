r"""A program without any line of telemetry; the command that starts it instruments the SDK.

OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf \
    OTEL_SERVICE_NAME=zero-code opentelemetry-instrument python examples/zero_code.py
"""

import os
from contextlib import nullcontext

from demo_server import demo_server
from openai import OpenAI

key = os.environ.get("OPENAI_API_KEY")
with (
    nullcontext() if key else demo_server() as base_url,
    OpenAI(base_url=base_url, api_key=key or "demo") as client,
):
    stream = client.chat.completions.create(
        model=os.environ.get("OPENAI_MODEL") or ("gpt-5-mini" if key else "demo"),
        messages=[{"role": "user", "content": "Say hello."}],
        stream=True,
    )
    for chunk in stream:
        for choice in chunk.choices:
            print(choice.delta.content or "", end="", flush=True)
    print()
