"""Making a context current for a while, whatever runtime context there is and wherever it is left again.

It knows nothing of what the context holds.
"""

from __future__ import annotations

import contextvars
from typing import Any

from opentelemetry import context
from opentelemetry.context import Context


def enter(found: Context | None) -> Any:
    """Make it current; gives what `leave` needs."""
    try:
        return context.attach(found) if found is not None else None
    except Exception:
        return None


def leave(token: Any) -> None:
    """Restore what was current; a coroutine that is closed from elsewhere has nothing of ours to restore."""
    try:
        if isinstance(token, contextvars.Token):
            token.var.reset(token)
        elif token is not None:
            context.detach(token)
    except (RuntimeError, ValueError):
        pass
