"""Fixtures of these tests, which are collected only where the service's own requirements are installed.

`make test` installs them; environments with other versions of the SDK and of OpenTelemetry do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

import toolspan
from tests.sdk.telemetry import Telemetry

if TYPE_CHECKING:
    from .service import Service

if find_spec("stamina") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(name="telemetry")
def _telemetry() -> Iterator[Telemetry]:
    """Instrument the SDKs of the providers with in-memory telemetry."""
    telemetry, other = Telemetry(), toolspan.AnthropicInstrumentor()
    with telemetry.on(usage_keys=["session.id"]):
        other.instrument(skip_dep_check=True, tracer_provider=telemetry.tracers)
        try:
            yield telemetry
        finally:
            other.uninstrument()


@pytest.fixture(name="serve")
def _serve(telemetry: Telemetry) -> Iterator[Callable[..., Service]]:
    """Return a function that runs the service until the test ends, with settings, tools and pace."""
    from .service import serving

    with ExitStack() as stack:

        def serve(**options: Any) -> Service:
            return stack.enter_context(serving(telemetry, **options))

        yield serve
