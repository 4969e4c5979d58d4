"""gevent patches the process: spans of greenlets that alternate do not mix."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("argument", ["plain", "redact"])
def test_each_greenlet_has_its_own_parent_and_calls(argument: str) -> None:
    """The stream of each greenlet has its own parent, tool calls, content and ending."""
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error::DeprecationWarning:toolspan",
            "-m",
            "tests.neighbours.greenlets",
            argument,
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "toolspan" not in done.stderr
    told = json.loads(done.stdout)
    turns = {f"turn {number}" for number in range(20)}
    assert {span["parent"] for span in told["spans"]} == turns
    assert set(told["loops"]) == turns
    assert len(told["spans"]) == 20
    for span in told["spans"]:
        early = int(span["parent"].split()[1]) % 3 == 0
        assert span["outcome"] == ("closed" if early else "completed")
        assert span["calls"] == (1 if early else 2)  # the one that was cut short has ended, too
        assert span["seen"] == (2 if argument == "redact" and not early else 0)  # there it had no arguments
