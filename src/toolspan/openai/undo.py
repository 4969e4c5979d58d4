"""Taking a wrapper out of a class again, unless somebody has wrapped it since.

It knows nothing of what was wrapped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def undoing(owner: Any, name: str, own: Any) -> Callable[[], None]:
    """Restores `own`, which the class had before the wrapper that it has now; `None` if it had nothing."""
    ours = owner.__dict__[name]

    def undo() -> None:
        if owner.__dict__.get(name) is not ours:
            return
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)

    return undo
