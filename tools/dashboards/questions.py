"""The content of a dashboard: panels that ask a question, each with its queries."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import promql as q
from .promql import CALL, MODEL_LABEL, TOOL, TOOL_LABEL


@dataclass(frozen=True)
class Question:
    """One panel: its title is the question; `queries` are PromQL expressions by legend."""

    title: str
    description: str
    unit: str
    queries: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Board:
    """One dashboard: its uid, which is also its file's name, its title and its panels."""

    uid: str
    title: str
    questions: tuple[Question, ...]


def quantiles(histogram: str, label: str, where: str) -> dict[str, str]:
    """Return the queries of the median and of the 95th percentile, for each value of a label."""
    return {
        f"{{{{{label}}}}} half": q.quantile(0.5, histogram, label, where),
        f"{{{{{label}}}}} 95 %": q.quantile(0.95, histogram, label, where),
    }


def by_model(histogram: str) -> dict[str, str]:
    """Return the queries of both quantiles for each model."""
    return quantiles(histogram, MODEL_LABEL, CALL)


def by_tool(histogram: str, where: str = TOOL) -> dict[str, str]:
    """Return the queries of both quantiles for each tool."""
    return quantiles(histogram, TOOL_LABEL, where)
