"""The words in which it is written down what a chunk says."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

TEXT, TOOL_CALL, FINISH, OTHER = "text", "tool_call", "finish", "other"
KINDS = (TEXT, TOOL_CALL, FINISH, OTHER)
CONTENT, REASONING, REFUSAL = "content", "reasoning", "refusal"


class Place(NamedTuple):
    """Where something is said: in which text or call of which choice. Equal places are the same object."""

    kind: str
    choice: int = 0
    call: int | None = None
    sort: str = ""


Mark: TypeAlias = "tuple[Any, ...]"
"""One thing that a chunk says: its place and the words, and of a call that is named also id and name."""
Meaning: TypeAlias = "tuple[Mark, ...]"
"""All that a chunk says; empty if that is nothing."""

place = lru_cache(maxsize=1024)(Place)
"""The place of this kind, choice, call and sort."""


def kind_of(meaning: Meaning) -> str:
    """The kind that a chunk is counted as: that of the weightiest thing it says."""
    if len(meaning) == 1:
        return str(meaning[0][0].kind)
    kinds = [mark[0].kind for mark in meaning]
    return next((kind for kind in (FINISH, TOOL_CALL, TEXT) if kind in kinds), OTHER)
