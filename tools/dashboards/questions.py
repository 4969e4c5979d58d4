"""What a dashboard is made of: questions, each with the queries that answer it; it must not know Grafana."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import promql as q
from .promql import CALL, MODEL_LABEL, TOOL, TOOL_LABEL


@dataclass(frozen=True)
class Question:
    """One panel: its title is the question; `reads` says how to read the answer; queries have a legend."""

    title: str
    reads: str
    unit: str
    queries: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Board:
    """One dashboard: the name of its file, its title, its panels."""

    uid: str
    title: str
    questions: tuple[Question, ...]


def quantiles(histogram: str, label: str, where: str) -> dict[str, str]:
    """Half of the samples, and all but one of twenty."""
    return {
        f"{{{{{label}}}}} half": q.quantile(0.5, histogram, label, where),
        f"{{{{{label}}}}} 95 %": q.quantile(0.95, histogram, label, where),
    }


def by_model(histogram: str) -> dict[str, str]:
    """The same for each model."""
    return quantiles(histogram, MODEL_LABEL, CALL)


def by_tool(histogram: str, where: str = TOOL) -> dict[str, str]:
    """The same for each tool."""
    return quantiles(histogram, TOOL_LABEL, where)
