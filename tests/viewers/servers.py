"""Run the real viewers on loopback, with their data in a folder, and read what their lists of traces show."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.parts import REPOSITORY
from tests.e2e.processes import HOST, answers, free_ports, serving
from tests.stack import jaeger, web

SERVICE = "weather-agent"
CONVERSATION = "conversation-17"
USER = "user-3"
"""What the program that the viewers show has on its spans."""
ROOTS = """{projects {edges {node {id spans(first: 9, filterCondition: "parent_id is None") {edges {node {
  spanKind input {value} output {value} attributes trace {traceId session {sessionId}}}}}}}}}"""


@dataclass(frozen=True)
class Running:
    """A viewer: the ports that take OTLP over HTTP and that are asked, and how its list is read."""

    otlp: int
    port: int
    rows: Callable[[int], Iterator[Row]]


@dataclass(frozen=True)
class Row:
    """What a list shows of a trace, and the addresses of the list and of the trace."""

    trace_id: str
    facts: Mapping[str, Any]
    list: str
    page: str


@contextmanager
def phoenix(folder: Path) -> Iterator[Running]:
    """Run Phoenix."""
    port, grpc = free_ports(2)
    variables = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": HOST,
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(grpc),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    command = [_program("phoenix"), "serve"]
    with serving(command, folder / "phoenix.log", lambda: answers(port, "/healthz"), variables):
        yield Running(port, port, phoenix_rows)


@contextmanager
def mlflow(folder: Path) -> Iterator[Running]:
    """Run MLflow."""
    (port,) = free_ports(1)
    command = [_program("mlflow"), "server", "--host", HOST, "--port", port, "--workers", 1]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", folder / "artifacts"]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true"}
    with serving(command, folder / "mlflow.log", lambda: answers(port, "/health"), quiet):
        yield Running(port, port, mlflow_rows)


@contextmanager
def traces_only(folder: Path) -> Iterator[Running]:
    """Run Jaeger as it is built from its Go module: with its query API, without pages."""
    with jaeger.serve(folder) as running:
        yield Running(running.http, running.port, jaeger_rows)


VIEWERS: Mapping[str, Callable[[Path], AbstractContextManager[Running]]] = {
    "phoenix": phoenix,
    "mlflow": mlflow,
    "jaeger": traces_only,
}


def phoenix_rows(port: int) -> Iterator[Row]:
    """Read Phoenix's list of traces."""
    for project in _nodes(_post(port, "/graphql", {"query": ROOTS})["data"]["projects"]):
        for span in _nodes(project["spans"]):
            trace, address = span["trace"], f"/projects/{project['id']}/spans"
            facts = {
                "kind": span["spanKind"],
                "input": (span["input"] or {}).get("value"),
                "output": (span["output"] or {}).get("value"),
                "session": (trace["session"] or {}).get("sessionId"),
                "user": json.loads(span["attributes"]).get("user", {}).get("id"),
            }
            yield Row(trace["traceId"], facts, address, f"{address}/{trace['traceId']}")


def mlflow_rows(port: int) -> Iterator[Row]:
    """Read MLflow's list of traces, and the kind of each trace's first span."""
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}
    found = _post(port, "/api/3.0/mlflow/traces/search", {"locations": [place], "max_results": 9})
    for trace in found.get("traces", ()):
        name, shown, address = trace["trace_id"], trace["trace_metadata"], "/#/experiments/0/traces"
        spans = web.get(port, "/api/3.0/mlflow/traces/get", trace_id=name)["trace"]["spans"]
        (root,) = (span["attributes"] for span in spans if not span.get("parent_span_id"))
        facts = {
            "kind": {each["key"]: each["value"] for each in root}["mlflow.spanType"]["string_value"],
            "input": json.loads(trace["request_preview"]),
            "output": json.loads(trace["response_preview"]),
            "session": shown.get("mlflow.trace.session"),
            "user": shown.get("mlflow.trace.user"),
        }
        yield Row(name.removeprefix("tr-"), facts, address, f"{address}?selectedEvaluationId={name}")


def jaeger_rows(port: int) -> Iterator[Row]:
    """Read Jaeger's list of traces; it has no kinds, and shows messages as tags."""
    for trace in web.get(port, "/api/traces", service=SERVICE)["data"]:
        (root,) = (span for span in trace["spans"] if not span["references"])
        tags = {tag["key"]: tag["value"] for tag in root["tags"]}
        facts = {
            "kind": tags.get("openinference.span.kind"),
            "input": tags.get("input.value"),
            "output": tags.get("output.value"),
            "session": tags.get("gen_ai.conversation.id"),
            "user": tags.get("user.id"),
        }
        yield Row(trace["traceID"], facts, "/search", f"/trace/{trace['traceID']}")


def _program(name: str) -> Path:
    return REPOSITORY / ".cache" / "viewers" / name / "bin" / name


def _nodes(connection: dict[str, Any]) -> list[dict[str, Any]]:
    return [edge["node"] for edge in connection["edges"]]


def _post(port: int, path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        f"http://{HOST}:{port}{path}", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with web.direct.open(request, timeout=web.SECONDS) as answer:
        return json.load(answer)
