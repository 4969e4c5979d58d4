"""Everything that the stages of a pipeline emit conforms to toolspan's own facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

import toolspan

from ..pipeline import shapes
from .playing import complaints, played

Policy = Callable[[list[Any]], Iterator[Any]]
KINDS = {"text": 1, "tool_call": 3, "finish": 9}
"""A chunk of each kind, by its place in the answer."""


@dataclass(frozen=True)
class StageScenario:
    """A pipeline of a source and a policy."""

    policy: Callable[[Iterator[Any]], Iterator[Any]]

    def play(self) -> None:
        """Read an answer through the pipeline."""
        chunks = toolspan.stage("model", iter(shapes.answer()), sample_every=5)
        with suppress(ValueError):
            list(toolspan.stage("policy", chunks, through=self.policy))


def altered(at: int) -> StageScenario:
    """Replace the chunk by another one of its kind."""
    other = {1: shapes.text("other"), 3: shapes.opening(0, "other"), 9: shapes.finish("length")}[at]
    return StageScenario(lambda chunks: (other if n == at else each for n, each in enumerate(chunks)))


def dropped(at: int) -> StageScenario:
    """Drop the chunk."""
    return StageScenario(lambda chunks: (each for n, each in enumerate(chunks) if n != at))


def injected(at: int) -> StageScenario:
    """Emit the chunk twice."""
    return StageScenario(lambda chunks: (each for n, each in enumerate(chunks) for _ in range(1 + (n == at))))


def reordered(at: int) -> StageScenario:
    """Emit the chunk last."""

    def policy(chunks: Iterator[Any]) -> Iterator[Any]:
        found = list(chunks)
        yield from [*found[:at], *found[at + 1 :], found[at]]

    return StageScenario(policy)


def blocked(at: int) -> StageScenario:
    """Stop before the chunk, and read nothing more."""

    def policy(chunks: Iterator[Any]) -> Iterator[Any]:
        for number, each in enumerate(chunks):
            if number == at:
                return
            yield each

    return StageScenario(policy)


def broken(chunks: Iterator[Any]) -> Iterator[Any]:
    """Fail after one chunk."""
    yield next(chunks)
    raise ValueError


_POLICIES = (altered, dropped, injected, reordered, blocked)
CASES = {
    f"{make.__name__} {kind}": make(at) for make in _POLICIES for kind, at in KINDS.items()
} | {"broken": StageScenario(broken)}  # fmt: skip
"""Every policy, by name."""


@pytest.mark.parametrize("capture", ["no_content", "span_and_event"])
@pytest.mark.parametrize("scenario", CASES.values(), ids=CASES)
def test_all_spans_of_a_pipeline_conform(scenario: StageScenario, capture: str) -> None:
    """Every span, event and link of a pipeline matches the facts."""
    assert complaints(*played(scenario, capture_message_content=capture)) == []
