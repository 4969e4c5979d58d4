"""Run the demo from the built wheel, in an environment without the sources, for each given interpreter.

`python tools/check_wheel.py python3.10 python3.13`; it needs only the standard library.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXPORTERS = [
    part for signal in ("traces", "logs", "metrics") for part in (f"--{signal}_exporter", "toolspan")
]
SHOWN = ("invoke_agent", "execute_tool get_weather", "tokens 92 in, 37 out", "toolspan.tool_calls")


def check(interpreter: str, wheel: Path, folder: Path) -> str:
    """Install the wheel and run the demo in a folder; return what is wrong, empty if nothing is."""
    scripts = folder / "venv" / "bin"
    extras = f"toolspan[openai,terminal,cost] @ {wheel.as_uri()}"
    pip = [scripts / "python", "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt"]
    subprocess.run([interpreter, "-m", "venv", folder / "venv"], check=True)
    subprocess.run([*pip, extras], check=True)
    for name in ("agent.py", "demo_server.py"):
        shutil.copy(ROOT / "examples" / name, folder)
    # The sources must not be found by accident.
    environment = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "OPENAI_API_KEY")
    }
    command = [scripts / "opentelemetry-instrument", *EXPORTERS, scripts / "python", "agent.py"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    missing = [text for text in SHOWN if text not in done.stderr]
    if done.returncode or missing:
        return f"status {done.returncode}, not shown: {missing}\n{done.stdout}\n{done.stderr}"
    return ""


def main() -> int:
    """Check the one wheel in `dist/` with each interpreter."""
    (wheel,) = (ROOT / "dist").glob("*.whl")
    faults = 0
    for interpreter in sys.argv[1:] or [sys.executable]:
        with tempfile.TemporaryDirectory() as folder:
            fault = check(interpreter, wheel, Path(folder))
        print(f"{interpreter}: {fault or 'the demo runs from the wheel'}", flush=True)
        faults += bool(fault)
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
