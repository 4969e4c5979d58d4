"""Every file that users get is accepted by the program that reads it, and a broken copy of it is not.

It must not know what the files do.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import yaml
from tests.e2e import debian
from tests.e2e.collector import PROGRAM
from tests.e2e.parts import HERE, REPOSITORY, Part
from tests.e2e.processes import FatalError, run
from tools.dashboards.__main__ import stale

from .prometheus import program
from .report import Report

COMPOSE = Part("docker-compose", "of Debian sid", lambda folder: debian.unpack("docker-compose", folder))
SCHEMA = HERE.parent / "stack" / "kubernetes.schema.json"
Judge = Callable[[Path], object]


@dataclass(frozen=True)
class Shipped:
    """A file, who judges it, and what has to be replaced in it so that it is broken."""

    file: str
    judge: Judge
    words: str
    broken: str


def compose(root: Path) -> None:
    """`docker compose config`, with the profile."""
    plugin = COMPOSE.folder / "usr" / "libexec" / "docker" / "cli-plugins" / "docker-compose"
    run([plugin, "--project-directory", root, "-f", root / "docker-compose.yml", "--profile", "demo", "config", "-q"])


def otelcol(*files: str) -> Judge:
    """`otelcol validate` of files laid over each other."""
    return lambda root: run([PROGRAM, "validate", *(f"--config=file:{root / file}" for file in files)])


def promtool(*words: str) -> Judge:
    """promtool on a file of the folder of Prometheus' files."""
    return lambda root: run([*program("promtool"), *words[:-1], root / "deploy" / "compose" / words[-1]])


def dashboards(root: Path) -> None:
    """The committed dashboards are what the code makes."""
    if found := stale(root / "dashboards"):
        raise FatalError(f"not up to date: {', '.join(found)}")


def grafana(root: Path) -> None:
    """Exemplars lead to a data source that there is, and the dashboards' folder is the one that is mounted."""
    folder = root / "deploy" / "compose" / "grafana"
    sources = yaml.safe_load((folder / "datasources.yaml").read_text())["datasources"]
    uids = {source["uid"] for source in sources}
    leads = [lead for source in sources for lead in source.get("jsonData", {}).get("exemplarTraceIdDestinations", [])]
    if not leads or any(lead["datasourceUid"] not in uids for lead in leads):
        raise FatalError("an exemplar leads nowhere")
    mounted = (root / "docker-compose.yml").read_text()
    for provider in yaml.safe_load((folder / "dashboards.yaml").read_text())["providers"]:
        if f"./dashboards:{provider['options']['path']}:ro" not in mounted:
            raise FatalError(f"{provider['options']['path']} is not mounted")


def kubernetes(name: str) -> Judge:
    """The resource has the fields and types of the operator's own, and a Collector's configuration is that of `scale/`."""

    def judge(root: Path) -> None:
        resource = yaml.safe_load((root / "deploy" / "kubernetes" / f"{name}.yaml").read_text())
        try:
            jsonschema.validate(resource, json.loads(SCHEMA.read_text()))
        except jsonschema.ValidationError as error:
            raise FatalError(error.message) from None
        scale = root / "deploy" / "scale" / f"{name}.yaml"
        if scale.exists() and resource["spec"]["config"] != yaml.safe_load(scale.read_text()):
            raise FatalError(f"kubernetes/{name}.yaml and scale/{name}.yaml differ")

    return judge


AGENT, GATEWAY = "deploy/scale/agent.yaml", "deploy/scale/gateway.yaml"
FILES = (
    Shipped("docker-compose.yml", compose, "jaeger: {condition", "jager: {condition"),
    Shipped("collector-config.yaml", otelcol("collector-config.yaml"), "limit_mib:", "limit_mibs:"),
    Shipped("deploy/compose/prometheus.yml", promtool("check", "config", "prometheus.yml"), "rule_files", "rule_file"),
    Shipped("deploy/compose/alerts.yml", promtool("check", "rules", "alerts.yml"), "histogram_quantile(", "histogram_quantil("),
    Shipped("deploy/compose/alerts.yml", promtool("test", "rules", "alerts_test.yml"), "> 0.05", "> 0.5"),
    Shipped("deploy/compose/grafana/datasources.yaml", grafana, "datasourceUid: jaeger", "datasourceUid: jager"),
    Shipped("dashboards/toolspan-slow.json", dashboards, "0.95", "0.99"),
    Shipped(AGENT, otelcol(AGENT), "routing_key: traceID", "routing_key: traceId"),
    Shipped(GATEWAY, otelcol(GATEWAY), "decision_wait:", "decision_waits:"),
    Shipped("deploy/scale/agent-kafka.yaml", otelcol(AGENT, "deploy/scale/agent-kafka.yaml"), "brokers:", "broker:"),
    Shipped("deploy/scale/gateway-kafka.yaml", otelcol(GATEWAY, "deploy/scale/gateway-kafka.yaml"), "topics:", "topik:"),
    Shipped("deploy/kubernetes/instrumentation.yaml", kubernetes("instrumentation"), "sampler:", "sampling:"),
    Shipped("deploy/kubernetes/agent.yaml", kubernetes("agent"), "timeout: 1s", "timeout: 2s"),
    Shipped("deploy/kubernetes/gateway.yaml", kubernetes("gateway"), "statefulset", "stateful"),
)


def judged(shipped: Shipped, folder: Path) -> Iterator[str]:
    """The file as it is committed is accepted; with one word changed it is refused."""
    try:
        shipped.judge(REPOSITORY)
    except FatalError as error:
        yield f"is refused: {error}"
    text = (REPOSITORY / shipped.file).read_text()
    if shipped.words not in text:
        yield f"does not hold {shipped.words!r}, which is to be broken"
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
    yield f"is accepted with {shipped.broken!r} in it"


def run_all(folder: Path, report: Report) -> None:
    """Judge every file."""
    for shipped in FILES:
        report(f"{shipped.file} is accepted, and refused with {shipped.broken!r}", judged(shipped, folder))
