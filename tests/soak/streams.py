"""`python -m tests.soak.streams [seconds]`: 200 concurrent streams, with a reader that collects every second.

It prints the values that the metrics must have and those that they have, the pauses of the event loop without
and with the instrumentation, and the memory of an open stream. It exits with 1 if a value is lost, if the
instrumentation adds more than 5 ms to the longest callback of the loop, or if the memory grows.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import sys
import threading
import time
import tracemalloc
from asyncio.events import Handle
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import openai
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from benchmarks import answers
from tests.sdk.http_module import KEY, http
from toolspan import OpenAIInstrumentor, stage
from toolspan.otel import semconv as names

STREAMS = 200
CHUNKS_PER_SECOND = 20  # of each stream: the SDK alone then keeps a quarter of a core busy
TEXT, FRAGMENTS = 20, 16
PAUSE = 0.005  # seconds
GROWTH = 32_768  # bytes: the buffers of a stream and of a stage are sometimes full and sometimes empty
COUNTS = (200, 2_000, 20_000)
FEW = (200, 2_000, 4_000)  # the same for a short run, because the memory's tracing is slow
HEADERS = {"content-type": "text/event-stream"}

# The text, then one call of a tool, then the finish reason and the usage.
_CHUNKS = [*answers.text(TEXT)[:-2], *answers.calls(1, FRAGMENTS, 8)[1:]]
_EVENTS = [b"data: " + line for line in answers.sse(_CHUNKS).split(b"data: ")[1:]]


class _Paced(http.AsyncByteStream):  # type: ignore[misc]  # whichever module it is
    """A server that sends a chunk now and then."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for event in _EVENTS:
            await asyncio.sleep(random.uniform(0.5, 1.5) / CHUNKS_PER_SECOND)
            yield event

    async def aclose(self) -> None:
        """Send no more."""


class Expected(Counter[str]):
    """The values that the metrics must have, counted by the application itself."""

    def add(self, chunks: int, *, whole: bool) -> None:
        """Count one stream of which the application has read so many chunks."""
        self[names.INFERENCE_DURATION] += 1
        self[names.STREAMS] += 1
        self[names.INFERENCE_TIME_TO_FIRST_CHUNK] += chunks > 0
        self[names.INFERENCE_TIME_PER_OUTPUT_CHUNK] += max(chunks - 1, 0)
        if whole:
            self[names.TOOL_CALLS] += 1
            self[names.INFERENCE_USAGE_INPUT] += answers.USAGE["prompt_tokens"]
            self[names.INFERENCE_USAGE_OUTPUT] += answers.USAGE["completion_tokens"]


async def _application(client: Any, until: float, expected: Expected) -> None:
    """Make one stream after another; close every tenth of them early."""
    await asyncio.sleep(random.random() * TEXT / CHUNKS_PER_SECOND)  # else all requests are made at once
    while time.monotonic() < until:
        stop = random.randrange(1, TEXT) if random.random() < 0.1 else len(_CHUNKS) + 1
        stream = await client.chat.completions.create(
            model=answers.MODEL, messages=[{"role": "user", "content": "Weather?"}], stream=True
        )
        read = 0
        async for _ in stream:
            read += 1
            if read == stop:
                await stream.close()
                break
        expected.add(read, whole=read == len(_CHUNKS))


