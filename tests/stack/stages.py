"""Send a pipeline's stages to a real Jaeger, and run `toolspan pipeline` on them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

import toolspan
from tests.pipeline import shapes
from tests.pipeline.test_matching import passing, without_last_fragment

from . import jaeger, web
from .report import Report

SPANS = 4  # of a trace: three stages, and what stands around them
LOSING = {"passes": passing, "loses": without_last_fragment}
EXPECTED = {
    "passes": (0, "every chunk arrived", "the chunk passed all stages"),
    "loses": (1, "first at policy (chunk 9, last piece of tool call 1)", "the chunk disappeared at policy"),
}


def run(folder: Path, report: Report) -> None:
    """Send two traces, and ask about each."""
    with jaeger.serve(folder) as running:
        traces = send(running.otlp)
        for name, trace_id in traces.items():
            web.await_(f"the trace of {name}", lambda each=trace_id: complete(running, each))
            report(f"toolspan pipeline --jaeger: {name}", ask(running.port, trace_id, *EXPECTED[name]))


def send(otlp: str) -> dict[str, str]:
    """The ids of the traces."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=otlp, insecure=True)))
    trace.set_tracer_provider(provider)
    found = {}
    for name, policy in LOSING.items():
        with provider.get_tracer("test").start_as_current_span(name) as span:
            stream = toolspan.stage("model", iter(shapes.answer()))
            stream = toolspan.stage("policy", stream, through=policy)
            list(toolspan.stage("client", stream))
            found[name] = f"{span.get_span_context().trace_id:032x}"
    provider.shutdown()
    return found


def complete(running: jaeger.Jaeger, trace_id: str) -> bool | None:
    """Whether Jaeger has the three stages and the span around them."""
    try:
        found = running.trace(trace_id)
    except (LookupError, OSError):
        return None
    return True if found is not None and len(found["spans"]) == SPANS else None


def ask(port: int, trace_id: str, status: int, verdict: str, journey: str) -> Iterator[str]:
    """What the command says of a trace, and of one chunk in it."""
    command = [sys.executable, "-m", "toolspan", "pipeline", trace_id, "--chunk", "call:1:last"]
    done = subprocess.run(
        [*command, "--jaeger", f"http://127.0.0.1:{port}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != status:
        yield f"status {done.returncode}: {done.stdout}{done.stderr}"
    for words in (verdict, journey):
        if words not in done.stdout:
            yield f"{words!r} is not in the output: {done.stdout}"
