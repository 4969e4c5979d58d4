"""The environments and the versions that each pins.

What an environment does not pin comes from the tests' own pins: the group `test` and `constraints.txt`.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Ignored(NamedTuple):
    """A warning of an old version that is no error there: pytest's filter, and why."""

    filter: str
    reason: str


class Environment(NamedTuple):
    """An environment: its name, what it holds, and the Python it is made with (any, if none is named)."""

    name: str
    holds: str
    pins: tuple[str, ...] = ()
    python: str = ""
    ignored: tuple[Ignored, ...] = ()
    whole: bool = False
    """Whether those tests run here too that take long and ask the SDK for nothing that others do not."""
    fresh: bool = False
    """Whether it is made anew every day, because its pins name whatever is newest."""


def telemetry(stable: str, beta: str) -> tuple[str, ...]:
    """The pins of one release of OpenTelemetry."""
    return (
        *(f"opentelemetry-{part}=={stable}" for part in ("api", "sdk", "exporter-otlp-proto-http")),
        *(f"opentelemetry-{part}=={beta}" for part in ("instrumentation", "distro")),
    )


ENVIRONMENTS: Final = (
    Environment(
        "oldest",
        "the oldest of everything that is declared",
        (
            *("openai==1.26.0", "httpx==0.27.2", "numpy==1.26.4", "wrapt==1.16.0"),
            *("groq==0.13.0", "cerebras_cloud_sdk==1.15.0", "together==2.0.0", "perplexityai==0.36.0"),
            *("writer-sdk==2.0.0", "anthropic==0.49.0", *telemetry("1.40.0", "0.61b0")),
        ),
        whole=True,
    ),
    Environment("last-1", "the last openai 1.x, the last wrapt 1.x", ("openai==1.*", "wrapt==1.*")),
    Environment(
        "last-2",
        "the last openai 2.x, OpenTelemetry before structured attributes of spans",
        ("openai==2.*", *telemetry("1.44.0", "0.65b0")),
    ),
    Environment("early-3", "an early openai 3.x", ("openai==3.3.*",)),
    Environment("python-3.10", "the tests' own pins", python="3.10", whole=True),
    Environment("python-3.13", "the tests' own pins", python="3.13", whole=True),
    Environment(
        "newest",
        "the newest of everything",
        (
            *(
                "openai==3.*",
                "httpx2",
                "httpcore2",
                "wrapt==2.*",
                "opentelemetry-sdk",
                "opentelemetry-distro",
            ),
            *("groq", "cerebras_cloud_sdk", "together", "rich", "perplexityai", "writer-sdk", "anthropic"),
        ),
        fresh=True,
    ),
)
