"""Measure what an instrumentation adds to a scenario, in place: the SDK, bare and instrumented, in turn.

A tight loop around the instrumentation's own code keeps this code in every cache. In an application the same
code runs between the SDK's HTTP, JSON and pydantic, and takes two to three times as long. Therefore each run
is a whole request of the SDK. The cost is the difference between both, as a median over many pairs of blocks.
"""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from statistics import median
from time import process_time_ns, thread_time_ns
from typing import Any, NamedTuple, TypeAlias

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from toolspan import OpenAIInstrumentor

ROUNDS = 25

Act: TypeAlias = "Callable[[], Callable[[], object] | None]"
"""One run; it returns what remains to be done after the clocks have stopped."""
_NO_SETTINGS: Mapping[str, Any] = {}


class Acts(NamedTuple):
    """A scenario that is ready to run: the run of the bare SDK, and that with toolspan, if it differs."""

    units: int
    bare: Act
    instrumented: Act | None = None


class Scenario(NamedTuple):
    """One line of the table."""

    name: str
    unit: str
    make: Callable[[], Acts]
    runs: int
    """Runs in a block: what an application does between two collections."""
    rounds: int = ROUNDS
    ways: tuple[str, ...] = ("toolspan", "untimed", "never", "official")
    settings: Mapping[str, Any] = _NO_SETTINGS


class Cost(NamedTuple):
    """CPU time in microseconds per unit: of the calling thread, and of the process with the collection."""

    thread: float
    process: float


class Row(NamedTuple):
    """What was measured of one scenario: the bare SDK's cost, and what each way adds to it."""

    name: str
    unit: str
    bare: Cost
    added: dict[str, Cost]


class Way(NamedTuple):
    """One way to run a scenario; a way with `collected` off has metrics that no reader ever collects."""

    instrumentor: Any = None
    collected: bool = True
    settings: Mapping[str, Any] = _NO_SETTINGS


def _official() -> Any:
    """Return OpenTelemetry's own instrumentor of this SDK, or `None` where it is not installed."""
    try:
        return importlib.import_module("opentelemetry.instrumentation.genai.openai").OpenAIInstrumentor()
    except ImportError:
        return None


@cache
def ways() -> dict[str, Way]:
    """Return the ways that can be measured in this environment."""
    ours, official = OpenAIInstrumentor(), _official()
    found = {
        "toolspan": Way(ours),
        "untimed": Way(ours, settings={"chunk_timing": False}),
        "never": Way(ours, collected=False),
    }
    return found if official is None else {**found, "official": Way(official)}


_READER = InMemoryMetricReader()
_TRACERS, _LOGGERS = TracerProvider(), LoggerProvider()
_METERS = {True: MeterProvider([_READER]), False: MeterProvider([InMemoryMetricReader()])}
_BARE = Way()


def _on(way: Way, settings: Mapping[str, Any]) -> None:
    if way.instrumentor is not None:
        providers = {"tracer_provider": _TRACERS, "logger_provider": _LOGGERS}
        meters = _METERS[way.collected]
        way.instrumentor.instrument(**providers, meter_provider=meters, **{**way.settings, **settings})


def _off(way: Way) -> None:
    if way.instrumentor is not None:
        way.instrumentor.uninstrument()


class _Clocks:
    """The CPU time spent within some blocks: of this thread, and of the process."""

    def __init__(self) -> None:
        self.thread = self.process = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        process, thread = process_time_ns(), thread_time_ns()
        yield
        self.thread += thread_time_ns() - thread
        self.process += process_time_ns() - process


def _block(way: Way, act: Act, runs: int, settings: Mapping[str, Any], warm: int) -> _Clocks:
    """Return the times of some runs in a row, with the work that they left for later."""
    clocks, later = _Clocks(), _Clocks()
    _on(way, settings)
    for _ in range(warm):  # the first runs after a change fill caches and start time series
        (act() or _nothing)()
        if way.collected:
            _READER.collect()
    gc.collect()
    for _ in range(runs):
        with clocks.running():
            rest = act()
        if rest is not None:
            rest()
    with later.running():
        if way.collected:
            _READER.collect()
        else:
            _off(way)  # without a reader, the application's threads make all measurements themselves
    if way.collected:
        _off(way)
    else:
        clocks.thread += later.thread
    clocks.process += later.process
    return clocks


def _nothing() -> None: ...


def _cost(way: Way, act: Act, scenario: Scenario, units: int) -> Cost:
    """Return the cost of a block, without that of the removal of the patch."""
    warm = min(scenario.runs, 2)
    clocks = _block(way, act, scenario.runs, scenario.settings, warm)
    scale = 1000 * scenario.runs * units
    if way.collected:
        return Cost(clocks.thread / scale, clocks.process / scale)
    empty = _block(way, act, 0, scenario.settings, warm)
    return Cost((clocks.thread - empty.thread) / scale, (clocks.process - empty.process) / scale)


def measure(scenario: Scenario, rounds: int | None = None) -> Row:
    """Return the median cost of the bare SDK, and the median of the paired differences for each way."""
    acts = scenario.make()
    chosen = {name: way for name, way in ways().items() if name in scenario.ways}
    each: dict[str, list[Cost]] = {"bare": [], **{name: [] for name in chosen}}
    for act in (acts.bare, acts.instrumented or acts.bare):
        (act() or _nothing)()
    gc.collect()
    gc.freeze()  # else each block begins with a long collection of what stays anyway
    order = list(each)
    for _ in range(rounds or scenario.rounds):
        order.append(order.pop(0))  # no way always runs after the same one
        for name in order:
            act = acts.bare if name == "bare" else acts.instrumented or acts.bare
            each[name].append(_cost(chosen.get(name, _BARE), act, scenario, acts.units))
    bare = each.pop("bare")
    return Row(scenario.name, scenario.unit, _median(bare), {name: _added(bare, each[name]) for name in each})


def _median(costs: list[Cost]) -> Cost:
    return Cost(median(cost.thread for cost in costs), median(cost.process for cost in costs))


def _added(bare: list[Cost], costs: list[Cost]) -> Cost:
    pairs = zip(costs, bare, strict=True)
    return _median([Cost(cost.thread - base.thread, cost.process - base.process) for cost, base in pairs])