class Pauses:
    """How late the loop was, and how long its callbacks kept it, in seconds."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.callbacks: list[float] = []
        self.ran = 0.0
        self.collecting = self.collected = 0.0

    async def watch(self) -> None:
        """Sleep for a millisecond, again and again, and record how late the loop comes back."""
        while True:
            due = time.monotonic() + 0.001
            await asyncio.sleep(0.001)
            self.late.append(time.monotonic() - due)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Record the CPU time of callbacks, which other processes and threads do not lengthen."""
        run = Handle._run

        def timed(handle: Handle) -> None:
            began, collected = time.thread_time(), self.collected
            run(handle)
            # Without garbage collections: they walk through all that the program has, at any callback.
            took = time.thread_time() - began - (self.collected - collected)
            if took > PAUSE / 10:
                self.callbacks.append(took)

        Handle._run = timed
        gc.callbacks.append(self._collection)
        began = time.monotonic()
        try:
            yield
        finally:
            gc.callbacks.remove(self._collection)
            Handle._run = run
            self.ran = time.monotonic() - began

    def _collection(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self.collecting = time.thread_time()
        else:
            self.collected += time.thread_time() - self.collecting

    @property
    def longest(self) -> float:
        """The CPU time of the longest callback."""
        return max(self.callbacks, default=0.0)

    def __str__(self) -> str:
        late = sorted(self.late)
        often = sum(each > PAUSE for each in late) * 60 / self.ran
        worst, usual = late[-1] * 1e3, late[len(late) * 999 // 1000] * 1e3
        return (
            f"longest callback {self.longest * 1e3:.1f} ms of CPU time, "
            f"garbage collections {self.collected * 1e3:.0f} ms in all; loop late by {worst:.1f} ms at most, "
            f"{usual:.1f} ms at the 99.9th percentile, above 5 ms {often:.0f} times a minute"
        )


async def _traffic(seconds: float, expected: Expected, pauses: Pauses) -> None:
    transport = http.MockTransport(lambda request: http.Response(200, headers=HEADERS, stream=_Paced()))
    client = openai.AsyncOpenAI(api_key=KEY, http_client=http.AsyncClient(transport=transport))
    until = time.monotonic() + seconds
    watch = asyncio.ensure_future(pauses.watch())
    await asyncio.gather(*(_application(client, until, expected) for _ in range(STREAMS)))
    watch.cancel()
    with suppress(asyncio.CancelledError):
        await watch


@contextmanager
def _collecting(reader: InMemoryMetricReader) -> Iterator[None]:
    """Collect every second, in a thread as a periodic reader does."""
    over = threading.Event()

    def collect() -> None:
        while not over.wait(1):
            reader.get_metrics_data()

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def run(seconds: float, reader: InMemoryMetricReader) -> tuple[Expected, Pauses]:
    """Run the streams for some seconds, and return what was to be recorded, and the pauses."""
    expected, pauses = Expected(), Pauses()
    gc.collect()
    gc.freeze()  # a collection of all that was imported would be the longest pause
    with _collecting(reader), pauses.timed():
        asyncio.run(_traffic(seconds, expected, pauses))
    return expected, pauses


def recorded(reader: InMemoryMetricReader) -> Counter[str]:
    """Return the counts of the histograms, and the sums of the counters and of the tokens."""
    found: Counter[str] = Counter()
    data = reader.get_metrics_data()
    for metric in data.resource_metrics[0].scope_metrics[0].metrics if data else ():
        for point in metric.data.data_points:
            found[metric.name] += getattr(point, "count" if hasattr(point, "count") else "value")
    return found


def _stream(chunks: list[dict[str, Any]]) -> Any:
    """Return an open stream that repeats the last of these chunks for ever."""
    *first, again = (b"data: " + event for event in answers.sse(chunks).split(b"data: ")[1:-1])
    body = itertools.chain(first, itertools.repeat(again))
    transport = http.MockTransport(lambda request: http.Response(200, headers=HEADERS, content=body))
    client = openai.OpenAI(api_key=KEY, http_client=http.Client(transport=transport))
    return client.chat.completions.create(
        model=answers.MODEL, messages=[{"role": "user", "content": "Weather?"}], stream=True
    )


OPEN: dict[str, Callable[[], Any]] = {
    "stream of text": lambda: _stream(answers.text(1)[:2]),
    "stream of fragments": lambda: _stream(answers.calls(1, 3, 8)[:4]),
    "stage": lambda: stage("soak", (_CHUNKS[1] for _ in itertools.repeat(None)), through=iter),
}
"""What stays open, without an end."""


def memory(opened: Callable[[], Any], reader: InMemoryMetricReader, counts: tuple[int, ...]) -> list[int]:
    """Return the bytes in use after each of these numbers of chunks."""
    found, read = [], 0
    tracemalloc.start()
    chunks = opened()
    for count in counts:
        while read < count:
            next(chunks)
            read += 1
            if not read % 1000:
                reader.get_metrics_data()  # what waits in the queue is not the stream's
        reader.get_metrics_data()
        gc.collect()
        found.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    chunks.close()
    return found


def main() -> int:
    """Run without and with the instrumentation, and print what was found."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 15.0
    reader = InMemoryMetricReader()
    providers = {"tracer_provider": TracerProvider(), "meter_provider": MeterProvider([reader])}
    run(1.0, reader)  # imports, and fills caches of the interpreter
    _, bare = run(max(seconds / 5, 5.0), reader)
    OpenAIInstrumentor().instrument(**providers)
    expected, pauses = run(seconds, reader)
    found = recorded(reader)
    print(f"{STREAMS} concurrent streams for {pauses.ran:.0f} s, collected every second")
    for name in sorted({*expected, names.STREAMS_OPEN}):
        print(f"  {name}: expected {expected[name]}, recorded {found[name]:.0f}")
    print(f"  without: {bare}\n  with:    {pauses}")
    lost = [name for name in {*expected, names.STREAMS_OPEN} if expected[name] != found[name]]
    grown = 0
    counts = COUNTS if seconds >= 60 else FEW
    for name, opened in OPEN.items():
        held = memory(opened, reader, counts)
        grown = max(grown, held[-1] - held[-2])  # the first chunks fill the buffers
        print(f"  an open {name}: {held} bytes after {counts} chunks")
    OpenAIInstrumentor().uninstrument()
    slow = pauses.longest > bare.longest + PAUSE
    return 1 if lost or slow or grown > GROWTH else 0


if __name__ == "__main__":
    sys.exit(main())
