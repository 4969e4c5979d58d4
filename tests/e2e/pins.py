"""The versions of everything the test obtains; it must not know how they are obtained.

Debian keeps one version of a package at a time, so llama-server has no pin: it is what sid holds on that day.
"""

from typing import Final

AIMOCK: Final = "1.43.0"
COLLECTOR: Final = "0.159.0"
COLLECTOR_PROVIDERS: Final = "1.65.0"
LLAMA_PACKAGE: Final = "llama.cpp-tools"
MODEL_WRITER: Final = ("gguf==0.19.0", "numpy==2.4.6")
APPLICATION: Final = (
    "openai==3.52.0",
    "openai-agents==0.24.0",
    "opentelemetry-distro==0.66b1",
    "opentelemetry-exporter-otlp==1.45.1",
)
