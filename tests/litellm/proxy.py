"""LiteLLM's proxy under `opentelemetry-instrument`: `python -m tests.litellm.proxy` where it is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.frameworks.receiver import receiving

from .providers import TOOLS, Providers

_PORT = 4019
_SECONDS = 120
INPUT, OUTPUT = (f"gen_ai.client.inference.operation.{kind}_tokens" for kind in ("input", "output"))


def _ask(**body: Any) -> bytes:
    """Send a chat to the proxy."""
    headers = {"content-type": "application/json", "authorization": "Bearer sk-1"}
    data = json.dumps({"messages": [{"role": "user", "content": "Hi"}], "tools": TOOLS, **body}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{_PORT}/v1/chat/completions", data, headers)
    found: bytes = urllib.request.urlopen(request, timeout=60).read()
    return found


def _wait() -> None:
    """Wait until the proxy answers."""
    until = time.monotonic() + _SECONDS
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{_PORT}/health/liveliness", timeout=5)
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def main() -> None:
    """Ask the proxy by two routes, whole and streamed; print what was received of it."""
    programs = Path(sys.executable).parent
    with Providers() as server, receiving() as (endpoint, received), tempfile.TemporaryDirectory() as folder:
        models = [
            {
                "model_name": route,
                "litellm_params": {"model": f"{route}/m-1", "api_base": f"{server.url}/v1", "api_key": "key"},
            }
            for route in ("openai", "groq")
        ]
        config = Path(folder) / "config.yaml"  # JSON is YAML
        config.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": "sk-1"}}))
        signals = {f"OTEL_{each}_EXPORTER": "otlp" for each in ("TRACES", "METRICS", "LOGS")}
        other = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
        other |= {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_METRIC_EXPORT_INTERVAL": "500"}
        local = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "127.0.0.1", "HOME": folder}
        command = [programs / "opentelemetry-instrument", programs / "litellm", "-c", config]
        path = f"{programs}:{os.environ['PATH']}"
        with (Path(folder) / "log").open("wb") as log:
            proxy = subprocess.Popen(
                [*map(str, command), "--host", "127.0.0.1", "--port", str(_PORT)],
                env={**os.environ, **signals, **other, **local, "PATH": path},
                stdout=log,
                stderr=log,
            )
        try:
            _wait()
            for route in ("openai", "groq"):
                _ask(model=route)
                _ask(model=route, stream=True, stream_options={"include_usage": True})
            requests = len(server.paths)
            until = time.monotonic() + 20  # uvicorn ends by the signal: nothing is exported at its exit
            while received.total(INPUT)[0] < 4 and time.monotonic() < until:
                time.sleep(0.1)
        except OSError:
            print((Path(folder) / "log").read_text()[:6000], file=sys.stderr)
            raise
        finally:
            proxy.terminate()
            proxy.wait(60)
        spans = [span for span in received.spans if span.attributes.get("gen_ai.operation.name") == "chat"]
        counted = tuple(map(sum, zip(received.total(INPUT), received.total(OUTPUT), strict=True)))
        found = {
            "versions": [version("litellm")],
            "requests": requests,
            "spans": [(span.scope, span.name, span.attributes["gen_ai.provider.name"]) for span in spans],
            "streamed": sum("toolspan.stream.outcome" in span.attributes for span in spans),
            "tools": [
                call for span in spans for call in span.attributes.get("toolspan.tool_calls.names", ())
            ],
            "tokens": counted,
            "holds": requests == len(spans) == 4 and counted == (8, 4 * 18),
        }
        print(json.dumps(found))
        if not found["holds"]:
            print((Path(folder) / "log").read_text()[:6000], file=sys.stderr)


if __name__ == "__main__":
    main()
