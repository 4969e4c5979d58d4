"""Programs in processes that fork from one interpreter: it imports the SDKs once, and never toolspan.

Each program ends as any process does: its interpreter exits, with all that runs at exit. To start an
interpreter for each takes a second, most of it for the imports.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SECONDS = 60
"""A program that takes longer is killed; its code is then negative."""


class Ended(NamedTuple):
    """What became of a program."""

    code: int
    stdout: str
    stderr: str


class Programs:
    """An interpreter in which warnings are errors."""

    def __init__(self) -> None:
        command = [sys.executable, "-W", "error", "-m", __name__]
        self._server = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        """End the interpreter."""
        self._server.communicate()

    def run(self, *program: str, **environment: str) -> Ended:
        """Run the program's parts, each indented as it likes, with these variables of the environment."""
        text = "\n".join(map(textwrap.dedent, program))
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps([text, folder, environment]), file=self._server.stdin, flush=True)
            code = int(self._server.stdout.readline())
            return Ended(code, *((Path(folder) / name).read_text() for name in ("stdout", "stderr")))


def serve() -> str:
    """Fork for each request; return in the forked process, with its program."""
    while request := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            return _start(*json.loads(request))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return ""


def _start(text: str, folder: str, environment: dict[str, str]) -> str:
    """Prepare a forked process: its time, its environment, its output."""
    signal.alarm(SECONDS)
    os.environ.update(environment)
    for number, name in enumerate((os.devnull, f"{folder}/stdout", f"{folder}/stderr")):
        file = os.open(name, os.O_RDWR | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    return text


if __name__ == "__main__":
    from opentelemetry.sdk._logs import export as _logs
    from opentelemetry.sdk.metrics import export as _metrics
    from opentelemetry.sdk.trace import export as _traces
    from rich import console as _console
    from rich import table as _table

    from tests.sdk import script as _script
    from tests.sdk.http_module import KEY, openai

    _imported = (
        _console,
        _logs,
        _metrics,
        _table,
        _traces,
        _script,
        openai.OpenAI(api_key=KEY).chat.completions,
    )
    assert not [name for name in sys.modules if name.startswith("toolspan")]
    gc.collect()
    gc.freeze()  # else the exit of each program frees all that is imported here: half of its time
    text = serve()
    sys.modules["__main__"] = ModuleType("__main__")  # the program's only: what is frozen holds this one
    exec(compile(text, "<program>", "exec"), vars(sys.modules["__main__"]))
