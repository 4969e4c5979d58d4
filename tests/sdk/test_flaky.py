"""Every collaborator fails at random: one span for each call, exact sums, and all signals work at the end."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import openai
import pytest
import wrapt

import toolspan
from toolspan import guard
from toolspan.cost.prices import Prices
from toolspan.otel import dispatch
from toolspan.otel import semconv as names
from toolspan.otel.content import worker

from ..soak.traffic import KINDS
from ..wire.reading import FULL
from . import wire
from .faults import Fault
from .http_module import KEY, http
from .telemetry import Telemetry

CALLS, ONE_IN = (100_000, 1_000) if FULL else (260, 40)
EXACT = (
    *(names.OPERATION_DURATION, names.OPERATION_TIME_TO_FIRST_CHUNK, names.TOKEN_USAGE, names.STREAMS),
    *(names.INFERENCE_DURATION, names.INFERENCE_TIME_TO_FIRST_CHUNK, names.INFERENCE_INPUT_TOKENS),
    *(names.TOOL_CALLS, names.CALL_ARGUMENTS_SIZE, names.CALL_TIME_TO_DETECT, names.COST),
)
SUMMED = (names.TOKEN_USAGE, names.STREAMS, names.TOOL_CALLS, names.CALL_ARGUMENTS_SIZE, names.COST)
MAKERS = ("get_tracer", "get_meter", "get_logger", "create_", "start_span")
FAILING = (
    *("start_span", "set_attributes", "set_attribute", "add_event", "add_link", "set_status", "end"),
    *("record", "add", "emit"),
)
Totals = Counter[str]


class Chance:
    """Decides which use of a collaborator fails, and counts what is lost by that."""

    def __init__(self) -> None:
        self.random = Random(16)
        self.on = False
        self.lost: Totals = Counter()

    def fails(self) -> bool:
        """Return whether this use fails."""
        return self.on and self.random.randrange(ONE_IN) == 0

    def try_(self, what: str, *values: float) -> None:
        """Raise now and then; note the use and its value as lost."""
        if self.fails():
            self.lost[what] += 1
            self.lost[f"{what} sum"] += sum(values)
            raise Fault

    def callback(self, *args: Any, **kwargs: Any) -> Any:
        """Return the last argument, as a redaction does; raise now and then, also to end the process."""
        if self.fails():
            raise self.random.choice((Fault, SystemExit, RecursionError))
        return args[-1] if args else None

    on_completion = callback


class Flaky(wrapt.ObjectProxy):  # type: ignore[misc]  # wrapt is untyped in its older releases
    """An object of OpenTelemetry whose methods, and those of what it makes, fail now and then."""

    def __init__(self, wrapped: Any, chance: Chance, name: str = "") -> None:
        super().__init__(wrapped)
        self._self_chance, self._self_name = chance, name

    def __getattr__(self, name: str) -> Any:
        found, chance, own = super().__getattr__(name), self._self_chance, self._self_name
        if name not in FAILING and not name.startswith(MAKERS):
            return found

        def act(*args: Any, **kwargs: Any) -> Any:
            if name in FAILING:
                measured = name in ("record", "add")
                chance.try_(own if measured else name, *(args[:1] if measured else ()))
            made = found(*args, **kwargs)
            # The name of an instrument is the first argument of the method that creates it.
            label = str(args[0]) if args and name.startswith("create_") else ""
            return Flaky(made, chance, label) if name.startswith(MAKERS) else made

        return act


class Lines(logging.Handler):
    """A handler of the stream log that fails now and then."""

    def __init__(self, chance: Chance) -> None:
        super().__init__()
        self.chance = chance

    def emit(self, record: logging.LogRecord) -> None:
        """Raise, or forget the line."""
        self.chance.try_("line")


class Bench:
    """Calls of every kind, and the totals of their telemetry."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.telemetry = telemetry
        self.seen: Totals = Counter()
        self.clients = [
            openai.OpenAI(
                api_key=KEY,
                base_url=wire.BASE_URL,
                max_retries=0,
                http_client=http.Client(transport=http.MockTransport(lambda _, answer=answer: answer())),
            )
            for _, answer in KINDS
        ]

    def play(self, kind: int) -> None:
        """Make one call."""
        KINDS[kind][0](self.clients[kind])

    def totals(self) -> Totals:
        """Return what has been recorded so far, and forget the spans and log records."""
        telemetry, seen = self.telemetry, self.seen
        seen["started"] += len(telemetry.started)
        seen["spans"] += len(telemetry.spans)
        seen.update(f"event {record.event_name}" for record in telemetry.records)
        for kept in (telemetry.everything_started, telemetry.everything_ended, telemetry.records):
            kept.clear()
        found = Counter(seen)
        for metric in telemetry.metrics():
            for point in metric.data.data_points:
                found[metric.name] += getattr(point, "count", 0)
                found[f"{metric.name} sum"] += point.sum if hasattr(point, "sum") else point.value
        return found


