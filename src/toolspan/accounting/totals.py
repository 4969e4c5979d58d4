"""Running totals of usage for each combination of several names, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import NamedTuple

from ..guard import shown

OTHER = "_OTHER"
"""The value under which the usage of all dropped values is kept."""
_MOST = 4096  # combinations

Name = str | None


class UsageTotal(NamedTuple):
    """The usage of some requests: tokens as the servers counted them, cost in US dollars.

    The sums do not contain requests without known usage: `uncounted` is the number of requests without
    reported tokens (a stream without `include_usage`, a failed request), `unpriced` those without a cost.
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
        """Return the tokens of input and output, which contain cached and reasoning tokens."""
        return self.input + self.output

    def plus(self, other: UsageTotal) -> UsageTotal:
        """Return the sum of this usage and another, field by field."""
        return UsageTotal(*map(add, self, other))


class Totals:
    """Sums for each combination of the values of some names, in bounded memory.

    When there are too many combinations, values are replaced by `_OTHER`, beginning with the first name. No
    usage is ever lost: the sum of all combinations stays exact.
    """

    def __init__(self, names: tuple[str, ...], most: int = _MOST) -> None:
        self.names = names
        self._most = most
        self._cells: OrderedDict[tuple[Name, ...], UsageTotal] = OrderedDict()

    def add(self, key: tuple[Name, ...], used: UsageTotal) -> None:
        """Add usage under these values; this may replace a value of the least recently used combination."""
        # It ends: each round replaces one value by `_OTHER`, and equal combinations become one.
        while True:
            known = self._cells.pop(key, None)  # `pop` moves the cell to the end: the first is the oldest
            self._cells[key] = used if known is None else UsageTotal._make(map(add, known, used))
            if len(self._cells) <= self._most:
                return
            oldest, used = self._cells.popitem(last=False)
            key = self._coarser(oldest)

    def total(self, where: Mapping[str, Name]) -> UsageTotal:
        """Return the sum for these values of names; raise `ValueError` for an unknown name."""
        return reduce(UsageTotal.plus, (used for _, used in self._where(where)), UsageTotal())

    def by(self, name: str, where: Mapping[str, Name]) -> dict[Name, UsageTotal]:
        """Return the sums for each value of one name; raise `ValueError` for an unknown name."""
        at, found = self._at(name), dict[Name, UsageTotal]()
        for key, used in self._where(where):
            found[key[at]] = found.get(key[at], UsageTotal()).plus(used)
        return found

    def forget(self, where: Mapping[str, Name]) -> None:
        """Drop the sums for these values of names; raise `ValueError` for an unknown name."""
        for key, _ in self._where(where):
            del self._cells[key]

    def under(self, names: tuple[str, ...]) -> Totals:
        """Return the same sums under other names; combinations that then are equal are merged."""
        found = Totals(names, self._most)
        for key, used in self._cells.items():
            found.add(tuple(map(dict(zip(self.names, key, strict=True)).get, names)), used)
        return found

    def _where(self, where: Mapping[str, Name]) -> list[tuple[tuple[Name, ...], UsageTotal]]:
        wanted = [(self._at(name), value) for name, value in where.items()]
        cells = self._cells.items()
        # A list, because `forget` deletes cells while it goes through the result.
        return [(key, used) for key, used in cells if all(key[at] == value for at, value in wanted)]

    def _coarser(self, key: tuple[Name, ...]) -> tuple[Name, ...]:
        at = next((at for at, value in enumerate(key) if value != OTHER), 0)
        return (*key[:at], OTHER, *key[at + 1 :])

    def _at(self, name: str) -> int:
        if not isinstance(name, str) or name not in self.names:
            kept = ", ".join(self.names)
            # A total of 0 for a misspelt name would look like no usage.
            raise ValueError(
                f"toolspan: no totals by {shown(name)}, only by {kept}; other names are set by usage_keys"
            )
        return self.names.index(name)
