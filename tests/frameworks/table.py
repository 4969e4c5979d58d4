"""The table in `docs/frameworks.md`, which keeps the rows that are not run; it must not know the checks."""

from __future__ import annotations

import datetime as dt
import platform
from pathlib import Path

from tests.e2e.parts import REPOSITORY

FILE = REPOSITORY / "docs" / "frameworks.md"
HEAD = (
    "framework", "openai", "HTTP client", "API", "server", "model calls", "inference spans", "tool calls",
    "tokens in/out", "result", "run on",
)  # fmt: skip
_TEXT = """# Frameworks

Made by `make frameworks`: each framework in an environment of its own, in the newest version that
resolved, runs one turn with streamed tool calls under `opentelemetry-instrument`, without a line of
code. What the spans and the metrics say is compared with what the server sent: one inference span for
each call of the model, the ids, names and arguments of the calls, the tokens, the provider. aimock is a
scripted server with a journal, llama-server is llama.cpp's with a model that recites. Tokens are missing
where a framework does not ask for them in a stream.

What does not pass through the SDK is not seen: `litellm.responses` and dspy's own engine speak HTTP
themselves. LangChain does not get along with llama-server's Responses API, with or without toolspan: it
merges calls that have no `output_index`.

"""


def rows() -> dict[tuple[str, ...], tuple[str, ...]]:
    """The rows that are in the file, by framework, API and server."""
    found = {}
    for line in FILE.read_text().splitlines() if FILE.is_file() else ():
        cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
        if line.startswith("|") and len(cells) == len(HEAD) and cells[0] not in ("framework", "---"):
            found[_key(cells)] = cells
    return found


def write(new: list[tuple[str, ...]], order: list[str]) -> None:
    """Replace the rows that were run."""
    stamp = f"{dt.datetime.now(dt.timezone.utc).date().isoformat()}, Python {platform.python_version()}"
    found = rows() | {_key(cells): (*cells, stamp) for cells in new}
    kept = sorted(found.values(), key=lambda cells: (order.index(_name(cells)), cells[3], cells[4]))
    lines = [HEAD, ("---",) * len(HEAD), *kept]
    text = _TEXT + "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
    Path(FILE).write_text(text)


def _key(cells: tuple[str, ...]) -> tuple[str, ...]:
    return _name(cells), cells[3], cells[4]


def _name(cells: tuple[str, ...]) -> str:
    return cells[0].split()[0]
