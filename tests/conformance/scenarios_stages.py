"""Stages that do to chunks of each kind what can be done to them; must not know what is recorded of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import toolspan

from ..pipeline import shapes

Policy = Callable[[list[Any]], Iterator[Any]]
KINDS = {"text": 1, "tool_call": 3, "finish": 9}
"""A chunk of each kind, by its place in the answer."""


@dataclass(frozen=True)
class StageScenario:
    """A pipeline of a point and a policy."""

    policy: Callable[[Iterator[Any]], Iterator[Any]]

    def play(self) -> None:
        """Let the answer pass."""
        chunks = toolspan.stage("model", iter(shapes.answer()), sample_every=5)
        with suppress(ValueError):
            list(toolspan.stage("policy", chunks, through=self.policy))


def altered(at: int) -> StageScenario:
    """The chunk comes out as another of its kind."""
    other = {1: shapes.text("other"), 3: shapes.opening(0, "other"), 9: shapes.finish("length")}[at]
    return StageScenario(lambda chunks: (other if n == at else each for n, each in enumerate(chunks)))


def dropped(at: int) -> StageScenario:
    """The chunk does not come out."""
    return StageScenario(lambda chunks: (each for n, each in enumerate(chunks) if n != at))


def injected(at: int) -> StageScenario:
    """The chunk comes out twice."""
    return StageScenario(lambda chunks: (each for n, each in enumerate(chunks) for _ in range(1 + (n == at))))


def reordered(at: int) -> StageScenario:
    """The chunk comes last."""

    def policy(chunks: Iterator[Any]) -> Iterator[Any]:
        found = list(chunks)
        yield from [*found[:at], *found[at + 1 :], found[at]]

    return StageScenario(policy)


def blocked(at: int) -> StageScenario:
    """Nothing comes out from the chunk on, and nothing more is read."""

    def policy(chunks: Iterator[Any]) -> Iterator[Any]:
        for number, each in enumerate(chunks):
            if number == at:
                return
            yield each

    return StageScenario(policy)


def broken(chunks: Iterator[Any]) -> Iterator[Any]:
    """An error in the middle."""
    yield next(chunks)
    raise ValueError


_DONE = (altered, dropped, injected, reordered, blocked)
CASES = {
    f"{make.__name__} {kind}": make(at) for make in _DONE for kind, at in KINDS.items()
} | {"broken": StageScenario(broken)}  # fmt: skip
"""Every policy, by name."""
