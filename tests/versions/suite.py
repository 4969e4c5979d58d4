"""Run the tests in an environment, and read their result."""

from __future__ import annotations

import os
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from tests.e2e.parts import REPOSITORY
from tests.e2e.processes import tail

LONG = (
    "tests/agent_loop/test_loop_agents.py",
    "tests/agent_loop/test_repeated_requests_of_clients.py",
    "tests/sdk/test_endings_exit.py",
    "tests/sdk/test_redaction_exit.py",
    "tests/sdk/test_retries_faults.py",
)
"""Half of the time: processes that end, many agents, faults of ours."""
SECONDS = 1800
"""No environment may take longer."""
STUCK = 120
"""Seconds after which one test is taken to hang; pytest then ends, and says where."""
_OURS = ("OTEL_", "TOOLSPAN_", "OPENAI_", "PYTHON")
_LACKS = "this SDK has no "


class Outcome(NamedTuple):
    """What came of the tests; `problem` says why they do not count, empty if all is well."""

    passed: int
    failed: int
    skipped: Counter[str]
    """How many for each reason."""
    seconds: float
    problem: str = ""

    @property
    def why(self) -> str:
        """The reasons in one phrase; what an SDK lacks is one of them."""
        lacks = Counter({why[len(_LACKS) :]: n for why, n in self.skipped.items() if why.startswith(_LACKS)})
        others = [f"{why} ({n})" for why, n in self.skipped.most_common() if not why.startswith(_LACKS)]
        if lacks:
            most = ", ".join(f"`{feature}`" for feature, _ in lacks.most_common(2))
            more = f" and {len(lacks) - 2} more" if len(lacks) > 2 else ""
            others.insert(0, f"the SDK has no {most}{more} ({lacks.total()})")
        return "; ".join(others)


def play(python: Path, folder: Path, filters: list[str], *, whole: bool) -> Outcome:
    """Run the tests, without the long ones unless wanted; the output and a report lie in the folder."""
    report, log = folder / "report.xml", folder / "output.log"
    report.unlink(missing_ok=True)
    command = [
        python,
        "-m",
        "pytest",
        "-q",
        "-m",
        "not slow",
        "--full",
        "-p",
        "no:cacheprovider",
        f"--junitxml={report}",
    ]
    command += ["-o", f"faulthandler_timeout={STUCK}", "-o", "faulthandler_exit_on_timeout=true"]
    command += [word for each in filters for word in ("-W", each)]
    command += [] if whole else [f"--ignore={each}" for each in LONG]
    began = time.monotonic()
    try:
        with log.open("w") as output:
            done = subprocess.run(
                list(map(str, command)),
                cwd=REPOSITORY,
                env=_variables(python, folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return Outcome(0, 0, Counter(), time.monotonic() - began, f"did not end within {SECONDS} s")
    return _read(report, done.returncode, log, time.monotonic() - began)


def _variables(python: Path, folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {
        **kept,
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
    }


def _read(report: Path, code: int, log: Path, seconds: float) -> Outcome:
    if not report.is_file():
        return Outcome(0, 0, Counter(), seconds, f"ended with {code}:\n{tail(log.read_text())}")
    counts: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    for case in ET.parse(report).iter("testcase"):
        kind = next(
            (kind for kind in ("error", "failure", "skipped") if case.find(kind) is not None), "passed"
        )
        counts["failed" if kind in ("error", "failure") else kind] += 1
        if (found := case.find("skipped")) is not None:
            skipped[_reason(found)] += 1
    problem = "" if code == 0 and counts["passed"] else f"ended with {code}:\n{tail(log.read_text())}"
    return Outcome(counts["passed"], counts["failed"], skipped, seconds, problem)


def _reason(skipped: ET.Element) -> str:
    """Why; a whole module that was skipped tells it at the end of a tuple."""
    message = skipped.get("message", "")
    if message == "collection skipped":
        message = (skipped.text or "").rpartition("'Skipped: ")[2].rstrip("')")
    return message if message.startswith(_LACKS) else message.partition(": ")[0]
