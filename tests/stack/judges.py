"""Validate the shipped files with the programs and schemas that read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import yaml

from tests.e2e import debian
from tests.e2e.collector import PROGRAM, VERSION
from tests.e2e.parts import HERE, Part
from tests.e2e.processes import FatalError, run
from tools.dashboards.__main__ import stale

from .prometheus import program

COMPOSE = Part("docker-compose", "of Debian sid", lambda folder: debian.unpack("docker-compose", folder))
SCHEMA = HERE.parent / "stack" / "kubernetes.schema.json"
Judge = Callable[[Path], object]


def compose(root: Path) -> None:
    """`docker compose config`, with the profile; and the Collector is the one that is tested here."""
    services = yaml.safe_load((root / "docker-compose.yml").read_text())["services"]
    if not services["collector"]["image"].endswith(f":{VERSION}"):
        raise FatalError(f"the Collector's version is not {VERSION}, that of deploy/builder.yaml")
    plugin = COMPOSE.folder / "usr" / "libexec" / "docker" / "cli-plugins" / "docker-compose"
    run(
        [
            plugin,
            "--project-directory",
            root,
            "-f",
            root / "docker-compose.yml",
            "--profile",
            "demo",
            "config",
            "-q",
        ]
    )


def otelcol(*files: str) -> Judge:
    """`otelcol validate` of files laid over each other."""
    return lambda root: run([PROGRAM, "validate", *(f"--config=file:{root / file}" for file in files)])


def promtool(*words: str) -> Judge:
    """Promtool on a file of the folder of Prometheus' files."""
    return lambda root: run([*program("promtool"), *words[:-1], root / "deploy" / "compose" / words[-1]])


def dashboards(root: Path) -> None:
    """The committed dashboards are what the code makes."""
    if found := stale(root / "dashboards"):
        raise FatalError(f"not up to date: {', '.join(found)}")


def grafana(root: Path) -> None:
    """Exemplars lead to a data source that there is, and the folder of the dashboards is mounted."""
    folder = root / "deploy" / "compose" / "grafana"
    sources = yaml.safe_load((folder / "datasources.yaml").read_text())["datasources"]
    uids = {source["uid"] for source in sources}
    leads = [
        lead
        for source in sources
        for lead in source.get("jsonData", {}).get("exemplarTraceIdDestinations", [])
    ]
    if not leads or any(lead["datasourceUid"] not in uids for lead in leads):
        raise FatalError("an exemplar's data source does not exist")
    mounted = (root / "docker-compose.yml").read_text()
    for provider in yaml.safe_load((folder / "dashboards.yaml").read_text())["providers"]:
        if f"./dashboards:{provider['options']['path']}:ro" not in mounted:
            raise FatalError(f"{provider['options']['path']} is not mounted")


def kubernetes(name: str) -> Judge:
    """Fields and types are the operator's own, and a Collector's configuration is that of `scale/`."""

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
