"""The design page's table of calls against what the checker makes of them; must not know how it does that."""

from __future__ import annotations

import json
import re
from pathlib import Path

from toolspan.wire.tools import tools

from ..table import each_row
from .bent_calls import Bent
from .test_tool_call_outcomes import chat, chat_stream, read, said

TEXT = (Path(__file__).parents[2] / "docs" / "design.md").read_text("utf-8").partition("## Checking tool calls\n")[2]
TOOL = json.loads(TEXT.split("```json\n")[1].split("```")[0])
ROW = re.compile(r"^\| `(\w+)\((.*)\)` \| `(\w+)` \| (?:`(.+)` )?\|$", re.MULTILINE)
ROWS = [Bent(call[0], call[1], call[2], call[3] or None, call[0]) for call in ROW.findall(TEXT)]


@each_row("row", ROWS, ids=lambda row: f"{row.name}({row.arguments})")
def test_each_row_of_the_design_page_is_true(row: Bent) -> None:
    """The checker gives each call of the table the outcome that the page names."""
    assert said(read(chat(tools([TOOL])), chat_stream(row, 4))) == (row.outcome, row.path)


def test_table_of_the_design_page_has_every_outcome() -> None:
    """The table has more than ten rows and every outcome but that of a broken stream."""
    assert len(ROWS) > 10
    assert {row.outcome for row in ROWS} == {
        "valid",
        "invalid",
        "unknown_tool",
        "missing_argument",
        "wrong_type",
    }
