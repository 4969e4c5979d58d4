"""Runaways: agents that repeat a call, a cycle of calls or a failure; found without content, by hashes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any, TypeAlias

from opentelemetry.context import Context
from opentelemetry.metrics import Meter

from ..guard import report
from ..otel import semconv as names
from ..otel.call_data import RememberedCall, Turn
from ..wire.events import Runaway

PERIODS = (1, 2, 3)
"""The lengths of the cycles that are found, in turns."""
_Key: TypeAlias = "tuple[tuple[str, int], ...]"
_MOST_FAILURES = 64  # kinds of failures that one loop remembers: the names of tools are the model's


class AgentStopped(Exception):  # noqa: N818 - no error of the application: its agent was stopped
    """Raised by a model call or a tool of an agent that `stop_on_runaway` stops; `runaway` is the reason."""

    def __init__(self, runaway: Runaway, name: str) -> None:
        what = f"{runaway.kind} of {', '.join(runaway.tools) or 'a request'}, {runaway.times} times"
        super().__init__(f"toolspan: the agent {name!r} was stopped: {what}")
        self.runaway = runaway


class History:
    """What one turn knows of the turns of its loop: hashes of their calls and results, and failures.

    Each turn has its own, made of that of the turn before: an agent that tries two ways from one turn on is
    two loops, which do not mix. A question of the user begins anew.
    """

    __slots__ = ("_failures", "_keys", "_results", "_streaks", "failed")

    def __init__(self, before: Turn | None = None, brought: Hashable = None) -> None:
        """Go on from a turn; `brought` are its results (`None`: not known)."""
        # The newest first: of as many turns as the longest cycle has, and the results of one more.
        self._keys: tuple[_Key | None, ...] = ()
        self._results: tuple[Hashable, ...] = ()
        self._streaks = (0,) * len(PERIODS)
        self._failures: Mapping[tuple[str, str], int] = {}
        self.failed: dict[tuple[str, str], int] = {}
        if before is None or (old := before.history) is None:
            return
        self._keys, self._streaks = old._keys, old._streaks
        self._results = (brought, *old._results)[: PERIODS[-1] + 1]
        # A tool that was called and did not fail in this way has ended its series.
        called = {one.name for one in before.calls}
        kept = {what: count for what, count in old._failures.items() if what[0] not in called}
        self._failures = dict([*kept.items(), *old.failed.items()][-_MOST_FAILURES:])

    def failure(self, tool: str, error: str) -> int:
        """Return in how many turns in a row the tool has failed so; 0 if that is known of this turn."""
        what = (tool, error)
        # Parallel calls that fail together have not failed again and again.
        if what in self.failed:
            return 0
        self.failed[what] = count = self._failures.get(what, 0) + 1
        return count

    def cycle(self, calls: Collection[RememberedCall]) -> tuple[tuple[str, ...], int, int] | None:
        """Add this turn's calls; return tools, period and round of a cycle that begins a new round."""
        before, key = self._keys, _key(calls)
        self._keys = (key, *before[: PERIODS[-1] - 1])
        if not before:  # the first turn of a loop, as nearly always
            return None
        streaks = [self._streak(*each) for each in zip(PERIODS, self._streaks, before, strict=False)]
        self._streaks = (*streaks, *self._streaks[len(streaks) :])
        for period, streak in zip(PERIODS, streaks, strict=False):
            # Equal turns are a cycle of any length: the shortest one counts.
            if streak and (streak - 1) % period == 0 and (period == 1 or streaks[0] < period):
                turns = reversed(self._keys[:period])
                tools = tuple(
                    name for turn in turns for name in dict.fromkeys(name for name, _ in turn or ())
                )
                return tools, period, (streak + period - 1) // period + 1
        return None

    def _streak(self, period: int, streak: int, earlier: _Key | None) -> int:
        """Return the number of turns in a row that equal the one a period before, `earlier` for this turn."""
        if self._keys[0] is None or self._keys[0] != earlier:
            return 0
        # A poll whose answer changes is no runaway. Results that are not known prove nothing.
        newest, *results = self._results
        known = newest is not None and results[period - 1 : period] == [newest]
        return (streak if known else 0) + 1


def _key(calls: Collection[RememberedCall]) -> _Key | None:
    """Return what equal turns share; `None` if the arguments of a call are not known."""
    found = []
    for one in calls:
        if one.argument_hash is None:
            return None
        found.append((one.name or "", one.argument_hash))
    return tuple(sorted(found))


def brought(results: Collection[RememberedCall], digests: Mapping[str, int]) -> Hashable:
    """Return what equal results of equal calls share; `None` if the hash of one is missing.

    `digests` are the hashes of the results by the ids of their calls.
    """
    if not all(one.id in digests for one in results):
        return None
    return tuple(sorted((one.name or "", one.argument_hash or 0, digests[one.id]) for one in results))


class Runaways:
    """The counter of runaways, and the application's callback for them."""

    def __init__(self, meter: Meter, callback: Callable[[Runaway], object] | None) -> None:
        self._callback = callback
        self._counter = meter.create_counter(
            names.RUNAWAYS, unit=names.RUNAWAY, description="Agents that repeat themselves."
        )

    def count(self, runaway: Runaway, labels: Mapping[str, Any], context: Context | None) -> None:
        """Count a runaway."""
        self._counter.add(1, {**labels, names.RUNAWAY_KIND: runaway.kind}, context)

    def notify(self, runaway: Runaway) -> None:
        """Call the callback; whatever it raises is logged once, and not raised."""
        try:
            if self._callback is not None:
                self._callback(runaway)
        # `SystemExit` and `KeyboardInterrupt` too: they would end the loop that reads the stream.
        except BaseException as error:
            report("the callback on_runaway", error)
