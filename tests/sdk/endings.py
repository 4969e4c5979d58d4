"""Play one ending of a request, and check what holds after every ending."""

from __future__ import annotations

import gc
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import StatusCode

from toolspan import open_streams

from .api import Api
from .apis import CHAT
from .features import OLD_SDK
from .sdk import Face
from .telemetry import Telemetry

SILENT = ("toolspan", "opentelemetry", "asyncio")  # loggers without any line


class Play:
    """The face, the API, the client and the current span of the application, for one ending."""

    def __init__(self, face: Face, api: Api, client: Any, telemetry: Telemetry, parent: Any) -> None:
        self.face = face
        self.api = api
        self.client = client
        self._telemetry = telemetry
        self._parent = parent

    async def open(self, **options: Any) -> Any:
        """Open a stream."""
        return await self.face.done(self.api.stream(self.client, **options))

    async def raw(self) -> Any:
        """Return a raw response with a stream."""
        return await self.face.done(self.api.raw(self.client, stream=True))

    async def next(self, stream: Any, count: int = 1) -> None:
        """Read chunks; after each, the application makes a span of its own."""
        for _ in range(count):
            await self.face.next(stream)
            assert trace.get_current_span() is self._parent
            self._telemetry.tracer.start_span("in the loop").end()


Act = Callable[[Play], Awaitable[None]]


@dataclass(frozen=True)
class Ended:
    """The expected span of an ending."""

    outcome: str
    reasons: tuple[str, ...] | None = ("error",)
    error_type: str | None = None
    streamed: bool = True


def play(
    face: Face, act: Act, telemetry: Telemetry, transport: Any = None, *, api: Api = CHAT, **options: Any
) -> BaseException | None:
    """Play an ending with the collector off, and return the application's error without its traceback.

    The span must have ended when the act is over, while the client is still open.
    """

    async def scenario() -> BaseException | None:
        with telemetry.tracer.start_as_current_span("application") as parent:
            async with face.client(transport, **options) as client:
                before = set(open_streams._open)
                error = await _caught(act, Play(face, api, client, telemetry, parent))
                await face.turn()
                assert open_streams._open <= before  # nothing is kept
                assert len(telemetry.started) == len(telemetry.spans) == 1
                assert trace.get_current_span() is parent
                assert parent.is_recording()
        return error

    gc.disable()
    try:
        with telemetry.on():
            return face.run(scenario())  # type: ignore[no-any-return]  # what the scenario returns
    finally:
        gc.enable()


async def _caught(act: Act, played: Play) -> BaseException | None:
    try:
        await act(played)
    except AssertionError:
        raise
    except BaseException as error:
        return error.with_traceback(None)  # its frames hold the stream
    return None


def check(telemetry: Telemetry, want: Ended, records: list[logging.LogRecord]) -> None:
    """Assert what holds after every ending."""
    span = telemetry.span
    found = span.attributes
    if want.streamed:
        assert found["toolspan.stream.outcome"] == want.outcome
    assert found.get("toolspan.cancelled", False) is (want.outcome == "cancelled")
    fetched = found["gen_ai.operation.name"] == "fetch_response"  # of it, only what the server said is said
    unsaid = fetched and want.outcome != "completed"
    assert found.get("gen_ai.response.finish_reasons") == (None if unsaid else want.reasons)
    assert found.get("error.type") == want.error_type
    failed = want.outcome == "failed"
    assert span.status.status_code is (StatusCode.ERROR if failed else StatusCode.UNSET)
    assert span.status.description is None
    assert sum(point.value for point in telemetry.points("toolspan.streams.open")) == 0
    (duration,) = telemetry.durations
    assert (duration.count, duration.attributes.get("error.type")) == (1, want.error_type)
    if want.streamed:
        (ended,) = telemetry.points("toolspan.streams")
        assert (ended.value, ended.attributes["toolspan.stream.outcome"]) == (1, want.outcome)
    said = [record.getMessage() for record in records if record.name.startswith(SILENT)]
    assert [line for line in said if not line.startswith(OLD_SDK)] == []
    application = next(span for span in telemetry.everything_ended if span.name == "application")
    others = [span for span in telemetry.everything_ended if span is not application]
    assert {span.parent.span_id for span in others} == {application.context.span_id}
    assert application.status.status_code is StatusCode.UNSET
