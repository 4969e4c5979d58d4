"""The convention's operations that this package sees.

It knows nothing of how they are read.
"""

from __future__ import annotations

from typing import Final

CHAT: Final = "chat"
TEXT_COMPLETION: Final = "text_completion"
EMBEDDINGS: Final = "embeddings"
EXECUTE_TOOL: Final = "execute_tool"
FETCH_RESPONSE: Final = "fetch_response"

INFERENCE: Final = frozenset((CHAT, TEXT_COMPLETION))
"""Those in which a model makes something; tokens, calls and chunks are counted only there."""
