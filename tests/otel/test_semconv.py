"""Names, units and buckets are complete, distinct and those of the convention."""

from __future__ import annotations

import re

import pytest

from toolspan.otel import semconv
from toolspan.pipeline import semconv as stage_semconv

from .constants import constants

NO_NAMES = ("SCOPE", "OWN", "ERROR_OTHER", "INVOKE_AGENT", "CONVENTIONS")
NAMES = [text for name, text in constants(semconv, stage_semconv) if name not in NO_NAMES]


def test_no_two_constants_have_the_same_name() -> None:
    """Constants have distinct names, except an attribute and a metric that share one on purpose."""
    shared = {value for value in NAMES if NAMES.count(value) > 1}
    assert shared <= {semconv.STREAMS, semconv.TOOL_CALLS}


def test_names_follow_the_naming_rules() -> None:
    """Names are lower case with dots and underscores; units are UCUM."""
    allowed = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+|s|By|USD|\{[a-z_]+\}")
    assert [name for name in NAMES if not allowed.fullmatch(name)] == []


def test_own_names_are_only_in_the_toolspan_namespace() -> None:
    """Names outside the conventions begin with `toolspan.`."""
    spaces = {name.partition(".")[0] for name in NAMES if "." in name}
    assert spaces == {"gen_ai", "openai", "server", "error", "exception", "http", "toolspan", "user"}


def test_duration_buckets_are_those_of_the_convention() -> None:
    """Durations have the convention's fourteen boundaries."""
    expected = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
    assert list(semconv.DURATION_BUCKETS) == pytest.approx(expected)


def test_token_buckets_are_those_of_the_convention() -> None:
    """Tokens have the convention's fourteen boundaries."""
    expected = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864]
    assert list(semconv.TOKEN_BUCKETS) == expected


def test_buckets_of_agents_are_those_of_the_convention() -> None:
    """Durations of agents have the convention's thirteen boundaries, counts of their calls eight."""
    expected = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6]
    assert list(semconv.AGENT_BUCKETS) == expected
    assert list(semconv.COUNT_BUCKETS) == [1, 2, 4, 8, 16, 32, 64, 128]


def test_size_buckets_rise_from_16_bytes_to_4_mib() -> None:
    """Sizes have rising boundaries from 16 bytes to 4 MiB."""
    assert semconv.SIZE_BUCKETS[0] == 16
    assert semconv.SIZE_BUCKETS[-1] == 4 * 1024 * 1024
    assert list(semconv.SIZE_BUCKETS) == sorted(set(semconv.SIZE_BUCKETS))
