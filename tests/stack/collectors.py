"""Run the Collector with the shipped files."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.collector import PROGRAM
from tests.e2e.parts import REPOSITORY
from tests.e2e.processes import HOST, answers, free_ports, serving

from . import web

SHIPPED = REPOSITORY / "collector-config.yaml"


@dataclass(frozen=True)
class Collector:
    """A running Collector: its addresses for OTLP, the port of its own metrics, its log."""

    grpc: str
    http: str
    own: int
    log: Path

    @property
    def endpoint(self) -> str:
        """The URL for applications that speak OTLP over HTTP."""
        return f"http://{self.http}"


@contextmanager
def serve(
    name: str, folder: Path, variables: dict[str, str], *files: Path, port: int = 0
) -> Iterator[Collector]:
    """Run a Collector with these files, one laid over the other; only addresses come from the variables."""
    grpc, health, own, free = free_ports(4)
    http = port or free
    listening = {
        "OTLP_GRPC_LISTEN": f"{HOST}:{grpc}",
        "OTLP_HTTP_LISTEN": f"{HOST}:{http}",
        "HEALTH_LISTEN": f"{HOST}:{health}",
        "OWN_METRICS_HOST": HOST,
        "OWN_METRICS_PORT": str(own),
    }
    command: list[object] = [PROGRAM, *(f"--config=file:{file}" for file in files or (SHIPPED,))]
    log = folder / f"{name}.log"
    with serving(command, log, lambda: answers(health, "/"), variables | listening):
        yield Collector(f"{HOST}:{grpc}", f"{HOST}:{http}", own, log)


def own_metric(collector: Collector, name: str, holding: str = "") -> float:
    """The sum of one of the Collector's own counters, over the series whose labels hold a word."""
    with web.direct.open(f"http://{HOST}:{collector.own}/metrics", timeout=web.SECONDS) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name) and holding in line)
