"""An interruption at any line of toolspan: every span ends by the next request, and the gauge is 0."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import openai
import pytest
from opentelemetry import trace

import toolspan
from toolspan import open_streams
from toolspan.sdk import retries

from . import script, wire
from .apis import CHAT
from .http_module import KEY, http
from .telemetry import Telemetry

_SOURCE = str(Path(toolspan.__file__).parent)
Act = Callable[[Any], None]


class GreenletExit(BaseException):
    """What gevent raises in a greenlet that is killed."""


KINDS = (KeyboardInterrupt, GreenletExit, asyncio.CancelledError)


class Interrupter:
    """A trace function that counts the lines of toolspan, and raises an interruption at one of them."""

    def __init__(self, at: int | None = None, kind: type[BaseException] = KeyboardInterrupt) -> None:
        self.at = at
        self.kind = kind
        self.lines = 0
        self.place = ""

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Follow the frames of toolspan only."""
        return self._line if frame.f_code.co_filename.startswith(_SOURCE) else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self.lines += 1
            if self.lines == self.at:
                self.place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                raise self.kind
        return self._line

    @contextmanager
    def on(self) -> Iterator[None]:
        """Trace within the block; a trace function that was there before is restored."""
        before = sys.gettrace()
        sys.settrace(self)
        try:
            yield
        finally:
            sys.settrace(before)


def whole(client: Any) -> None:
    """Ask for a whole answer."""
    CHAT.whole(client)


def failed(client: Any) -> None:
    """Ask a server that refuses."""
    with suppress(openai.APIError):
        CHAT.whole(client, model="refused")


def read(client: Any) -> None:
    """Read a stream to its end."""
    list(CHAT.stream(client))


def closed(client: Any) -> None:
    """Close a stream that is half read."""
    with CHAT.stream(client) as stream:
        next(stream)


def dropped(client: Any) -> None:
    """Drop a stream that is half read."""
    next(CHAT.stream(client))


def raw(client: Any) -> None:
    """Read the lines of a raw stream."""
    list(CHAT.raw(client, stream=True).http_response.iter_lines())


def awaited(client: Any) -> None:
    """Read an async stream to its end, in a task."""

    async def scenario() -> None:
        transport = http.MockTransport(_answer)
        async with openai.AsyncOpenAI(
            api_key=KEY, base_url=wire.BASE_URL, http_client=http.AsyncClient(transport=transport)
        ) as other:
            async for _ in await CHAT.stream(other):
                pass

    asyncio.run(scenario())


ACTS: tuple[Act, ...] = (whole, failed, read, closed, dropped, raw, awaited)


def _answer(request: Any) -> Any:
    content = request.read()
    if b'"refused"' in content:
        return script.whole({"error": {"message": "no"}}, status=400)()
    return (CHAT.streams if b'"stream":true' in content.replace(b" ", b"") else CHAT.answers)()


def _client() -> Any:
    channel = http.Client(transport=http.MockTransport(_answer))
    return openai.OpenAI(api_key=KEY, base_url=wire.BASE_URL, http_client=channel, max_retries=0)


def interrupted(
    act: Act, at: int | None, kind: type[BaseException] = KeyboardInterrupt
) -> tuple[Interrupter, list[str]]:
    """Play an act, interrupted at a line of toolspan; return what is wrong after the next request."""
    telemetry, interrupter = Telemetry(), Interrupter(at, kind)
    with telemetry.on(), _client() as client:
        whole(client)  # caches are filled and series begun
        list(CHAT.stream(client))
        telemetry.points("toolspan.streams.open")
        before = len(telemetry.started)
        with suppress(kind), interrupter.on():
            act(client)
        if act is awaited:  # a task and its error hold each other, and with them the stream
            gc.collect()
        leaked = retries.current.get() is not None or trace.get_current_span() is not trace.INVALID_SPAN
        whole(client)
        wrong = [f"{len(telemetry.started)} started"] if len(telemetry.started) - before > 2 else []
        wrong += [f"{span.name} is open" for span in telemetry.started if span.end_time is None]
        if leaked:
            wrong.append("the context is left attached")
        if len(telemetry.spans) != len(telemetry.started):
            wrong.append(f"{len(telemetry.spans)} of {len(telemetry.started)} spans were exported")
        if any(point.value for point in telemetry.points("toolspan.streams.open")):
            wrong.append("the gauge is not 0")
        if open_streams._open or open_streams.waiting:
            wrong.append("a call is kept")
        durations = [point.count for point in telemetry.durations]
        if sum(durations) > before + 2:
            wrong.append("a duration is recorded twice")
    open_streams._open.clear()
    open_streams.waiting.clear()
    return interrupter, wrong


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_an_interruption_at_any_line_loses_no_span(
    act: Act, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One span per request, ended by the next request; the gauge is 0 and no call is kept."""
    # pytest's own hook keeps the error of a finalizer with its frames, and with them the stream.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    gc.collect()
    lines = interrupted(act, None)[0].lines
    assert lines > 100
    everywhere = range(1, lines + 1)
    full = request.config.getoption("--full")
    chosen = everywhere if full else random.Random(act.__name__).sample(everywhere, 12)
    found = {}
    for number, at in enumerate(chosen):
        for kind in KINDS if full else (KINDS[number % len(KINDS)],):
            interrupter, wrong = interrupted(act, at, kind)
            if wrong:
                found[f"{kind.__name__} at {interrupter.place}"] = wrong
    assert found == {}, "\n".join(f"{place}: {wrong}" for place, wrong in found.items())
