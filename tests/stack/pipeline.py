"""Run the examples through Collector, Jaeger and Prometheus, as a user does."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.e2e.processes import HOST, FatalError, answers, free_ports, serving

from . import apps, collectors, jaeger, panels, prometheus, sums, traces
from .report import Report, soon

ROUNDS = ("--rounds", "4", "--pause", "1")


def run(folder: Path, report: Report) -> None:
    """Start everything, play every example, and check what came out at the other end."""
    with ExitStack() as stack:
        metrics = stack.enter_context(prometheus.serve(folder))
        spans = stack.enter_context(jaeger.serve(folder))
        sent_to = {"JAEGER_OTLP_ENDPOINT": spans.otlp, "PROMETHEUS_WRITE_URL": metrics.write_url}
        collector = stack.enter_context(collectors.serve("collector", folder, sent_to))
        for name in ("agent", "zero_code"):
            apps.play(f"{name}.py", apps.environment(name, collector.endpoint))
        ask_service(folder, collector.endpoint)
        seen = stack.enter_context(apps.storm(folder, apps.environment("storm", collector.endpoint), *ROUNDS))
        report("the agent's traces, events in order", soon(lambda: traces.check_agent(spans, "agent")))
        report(
            "the service's trace, turns below the request",
            soon(lambda: traces.check_service(spans, "service")),
        )
        report("a span for every request of the storm", soon(lambda: traces.check_storm(spans, seen)))
        report("sums equal the application's own counts", soon(lambda: sums.check(metrics, seen)))
        report("every panel and every alert, on a real server", soon(lambda: panels.check(metrics)))
        asked = next(
            panel for panel in panels.panels() if panel["title"] == "How long until the first chunk?"
        )
        found = metrics.exemplars(panels.chosen(asked["targets"][0]["expr"]))
        report("an exemplar of a panel leads to its trace", traces.check_exemplars(spans, found))
        report("logs arrive", logs(collector.log))


def ask_service(folder: Path, endpoint: str) -> None:
    """Start the web service, ask it one question, and stop it: only then its spans go out."""
    (port,) = free_ports(1)
    variables = apps.environment("service", endpoint, PORT=str(port), OTEL_BSP_SCHEDULE_DELAY="60000")
    with serving(
        apps.command("service.py"), folder / "service.log", lambda: answers(port, "/docs"), variables
    ):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{HOST}:{port}/ask?question=weather", timeout=30) as answer:
            text = answer.read().decode()
    if "18 °C" not in text:
        raise FatalError(f"the service answered {text!r}")


def logs(file: Path) -> Iterator[str]:
    """The Collector's debug exporter says that it had log records."""
    if '"log records":' not in file.read_text():
        yield "the Collector received no log records"
