"""What speaks for a remembered call being of the agent that asks now, where servers give several the same id.

It knows no loop; the trace counts most, then the thread and the task.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TypeAlias

from opentelemetry import trace

from ..wire.steps import Asked

_Place: TypeAlias = "tuple[int, int]"


def place() -> _Place:
    """The thread and the task in which this runs: a hint where servers give several calls the same id."""
    loop = asyncio._get_running_loop()
    task = None if loop is None else asyncio.current_task(loop)
    return threading.get_ident(), 0 if task is None else id(task)


def nearness(here: _Place, asked: Asked) -> int:
    """How much speaks for a call being of the agent that asks: its trace, then its thread and task."""
    trace_id = trace.get_current_span().get_span_context().trace_id
    asker = asked.turn.asker
    same_trace = asker is not None and trace_id and asker.trace_id == trace_id
    return (2 if same_trace else 0) + (1 if asked.turn.place == here else 0)
