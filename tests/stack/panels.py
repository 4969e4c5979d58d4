"""Run the queries of each panel and each alert on a real Prometheus.

Grafana's variables are replaced as Grafana would for one chosen service.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from math import isnan
from typing import Any

import yaml

from tests.e2e.parts import REPOSITORY

from . import expected
from .prometheus import FILES, Prometheus

Problems = Iterator[str]
CHOSEN = {"$service": "storm", "$provider": ".*", "$model": ".*", "$tool": ".*", "$__rate_interval": "5m"}


def panels() -> list[dict[str, Any]]:
    """All panels of all dashboards."""
    files = sorted((REPOSITORY / "dashboards").glob("*.json"))
    return [panel for file in files for panel in json.loads(file.read_text())["panels"]]


def alerts() -> list[dict[str, Any]]:
    """All alert rules."""
    rules = yaml.safe_load((FILES / "alerts.yml").read_text())
    return [rule for group in rules["groups"] for rule in group["rules"]]


def chosen(expression: str) -> str:
    """The expression with the variables replaced."""
    for variable, value in CHOSEN.items():
        expression = expression.replace(variable, value)
    return expression


def curves(prometheus: Prometheus, target: dict[str, Any]) -> dict[str, float]:
    """The series of one query of a panel, by the legends that Grafana would show."""
    found = prometheus.query(chosen(target["expr"]))
    return {legend(target["legendFormat"], labels): value for labels, value in found}


def legend(form: str, labels: dict[str, str]) -> str:
    """The legend of a series, as Grafana fills it in."""
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), form)


def check_panel(prometheus: Prometheus, panel: dict[str, Any]) -> Problems:
    """The panel shows what it must, by name, and every value is a number."""
    shown: dict[str, float] = {}
    wanted = expected.PANELS[panel["title"]]
    for target in panel["targets"]:
        shown |= curves(prometheus, target)
    if shown.keys() != wanted:
        yield f"{panel['title']} shows {sorted(shown)}, not {sorted(wanted)}"
    for name in (name for name, value in shown.items() if isnan(value)):
        yield f"{panel['title']}: {name} is not a number"


def check_alert(prometheus: Prometheus, rule: dict[str, Any]) -> Problems:
    """The expression gives the series that it should, and those above its threshold."""
    label, all_, above = expected.ALERTS[rule["alert"]]
    anything = re.sub(r"> [\d.]+\s*$", ">= 0", rule["expr"])
    for what, expression, wanted in (("", anything, all_), (" above its threshold", rule["expr"], above)):
        found = {labels[label] for labels, _ in prometheus.query(expression) if labels["job"] == "storm"}
        if found != wanted:
            yield f"{rule['alert']}{what} gives {sorted(found)}, not {sorted(wanted)}"


def check(prometheus: Prometheus) -> Problems:
    """Every panel and every alert; and the server itself has no quarrel with a rule."""
    titles = [panel["title"] for panel in panels()]
    if sorted(titles) != sorted(expected.PANELS):
        yield "the panels are not those of the table"
    for panel in panels():
        yield from check_panel(prometheus, panel)
    for rule in alerts():
        yield from check_alert(prometheus, rule)
    for state in prometheus.rules():
        if state["health"] == "err":
            yield f"{state['name']}: {state['lastError']}"
