"""Names, units and buckets: complete, distinct, and the ones the convention lists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import toolspan
from toolspan.otel import semconv

SOURCE = Path(toolspan.__file__).parent
NAMES = {
    name: value
    for name, value in vars(semconv).items()
    if name.isupper() and isinstance(value, str) and name not in ("SCOPE", "OWN", "ERROR_OTHER")
}


def test_names_are_distinct() -> None:
    """No two constants stand for the same name, but where attribute and metric share one on purpose."""
    values = list(NAMES.values())
    shared = {value for value in values if values.count(value) > 1}
    assert shared <= {semconv.STREAMS, semconv.TOOL_CALLS}


@pytest.mark.parametrize("name", NAMES.values())
def test_names_are_dotted_lowercase(name: str) -> None:
    """Every name follows OpenTelemetry's naming rules: lower case, dots, underscores; units are UCUM."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+|s|By|USD|\{[a-z]+\}", name)


def test_only_known_namespaces() -> None:
    """What no convention names lies under `toolspan.`; there is no other namespace of ours."""
    spaces = {name.partition(".")[0] for name in NAMES.values() if "." in name}
    assert spaces == {"gen_ai", "openai", "server", "error", "exception", "http", "toolspan"}


def test_duration_buckets() -> None:
    """The convention's fourteen boundaries for durations."""
    expected = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
    assert list(semconv.DURATION_BUCKETS) == pytest.approx(expected)


def test_token_buckets() -> None:
    """The convention's fourteen boundaries for tokens."""
    expected = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864]
    assert list(semconv.TOKEN_BUCKETS) == expected


def test_size_buckets() -> None:
    """From 16 bytes to 4 MiB, rising."""
    assert semconv.SIZE_BUCKETS[0] == 16
    assert semconv.SIZE_BUCKETS[-1] == 4 * 1024 * 1024
    assert list(semconv.SIZE_BUCKETS) == sorted(set(semconv.SIZE_BUCKETS))


@pytest.mark.parametrize("path", sorted((SOURCE / "otel").glob("*.py")), ids=lambda path: path.name)
def test_names_are_written_nowhere_else(path: Path) -> None:
    """No other module of the telemetry ring writes a dotted name of its own."""
    if path.name in ("semconv.py", "semconv_stages.py"):
        return
    prefixes = ("gen_ai.", "openai.", "server.", "toolspan.tool", "toolspan.stream")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [text for text in found if text.startswith(prefixes)] == []
