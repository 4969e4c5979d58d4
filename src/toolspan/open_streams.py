"""Streams that nobody ended: dropped by the application, or still open when the process ends.

It knows calls only as things that can be ended. A stream that dies in a garbage collection is ended a little
later: the collector may have interrupted a thread that holds a lock of the telemetry SDK, and ending the call
there would wait for that lock for ever.
"""

from __future__ import annotations

import atexit
import gc
import os
import threading
from collections import deque
from typing import Any, Protocol

from .otel.content.worker import finish_all
from .wire.record import End


class Ending(Protocol):
    """A call, or a stage of a pipeline."""

    def end(self, end: End | BaseException) -> None:
        """It is over, in this way; only the first end counts."""

    def forget(self) -> None:
        """Another process ends it: say nothing."""


_open: set[Ending] = set()
_waiting: deque[Ending] = deque()
_collecting: set[int] = set()


def install() -> None:
    """Start to watch collections, forks and the end of the process; once more does nothing."""
    if _on_collection in gc.callbacks:
        return
    gc.callbacks.append(_on_collection)


def remove() -> None:
    """Watch collections no more. Streams that are open still end."""
    if _on_collection in gc.callbacks:
        gc.callbacks.remove(_on_collection)


def opened(call: Ending) -> None:
    """A stream was handed out. The first one is the moment for the hooks: the providers exist by now."""
    _hooks()
    _open.add(call)


def dropped(call: Ending) -> None:
    """Nobody holds the stream any more; called while it dies."""
    if threading.get_ident() in _collecting:
        _waiting.append(call)
    else:
        finish(call, End.DROPPED)


def finish(call: Ending, end: End | BaseException) -> None:
    """End a call and forget it; not before, so that a child forked meanwhile knows that it was open."""
    try:
        call.end(end)
    finally:
        _open.discard(call)


def end_dropped() -> None:
    """End the streams that died in a collection; called where no lock of ours or of the SDK's is held."""
    while _waiting:
        try:
            finish(_waiting.popleft(), End.DROPPED)
        except IndexError:  # another thread was faster
            return


def _on_collection(phase: str, info: dict[str, Any]) -> None:
    if phase == "start":
        _collecting.add(threading.get_ident())
    else:
        _collecting.discard(threading.get_ident())


_hooked = False


def _hooks() -> None:
    global _hooked
    if _hooked:
        return
    _hooked = True
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_in_child)


def _at_exit() -> None:
    end_dropped()
    for call in tuple(_open):
        finish(call, End.DROPPED)
    finish_all()


def _in_child() -> None:
    """The parent tells of the streams it opened; a child that drops its copies says nothing.

    But its copy of the gauge of open streams counts them, until they are forgotten.
    """
    for call in tuple(_open):
        call.forget()
    _open.clear()
    _waiting.clear()
    _collecting.clear()
