"""`make pictures`: what the terminal shows of real runs, as `docs/pictures/*.svg`.

Each picture is the output of a program that runs against a scripted server on this machine. Ids, times and
durations therefore differ from run to run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
EXAMPLES = ROOT / "examples"
COLUMNS = 100

_FAULTY = """
from faulty_server import FaultyHandler
from demo_server import demo_server
from openai import OpenAI, OpenAIError
import toolspan

toolspan.show(content=True)
with demo_server(handler=FaultyHandler) as url, toolspan.agent("support"):
    for model in {models!r}:
        try:
            OpenAI(base_url=url, api_key="demo").chat.completions.create(
                model=model, messages=[{{"role": "user", "content": "Hello"}}]
            )
        except OpenAIError:
            pass
"""
_STAGES = """
from demo_server import demo_server
from openai import OpenAI
import toolspan

toolspan.show()

@toolspan.stage("policy")
def policy(chunks):
    for position, chunk in enumerate(chunks):
        if position != 3:
            yield chunk

with demo_server() as url, toolspan.agent("answer"):
    stream = OpenAI(base_url=url, api_key="demo").chat.completions.create(
        model="gpt-4.1-mini", messages=[{"role": "user", "content": "Hello"}], stream=True,
        stream_options={"include_usage": True},
    )
    for chunk in toolspan.stage("client", policy(toolspan.stage("gateway", stream))):
        pass
"""


class Picture(NamedTuple):
    """The program of a picture, a file of the examples or a text."""

    program: str
    title: str
    capture: str = "SPAN_ONLY"


PICTURES = {
    "agent": Picture("agent.py", "make demo"),
    "runaway": Picture("agent_runaway.py", "python examples/agent_runaway.py", "NO_CONTENT"),
    "retries": Picture(_FAULTY.format(models=["limited"]), "a request that is refused twice"),
    "errors": Picture(_FAULTY.format(models=["broken", "gpt-4.1-mini"]), "a request that fails"),
    "stages": Picture(_STAGES, "a pipeline that loses a chunk", "NO_CONTENT"),
}


def run(program: str, capture: str) -> str:
    """Return what the terminal shows of a program, with its colours."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "OTEL_"))
    }
    environment |= {
        "FORCE_COLOR": "1",
        "COLUMNS": str(COLUMNS),
        "PYTHONPATH": f"{ROOT / 'src'}:{EXAMPLES}",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": capture,
        "OTEL_BLRP_SCHEDULE_DELAY": "50",
    }
    command = [sys.executable, "-c", program]
    if program.endswith(".py"):
        instrument = Path(sys.executable).with_name("opentelemetry-instrument")
        exporters = [f"--{each}_exporter=toolspan" for each in ("traces", "logs", "metrics")]
        command = [str(instrument), *exporters, sys.executable, str(EXAMPLES / program)]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=True
        )
    return done.stderr


def draw(name: str, picture: Picture) -> None:
    """Write the picture of what a program shows, without the table of metrics."""
    shown = re.split(r"\n(?:\x1b\[[\d;]*m)*metric ", run(picture.program, picture.capture))[0].strip("\n")
    console = Console(record=True, width=COLUMNS, force_terminal=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(Text.from_ansi(shown))
    FOLDER.mkdir(exist_ok=True)
    drawn = console.export_svg(title=picture.title, unique_id=f"toolspan-{name}")
    # No picture requests a font from another site.
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL).replace("Fira Code, ", "")
    (FOLDER / f"{name}.svg").write_text(drawn, "utf-8")


if __name__ == "__main__":
    for name, picture in PICTURES.items():
        draw(name, picture)
        print(f"docs/pictures/{name}.svg")
