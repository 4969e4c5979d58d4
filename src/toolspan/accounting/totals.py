"""Running totals by several names at once, bounded: what is forgotten of them is who it was, never how much.

It knows neither calls nor budgets.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from operator import add
from typing import NamedTuple

OTHER = "_OTHER"
"""Stands for all that have been forgotten."""
_MOST = 4096

Name = str | None


class UsageTotal(NamedTuple):
    """What some requests have used. Tokens as the servers counted them, cost in US dollars.

    `uncounted` requests told no tokens (a stream without `include_usage`, one that failed), `unpriced` ones
    have no cost that is known: what they used is not in the sums.
    """

    requests: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    reasoning: int = 0
    cost: float = 0.0
    uncounted: int = 0
    unpriced: int = 0

    @property
    def tokens(self) -> int:
        """Tokens of input and output; cached and reasoning tokens are among these."""
        return self.input + self.output

    def plus(self, other: UsageTotal) -> UsageTotal:
        """Both together."""
        return UsageTotal(*map(add, self, other))


class Totals:
    """Sums for each combination of the values of these names; of the first one values are forgotten first."""

    def __init__(self, names: tuple[str, ...], most: int = _MOST) -> None:
        self.names = names
        self._most = most
        self._cells: OrderedDict[tuple[Name, ...], UsageTotal] = OrderedDict()

    def add(self, key: tuple[Name, ...], used: UsageTotal) -> None:
        """Add what was used under these values; the least recently used cell may become coarser."""
        self._add(key, used)
        while len(self._cells) > self._most:
            oldest, total = self._cells.popitem(last=False)
            self._add(self._coarser(oldest), total)

    def total(self, where: Mapping[str, Name]) -> UsageTotal:
        """The sum where the names have these values; `ValueError` for a name that is not kept."""
        found = UsageTotal()
        for _, used in self._where(where):
            found = found.plus(used)
        return found

    def by(self, name: str, where: Mapping[str, Name]) -> dict[Name, UsageTotal]:
        """The sums for each value of one name; `ValueError` for a name that is not kept."""
        at, found = self._at(name), dict[Name, UsageTotal]()
        for key, used in self._where(where):
            found[key[at]] = found.get(key[at], UsageTotal()).plus(used)
        return found

    def forget(self, where: Mapping[str, Name]) -> None:
        """Begin anew, where the names have these values; `ValueError` for a name that is not kept."""
        for key, _ in self._where(where):
            del self._cells[key]

    def under(self, names: tuple[str, ...]) -> Totals:
        """The same sums, kept by other names from now on."""
        found = Totals(names, self._most)
        for key, used in self._cells.items():
            known = dict(zip(self.names, key, strict=True))
            found.add(tuple(map(known.get, names)), used)
        return found

    def _where(self, where: Mapping[str, Name]) -> list[tuple[tuple[Name, ...], UsageTotal]]:
        wanted = [(self._at(name), value) for name, value in where.items()]
        cells = self._cells.items()
        return [(key, used) for key, used in cells if all(key[at] == value for at, value in wanted)]

    def _add(self, key: tuple[Name, ...], used: UsageTotal) -> None:
        known = self._cells.pop(key, None)
        self._cells[key] = used if known is None else known.plus(used)

    def _coarser(self, key: tuple[Name, ...]) -> tuple[Name, ...]:
        at = next((at for at, value in enumerate(key) if value != OTHER), 0)
        return (*key[:at], OTHER, *key[at + 1 :])

    def _at(self, name: str) -> int:
        if name not in self.names:
            raise ValueError(f"totals are not kept by {name}, but by {', '.join(self.names)}; see usage_keys")
        return self.names.index(name)
