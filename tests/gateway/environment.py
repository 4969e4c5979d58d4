"""Make the environment of the proxy, and run the parts of the example as processes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.demo_server import demo_server
from tests.e2e.parts import REPOSITORY, Part, digest, python_with
from tests.e2e.processes import HOST, answers, free_ports, run, serving

EXAMPLE = REPOSITORY / "examples" / "pipeline"
REQUIREMENTS = ("litellm[proxy]==1.108.7", "websockets")
TELEMETRY = ("opentelemetry-distro", "opentelemetry-exporter-otlp-proto-http")
_OFFLINE = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
_OURS = ("OTEL_", "TOOLSPAN_", "OPENAI_", "PYTHON", "LITELLM_")


def _fill(folder: Path) -> None:
    python = python_with(folder, *REQUIREMENTS, *TELEMETRY, "--editable", str(REPOSITORY))
    # The first import compiles a thousand modules, which may take longer than a server has to start.
    run([python, "-c", "import litellm.proxy.proxy_server"], variables=_OFFLINE)


_PROJECT = (REPOSITORY / "pyproject.toml").read_text().partition("\n[tool.")[0]
PART = Part("proxy", digest(REQUIREMENTS, TELEMETRY, _PROJECT, sys.version), _fill)
FOLDER = PART.folder


@dataclass(frozen=True)
class Running:
    """The running parts: where the proxy is, and the logs of all."""

    proxy: str
    logs: dict[str, Path]
    variables: dict[str, str]

    def client(self, *policies: str) -> list[dict[str, Any]]:
        """One chat under each policy, as the client tells of it."""
        command = [*instrumented(), EXAMPLE / "client.py", self.proxy, *policies]
        output = run(command, variables=self.variables | {"OTEL_SERVICE_NAME": "client"})
        return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def instrumented() -> list[object]:
    """What a program of the example runs under."""
    programs = FOLDER / "bin"
    return [programs / "opentelemetry-instrument", programs / "python"]


@contextmanager
def running(folder: Path, endpoint: str) -> Iterator[Running]:
    """All parts but the client; telemetry goes to the endpoint."""
    control, proxy = free_ports(2)
    variables = _variables(folder, endpoint)
    logs = {name: folder / f"{name}.log" for name in ("control-plane", "proxy")}
    with ExitStack() as stack:
        model = stack.enter_context(demo_server(pause=0.02))
        stack.enter_context(
            serving(
                [*instrumented(), EXAMPLE / "control_plane.py", "--port", control],
                logs["control-plane"],
                lambda: answers(control, "/healthz"),
                variables | {"OTEL_SERVICE_NAME": "control-plane", "TOOLSPAN_SOCKET_LOG": "on"},
            )
        )
        more = {
            "OTEL_SERVICE_NAME": "gateway",
            "MODEL_URL": model,
            "CONTROL_PLANE": f"ws://{HOST}:{control}",
            "PYTHONPATH": str(EXAMPLE),
        }
        programs = FOLDER / "bin"
        command: list[object] = [programs / "opentelemetry-instrument", programs / "litellm"]
        command += ["-c", EXAMPLE / "litellm.yaml", "--host", HOST, "--port", proxy]
        stack.enter_context(
            serving(command, logs["proxy"], lambda: answers(proxy, "/health/liveliness"), variables | more)
        )
        yield Running(f"http://{HOST}:{proxy}/v1", logs, variables)


def _variables(folder: Path, endpoint: str) -> dict[str, str]:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    cleared = {name: "" for name in os.environ if name.startswith(_OURS)}
    return {
        **cleared,
        "PATH": f"{FOLDER / 'bin'}:{os.environ['PATH']}",
        "HOME": str(home),
        "NO_PROXY": HOST,
        "no_proxy": HOST,
        **_OFFLINE,
        "PYTHONUNBUFFERED": "1",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "TOOLSPAN_SAMPLE_EVERY": "5",
    }
