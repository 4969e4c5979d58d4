"""Run a scenario bare and instrumented, and compare everything that the application can see of it."""

from __future__ import annotations

import logging
import traceback
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .portray import portray, steady
from .script import Transport
from .sdk import Face
from .telemetry import Telemetry

Scenario = Callable[[Face, Any], Awaitable[Any]]


@dataclass
class Sight:
    """What the application saw."""

    result: Any
    requests: list[Any]
    logs: list[str]
    warnings: list[Any]


@contextmanager
def logged(name: str = "") -> Iterator[list[str]]:
    """Collect the lines logged below this logger, except those of the instrumentation."""
    lines: list[str] = []

    def emit(record: logging.LogRecord) -> None:
        if not record.name.startswith(("toolspan", "opentelemetry.instrumentation")):
            lines.append(steady(f"{record.levelname} {record.name}: {record.getMessage()}"))

    logger, handler = logging.getLogger(name), logging.Handler(logging.DEBUG)
    handler.emit = emit  # type: ignore[method-assign]
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


def watch(face: Face, scenario: Scenario, transport: Any = None, **options: Any) -> Sight:
    """Run a scenario and return everything that it shows."""
    with logged() as lines, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        result = face.run(_outcome(face, scenario, transport, options))
    sent = [portray(request) for request in getattr(transport, "requests", ())]
    return Sight(result, sent, lines, [(found.category, steady(str(found.message))) for found in warned])


async def _outcome(face: Face, scenario: Scenario, transport: Any, options: dict[str, Any]) -> Any:
    async with face.client(transport, **options) as client:
        try:
            return portray(await scenario(face, client))
        except Exception as error:
            if isinstance(error, (AssertionError, AttributeError)) and _is_ours(error):
                raise
            return portray(error)


def _is_ours(error: Exception) -> bool:
    """Whether the scenario itself raised it, which is a mistake in the test."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return Path(frame.f_code.co_filename).parent == Path(__file__).parent


def same(
    face: Face, scenario: Scenario, answer: Callable[[], list[Any]], telemetry: Telemetry, **options: Any
) -> Sight:
    """Run a scenario bare and instrumented, assert that both show the same, and return it."""
    bare = watch(face, scenario, Transport(*answer()), **options)
    with telemetry.on():
        seen = watch(face, scenario, Transport(*answer()), **options)
    assert seen.requests == bare.requests
    assert seen.result == bare.result
    assert seen.logs == bare.logs
    assert seen.warnings == bare.warnings
    return bare
