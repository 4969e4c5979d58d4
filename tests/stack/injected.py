"""Do to a process what the Kubernetes operator does to a pod: a folder on PYTHONPATH adds the SDK.

The application's own environment holds the OpenAI SDK and toolspan without extras.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.e2e import pins
from tests.e2e.parts import REPOSITORY, Part, digest, install, python_with
from tests.e2e.processes import HOST, free_ports, run

from . import apps, collectors
from .report import Report, soon

BROUGHT = [pin for pin in pins.APPLICATION if pin.startswith("opentelemetry-")]


def _fill(folder: Path) -> None:
    openai = next(pin for pin in pins.APPLICATION if pin.startswith("openai=="))
    python = python_with(folder / "application", "--editable", str(REPOSITORY), openai)
    install(python, "--target", folder / "injected", *BROUGHT)


PART = Part("injected", digest(pins.APPLICATION, (REPOSITORY / "pyproject.toml").read_text()), _fill)


def arrived(collector: collectors.Collector) -> Iterator[str]:
    """The Collector took the one span of the program, and its metrics."""
    spans = collectors.own_metric(collector, "otelcol_receiver_accepted_spans")
    if spans != 1:
        yield f"{spans:g} spans arrived, not one"
    if not collectors.own_metric(collector, "otelcol_receiver_accepted_metric_points"):
        yield "no metrics arrived"


def inject(folder: Path, report: Report) -> None:
    """Run the example without code, started by its own Python, as a pod would."""
    injected = PART.folder / "injected"
    path = f"{injected / 'opentelemetry' / 'instrumentation' / 'auto_instrumentation'}:{injected}"
    (nowhere,) = free_ports(1)
    to = {"JAEGER_OTLP_ENDPOINT": f"{HOST}:{nowhere}", "PROMETHEUS_WRITE_URL": f"http://{HOST}:{nowhere}/"}
    with collectors.serve("collector", folder, to) as collector:
        program = [PART.folder / "application" / "bin" / "python", REPOSITORY / "examples" / "zero_code.py"]
        run(program, variables=apps.environment("pod", collector.endpoint, PYTHONPATH=path))
        report("a process is traced by the files that the operator injects", soon(lambda: arrived(collector)))
