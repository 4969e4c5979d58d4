"""Check that each shipped file is valid for the program that reads it, and that a broken copy is not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.parts import REPOSITORY
from tests.e2e.processes import FatalError

from .judges import Judge, compose, dashboards, grafana, kubernetes, otelcol, promtool
from .report import Report


@dataclass(frozen=True)
class Shipped:
    """A file, who judges it, and what has to be replaced in it so that it is broken."""

    file: str
    judge: Judge
    words: str
    broken: str


AGENT, GATEWAY = "deploy/scale/agent.yaml", "deploy/scale/gateway.yaml"
FILES = (
    Shipped("docker-compose.yml", compose, "jaeger: {condition", "jager: {condition"),
    Shipped("collector-config.yaml", otelcol("collector-config.yaml"), "limit_mib:", "limit_mibs:"),
    Shipped(
        "deploy/compose/prometheus.yml",
        promtool("check", "config", "prometheus.yml"),
        "rule_files",
        "rule_file",
    ),
    Shipped(
        "deploy/compose/alerts.yml",
        promtool("check", "rules", "alerts.yml"),
        "histogram_quantile(",
        "histogram_quantil(",
    ),
    Shipped("deploy/compose/alerts.yml", promtool("test", "rules", "alerts_test.yml"), "> 0.05", "> 0.5"),
    Shipped(
        "deploy/compose/grafana/datasources.yaml", grafana, "datasourceUid: jaeger", "datasourceUid: jager"
    ),
    Shipped("dashboards/toolspan-slow.json", dashboards, "0.95", "0.99"),
    Shipped(AGENT, otelcol(AGENT), "routing_key: traceID", "routing_key: traceId"),
    Shipped(GATEWAY, otelcol(GATEWAY), "decision_wait:", "decision_waits:"),
    Shipped(
        "deploy/scale/agent-kafka.yaml",
        otelcol(AGENT, "deploy/scale/agent-kafka.yaml"),
        "brokers:",
        "broker:",
    ),
    Shipped(
        "deploy/scale/gateway-kafka.yaml",
        otelcol(GATEWAY, "deploy/scale/gateway-kafka.yaml"),
        "topics:",
        "topik:",
    ),
    Shipped("deploy/kubernetes/instrumentation.yaml", kubernetes("instrumentation"), "sampler:", "sampling:"),
    Shipped("deploy/kubernetes/agent.yaml", kubernetes("agent"), "timeout: 1s", "timeout: 2s"),
    Shipped("deploy/kubernetes/gateway.yaml", kubernetes("gateway"), "statefulset", "stateful"),
)


def judged(shipped: Shipped, folder: Path) -> Iterator[str]:
    """The file as it is committed is accepted; with one word changed it is refused."""
    try:
        shipped.judge(REPOSITORY)
    except FatalError as error:
        yield f"rejected: {error}"
    text = (REPOSITORY / shipped.file).read_text()
    if shipped.words not in text:
        yield f"does not contain {shipped.words!r}, which the test replaces"
        return
    for part in ("docker-compose.yml", "collector-config.yaml"):
        shutil.copy(REPOSITORY / part, folder / part)
    for part in ("deploy", "dashboards"):
        shutil.copytree(REPOSITORY / part, folder / part, dirs_exist_ok=True)
    (folder / shipped.file).write_text(text.replace(shipped.words, shipped.broken))
    try:
        shipped.judge(folder)
    except FatalError:
        return
    yield f"accepted with {shipped.broken!r}"


def run_all(folder: Path, report: Report) -> None:
    """Judge every file."""
    for shipped in FILES:
        report(f"{shipped.file} is valid, and invalid with {shipped.broken!r}", judged(shipped, folder))
