"""Run Prometheus and promtool from Debian sid with the shipped files."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.e2e import debian
from tests.e2e.parts import REPOSITORY, Part, only
from tests.e2e.processes import HOST, FatalError, answers, free_ports, run, serving

from . import web

FILES = REPOSITORY / "deploy" / "compose"


def _fill(folder: Path) -> None:
    debian.unpack("prometheus", folder)
    run([*program("promtool"), "--version"])


PART = Part("prometheus", "of Debian sid", _fill)
Sample = dict[str, str]


def program(name: str) -> list[object]:
    """The command of a program of the package, with sid's own loader and libraries."""
    loader = only(PART.folder, "usr/lib64/ld-linux-*.so.*")
    libraries = only(PART.folder, "usr/lib/*/libc.so.6").parent
    return [loader, "--library-path", libraries, PART.folder / "usr" / "bin" / name]


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus: where it is written to, and where it is asked."""

    port: int

    @property
    def write_url(self) -> str:
        """Where remote write goes."""
        return f"http://{HOST}:{self.port}/api/v1/write"

    def query(self, expression: str) -> list[tuple[Sample, float]]:
        """The samples of an instant query: labels and value."""
        answer = self._get("/api/v1/query", query=expression)
        return [(each["metric"], float(each["value"][1])) for each in answer["result"]]

    def exemplars(self, selector: str) -> list[Sample]:
        """The labels of the exemplars of some series, of the last hour."""
        now = float(self._get("/api/v1/query", query="time()")["result"][1])
        found = self._get("/api/v1/query_exemplars", query=selector, start=str(now - 3600), end=str(now + 60))
        return [exemplar["labels"] for series in found for exemplar in series["exemplars"]]

    def rules(self) -> list[dict[str, Any]]:
        """The alert rules, as the server evaluates them."""
        return [rule for group in self._get("/api/v1/rules")["groups"] for rule in group["rules"]]

    def _get(self, path: str, **query: str) -> Any:
        answer = web.get(self.port, path, **query)
        if answer["status"] != "success":
            raise FatalError(f"Prometheus refused {query.get('query', path)}: {answer.get('error')}")
        return answer["data"]


@contextmanager
def serve(folder: Path) -> Iterator[Prometheus]:
    """Run Prometheus with the flags of docker-compose.yml, but for its address and its folders."""
    (port,) = free_ports(1)
    ours = {"--config.file": FILES / "prometheus.yml", "--storage.tsdb.path": folder / "prometheus"}
    command = [*program("prometheus"), f"--web.listen-address={HOST}:{port}"]
    for flag in yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]["prometheus"][
        "command"
    ]:
        name = flag.partition("=")[0]
        command.append(f"{name}={ours[name]}" if name in ours else flag)
    with serving(command, folder / "prometheus.log", lambda: answers(port, "/-/ready")):
        yield Prometheus(port)
