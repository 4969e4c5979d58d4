"""The design page's table of calls against what the checker makes of them; must not know how it does that."""

from __future__ import annotations

import json
import re
from pathlib import Path

from toolspan.wire.tools import tools

from ..table import each_row
from .bent_calls import Bent
from .test_tools_bent_calls import chat, chat_stream, read, said

TEXT = (Path(__file__).parents[2] / "docs" / "design.md").read_text("utf-8").partition("is held against\n")[2]
TOOL = json.loads(TEXT.split("```json\n")[1].split("```")[0])
ROW = re.compile(r"^\| `(\w+)\((.*)\)` \| `(\w+)` \| (?:`(.+)` )?\|$", re.MULTILINE)
ROWS = [Bent(call[0], call[1], call[2], call[3] or None, call[0]) for call in ROW.findall(TEXT)]


@each_row("row", ROWS, ids=lambda row: f"{row.name}({row.arguments})")
def test_row(row: Bent) -> None:
    """Each row of the table is true."""
    assert said(read(chat(tools([TOOL])), chat_stream(row, 4))) == (row.outcome, row.path)


def test_table() -> None:
    """The table has more than ten rows and every outcome but that of a stream that broke off."""
    assert len(ROWS) > 10
    assert {row.outcome for row in ROWS} == {
        "valid",
        "invalid",
        "unknown_tool",
        "missing_argument",
        "wrong_type",
    }