@pytest.fixture(name="chance")
def _chance(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chance]:
    """Errors are logged as for users, no pause hides what a failure costs, and prices fail as well."""
    chance = Chance()
    monkeypatch.setattr(guard, "reraise", False)
    monkeypatch.setattr(dispatch, "SECONDS", 0.0)
    monkeypatch.setattr(worker, "TIMEOUT", 10)  # spans are complete when a call is over
    cost: Callable[..., Any] = Prices.cost

    def priced(*args: Any) -> Any:
        found = cost(*args)
        if found is not None:
            chance.try_(names.COST, found.amount)
        return found

    monkeypatch.setattr(Prices, "cost", priced)
    handler = Lines(chance)
    log = logging.getLogger("toolspan.stream")
    log.addHandler(handler)
    yield chance
    chance.on = False
    log.removeHandler(handler)


def test_each_failure_costs_only_what_it_hits(telemetry: Telemetry, chance: Chance) -> None:
    """Spans, log records and sums are those of the calls without failures, less what could not be made."""
    settings: dict[str, Any] = {
        "tracer_provider": Flaky(telemetry.tracers, chance),
        "meter_provider": Flaky(telemetry.meters, chance),
        "logger_provider": Flaky(telemetry.loggers, chance),
        "redact": chance.callback,
        "on_event": chance.callback,
        "completion_hook": chance,
        "capture_message_content": "SPAN_AND_EVENT",
        "log": "text",
        "semconv": "0.1,1.41",
    }
    bench = Bench(telemetry)
    with telemetry.on(**settings):
        alone = [clean(bench, kind) for kind in range(len(KINDS))]
        before, chance.on = bench.totals(), True
        made: Totals = Counter()
        for number in range(CALLS):
            kind = chance.random.randrange(len(KINDS))
            budget = toolspan.usage.budget(chance.callback, tokens=0)
            bench.play(kind)
            toolspan.usage.cancel(budget)
            made.update(alone[kind])
            if number % 1_000 == 999:
                bench.totals()
        found = bench.totals()
        found.subtract(before)
        chance.on = False
        check(found, made, chance.lost)
        assert [clean(bench, kind, 1) for kind in range(len(KINDS))] == alone
    assert len(chance.lost) > 10


def test_an_instrument_that_fails_costs_no_other_metric(
    telemetry: Telemetry, chance: Chance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with the first call, whose measurements begin their series."""
    monkeypatch.setattr(chance, "fails", lambda: True)
    lost: list[str] = []

    def try_(what: str, *values: float) -> None:
        if what == names.TOKEN_USAGE:
            lost.append(what)
            raise Fault

    monkeypatch.setattr(chance, "try_", try_)
    with telemetry.on(meter_provider=Flaky(telemetry.meters, chance), semconv="1.41"):
        Bench(telemetry).play(8)  # an unstreamed answer with tokens
    assert len(lost) == 2
    (point,) = telemetry.points(names.OPERATION_DURATION)
    assert point.count == 1


def check(found: Totals, made: Totals, lost: Totals) -> None:
    """Compare what was recorded with what the calls make and what was lost."""
    assert found["started"] == made["started"] - lost["start_span"]
    assert found["spans"] == found["started"] - lost["end"]
    for name in EXACT:
        if name not in (names.STREAMS, names.TOOL_CALLS, names.COST):  # counters have no count
            assert found[name] == made[name] - lost[name], name
    for name in SUMMED:
        assert found[f"{name} sum"] == pytest.approx(made[f"{name} sum"] - lost[f"{name} sum"]), name
    events = {name for name in made if name.startswith("event")}
    assert sum(found[name] for name in events) == sum(made[name] for name in events) - lost["emit"]


def clean(bench: Bench, kind: int, warm: int = 2) -> Totals:
    """Return what one call of a kind records; the calls before fill caches and begin series."""
    for _ in range(warm):
        bench.play(kind)
    before = bench.totals()
    bench.play(kind)
    after = bench.totals()
    after.subtract(before)
    # Of the agent loop and of times between chunks, which depend on the calls before.
    wanted = {"started", "spans", *EXACT, *(f"{name} sum" for name in SUMMED)}
    return Counter(
        {
            name: round(value, 9)
            for name, value in after.items()
            if value and (name in wanted or name.startswith("event"))
        }
    )
