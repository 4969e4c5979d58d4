"""`python -m tools.settings_page`: write the table of `docs/settings.md` from the table in `settings.py`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from toolspan import settings

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
MARKED = re.compile(r"(<!-- python -m tools.settings_page -->\n).*?(<!-- end -->)", re.DOTALL)
PAGES = {
    "semconv": "names.md#metrics",
    "runaways": "agents.md#runaways",
    "on_runaway": "agents.md#runaways",
    "log": "events.md#stream-logs",
    "cost": "cost.md#cost",
    "metric_attributes": "cost.md",
    "usage_keys": "cost.md#usage-and-budgets",
    "check_arguments": "tool-calls.md#checking-tool-calls",
    "other_instrumentations": "neighbours.md",
    "sample_every": "pipelines.md#sampled-chunks",
    "socket_log": "pipelines.md#websockets",
    "compat": "names.md#names-for-other-readers",
    "stream_usage": "names.md#tokens-of-streams",
    "capture_message_content": "content.md",
    "content_format": "content.md#with-capture",
    "redact": "content.md#redaction",
    "completion_hook": "content.md#completion-hook",
    "on_event": "events.md#listeners",
}
"""The page that has more of a setting."""


def comments() -> dict[str, str]:
    """Return the comment above each setting, which says what it is for."""
    text = Path(settings.__file__).read_text("utf-8")
    lines = text.splitlines()
    (table,) = (
        node for node in ast.parse(text).body if isinstance(node, ast.ClassDef) and node.name == "Settings"
    )
    found = {}
    for node in table.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            above = []
            for line in reversed(lines[: node.lineno - 1]):
                if not line.strip().startswith("#"):
                    break
                above.append(line.strip("# "))
            found[node.target.id] = " ".join(reversed(above))
    return found


def rows() -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| keyword | variable | values | default | meaning |"
    yield "| --- | --- | --- | --- | --- |"
    meaning = comments()
    for each in fields(settings.Settings):
        variables = ", ".join(f"`{name}`" for name in each.metadata["variables"])
        about = meaning[each.name].replace("|", "\\|")
        if more := PAGES.get(each.name):
            about += f" [More]({more})"
        cells = f"`{each.name}`", variables, each.metadata["rule"].accepted, _default(each), about
        yield f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _default(each: Field[Any]) -> str:
    """Return a default as it is written in a variable."""
    value, accepted = each.default, each.metadata["rule"].accepted
    if isinstance(value, bool):
        value = accepted.split(", ")[not value]
    if isinstance(value, tuple):
        value = ",".join(value)
    if str(value).upper() in accepted:
        value = str(value).upper()
    return f"`{value}`" if value not in (None, "") else ""


def written(page: str) -> str:
    """Return the page with the table of today."""
    table = "\n".join(rows())
    return MARKED.sub(lambda found: f"{found[1]}\n{table}\n\n{found[2]}", page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
