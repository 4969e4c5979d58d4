"""End streams that the application dropped, and those still open at interpreter exit.

A stream that dies in a garbage collection is ended at the next request. The collector may have interrupted a
thread that holds a lock of OpenTelemetry's SDK; ending the call there would wait for that lock for ever.
"""

from __future__ import annotations

import atexit
import gc
import os
import threading
import weakref
from collections import deque
from functools import lru_cache
from typing import Any, Protocol

from .otel.content.worker import finish_all
from .wire.record import End


class Ending(Protocol):
    """A call, or a stage of a pipeline: anything that ends once."""

    def end(self, end: End | BaseException) -> None:
        """End the call or stage; only the first end counts."""

    def forget(self) -> None:
        """Drop the call or stage without telemetry: the parent process ends it."""


class Owner(weakref.ref[Any]):
    """A weak reference to what a call lives for: the frame of its request, its stream, its connection.

    It belongs to the call while that has not ended. When its object dies first, because a `KeyboardInterrupt`
    has hit the code that ends the call, the reference comes to `waiting`. The callback is the deque's own
    method: no Python code runs there that could be interrupted once more.
    """

    __slots__ = ("call",)
    call: Ending


_open: set[Ending] = set()
waiting: deque[Ending | Owner] = deque()
"""Streams that died in a collection, and calls whose end was interrupted; `end_dropped` ends them.

Its methods are atomic: no lock is needed.
"""
_collecting: set[int] = set()  # ids of the threads that run a collection now


def install() -> None:
    """Add the callback of the garbage collector, once."""
    if _on_collection not in gc.callbacks:
        gc.callbacks.append(_on_collection)


def remove() -> None:
    """Remove the callback of the garbage collector. Open streams still end."""
    if _on_collection in gc.callbacks:
        gc.callbacks.remove(_on_collection)


def own(call: Any, by: Any) -> None:
    """Let a call live for this object: if nothing else ends the call, the death of the object does."""
    owner = Owner(by, waiting.append)
    owner.call = call
    call.owner = owner


def opened(call: Ending) -> None:
    """Remember a stream that the application gets.

    The first stream registers the hooks for exit and fork. The providers exist by then, so that their own
    exit hooks run after toolspan's: `atexit` runs the last one first.
    """
    _hooks()
    _open.add(call)


def dropped(call: Ending) -> None:
    """End a stream whose last reference is gone; called from a finalizer."""
    if threading.get_ident() in _collecting:
        waiting.append(call)
    else:
        finish(call, End.DROPPED)


def finish(call: Ending, end: End | BaseException) -> None:
    """End a call, then remove it from the open ones.

    The order matters: a child that is forked in between still finds the call and counts its stream as closed.
    An end that is interrupted, for one by a `KeyboardInterrupt`, goes on at the next request or at exit.
    """
    try:
        call.end(end)
        _open.discard(call)
    except BaseException as error:
        if issubclass(type(error), Exception):  # a bug: it would raise again
            _open.discard(call)
        else:
            waiting.append(call)
        raise


def end_dropped() -> None:
    """End the calls that wait for it; the caller holds no lock of toolspan or OpenTelemetry."""
    while waiting:
        try:
            found = waiting.popleft()
        except IndexError:  # another thread took the last one
            return
        # An interruption may have hit the two lines that make an owner: then it has no call.
        call = getattr(found, "call", None) if isinstance(found, Owner) else found
        if call is not None:
            finish(call, End.DROPPED)


def _on_collection(phase: str, info: dict[str, Any]) -> None:
    # Finalizers run in the thread that collects: its id marks them until the collection stops.
    if phase == "start":
        _collecting.add(threading.get_ident())
    else:
        _collecting.discard(threading.get_ident())


@lru_cache(maxsize=1)
def _hooks() -> None:
    """Register the hooks for exit and fork, once."""
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(after_in_child=_in_child)


def _at_exit() -> None:
    end_dropped()
    for call in tuple(_open):
        finish(call, End.DROPPED)
    # After the calls have ended: the content of their ends waits in the worker's queue, too.
    finish_all()


def _in_child() -> None:
    """Drop the parent's streams in a forked child: the parent ends them.

    The child's copy of the gauge of open streams counts them until they are dropped.
    """
    for call in tuple(_open):
        # `forget`, not `end`: a child that ended its copies would export each span a second time.
        call.forget()
    _open.clear()
    waiting.clear()
    _collecting.clear()
