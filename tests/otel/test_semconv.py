"""Names, units and buckets: complete, distinct, and the ones the convention lists."""

from __future__ import annotations

import re

import pytest

from toolspan.otel import semconv
from toolspan.pipeline import semconv as stage_semconv

NAMES = {
    name: value
    for name, value in (vars(semconv) | vars(stage_semconv)).items()
    if name.isupper() and isinstance(value, str) and name not in ("SCOPE", "OWN", "ERROR_OTHER")
}


def test_names_are_distinct() -> None:
    """No two constants stand for the same name, but where attribute and metric share one on purpose."""
    values = list(NAMES.values())
    shared = {value for value in values if values.count(value) > 1}
    assert shared <= {semconv.STREAMS, semconv.TOOL_CALLS}


def test_names_are_dotted_lowercase() -> None:
    """Every name follows OpenTelemetry's naming rules: lower case, dots, underscores; units are UCUM."""
    allowed = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+|s|By|USD|\{[a-z]+\}")
    assert [name for name in NAMES.values() if not allowed.fullmatch(name)] == []


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
