"""Everything an application can see of a scenario, in a form that can be compared.

A scenario runs bare and instrumented; objects are portrayed by what they show, never by their address.
"""

from __future__ import annotations

import logging
import re
import traceback
import warnings
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
from pydantic import BaseModel

from .script import Transport
from .sdk import Face, http
from .telemetry import Telemetry

Scenario = Callable[[Face, Any], Awaitable[Any]]

_VOLATILE = re.compile(
    r"0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|127\.0\.0\.1:\d+|'?port'?=?\d+"
)
_STREAMS = (openai.Stream, openai.AsyncStream)


@dataclass
class Sight:
    """What the application saw."""

    result: Any
    requests: list[Any]
    logs: list[str]
    warnings: list[Any]


class _Log(logging.Handler):
    """Keeps what is logged by anyone but the instrumentation."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(("toolspan", "opentelemetry.instrumentation")):
            self.lines.append(steady(f"{record.levelname} {record.name}: {record.getMessage()}"))


def steady(text: str) -> str:
    """The text without addresses of objects, random ids and the ports of loopback servers."""
    return _VOLATILE.sub("…", text)


def watch(face: Face, scenario: Scenario, transport: Any = None, **options: Any) -> Sight:
    """Run a scenario and note everything."""
    log, root = _Log(), logging.getLogger()
    level = root.level
    root.addHandler(log)
    root.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            result = face.run(_outcome(face, scenario, transport, options))
    finally:
        root.setLevel(level)
        root.removeHandler(log)
    sent = [portray(request) for request in getattr(transport, "requests", ())]
    return Sight(result, sent, log.lines, [(found.category, steady(str(found.message))) for found in warned])


async def _outcome(face: Face, scenario: Scenario, transport: Any, options: dict[str, Any]) -> Any:
    async with face.client(transport, **options) as client:
        try:
            return portray(await scenario(face, client))
        except Exception as error:
            if isinstance(error, (AssertionError, AttributeError)) and _is_ours(error):
                raise
            return portray(error)


def _is_ours(error: Exception) -> bool:
    """Whether the scenario itself raised it: a mistake in a test is no sight."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return Path(frame.f_code.co_filename).parent == Path(__file__).parent


def same(
    face: Face, scenario: Scenario, answer: Callable[[], list[Any]], telemetry: Telemetry, **options: Any
) -> Sight:
    """Run a scenario bare and instrumented; the application must not be able to tell which is which."""
    bare = watch(face, scenario, Transport(*answer()), **options)
    with telemetry.on():
        seen = watch(face, scenario, Transport(*answer()), **options)
    assert seen.requests == bare.requests
    assert seen.result == bare.result
    assert seen.logs == bare.logs
    assert seen.warnings == bare.warnings
    return bare


def portray(value: Any) -> Any:
    """The value as something that can be compared, types included."""
    if isinstance(value, BaseModel):
        return type(value), portray(vars(value)), portray(getattr(value, "__pydantic_extra__", None))
    if isinstance(value, Mapping) and not isinstance(value, http.Headers):
        return {steady(str(key)): portray(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [portray(part) for part in value]
    if isinstance(value, BaseException):
        return _error(value)
    if isinstance(value, _STREAMS):
        return type(value), isinstance(value, _STREAMS), dir(value), portray(value.response)
    if isinstance(value, http.Response):
        return _response(value)
    if isinstance(value, http.Request):
        return type(value), value.method, str(value.url), value.headers.raw, value.content
    if isinstance(value, http.Headers):
        return type(value), value.raw
    if isinstance(value, str):
        return steady(value)
    return value if isinstance(value, (bytes, bool, int, float, type(None), type)) else type(value)


def _error(error: BaseException) -> Any:
    cause, context = error.__cause__, error.__context__
    shown = {name: portray(part) for name, part in vars(error).items() if not name.startswith("__")}
    return (
        type(error),
        steady(str(error)),
        [portray(part) for part in error.args],
        shown,
        type(cause),
        type(context),
        error.__suppress_context__,
    )


def _response(response: Any) -> Any:
    """Status, headers and state; the names of its members, but not what is behind the private ones."""
    names = [name for name in dir(response) if not name.startswith("_")]
    states = ("status_code", "reason_phrase", "http_version", "is_closed", "is_stream_consumed")
    found = {name: getattr(response, name) for name in (*states, "num_bytes_downloaded", "encoding")}
    return type(response), names, found, portray(response.headers), str(response.url)
