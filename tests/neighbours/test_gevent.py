"""Servers that are patched by gevent: spans of greenlets that run in turns do not mix.

It must not know how the context is kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent


def test_greenlets() -> None:
    """Each stream has the parent of its own greenlet, its own calls and its own ending."""
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:toolspan", "-m", "tests.neighbours.greenlets"],
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
