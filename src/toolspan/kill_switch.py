"""Switches for the running process: all, the tracking of streams, or content off; everywhere or for a client.

It knows nothing of the SDK but that its clients have a connection pool, and nothing of telemetry.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

log = logging.getLogger("toolspan")


class Switches(NamedTuple):
    """What is on; a switch can only turn off what the settings have on."""

    enabled: bool = True
    track_streams: bool = True
    content: bool = True


_everywhere = Switches()
_by_pool: WeakKeyDictionary[Any, Switches] = WeakKeyDictionary()
_lock = threading.Lock()


def switch(
    client: Any = None,
    *,
    enabled: bool | None = None,
    track_streams: bool | None = None,
    content: bool | None = None,
) -> None:
    """Turn parts of the instrumentation off, and on again, while the application runs.

    `enabled`: no request is looked at any more. `track_streams`: the SDK's own streams are handed out
    untouched, and their spans end when they begin. `content`: no content is captured, whatever the
    settings say. What is `None` stays as it is.

    Without a `client` it holds for the whole process; with one, for that client and for those that share its
    connections, as the copies that `client.with_options()` makes do. It works on requests that are made from
    now on, and may be called before `instrument()`. It raises nothing: what is no client is reported in the
    log of `toolspan`.
    """
    global _everywhere
    value = {"enabled": enabled, "track_streams": track_streams, "content": content}
    changes = {name: bool(value) for name, value in value.items() if value is not None}
    with _lock:
        if client is None:
            _everywhere = _everywhere._replace(**changes)
            return
        pool = _pool(client)
        if pool is None:
            log.warning("%r is no client of the OpenAI SDK; nothing was switched", type(client).__qualname__)
            return
        _by_pool[pool] = _by_pool.get(pool, Switches())._replace(**changes)


def everywhere() -> Switches:
    """What is on for the whole process."""
    return _everywhere


def switches_of(client: Any) -> Switches:
    """What is on for a client."""
    pool = _pool(client) if _by_pool else None
    own = _everywhere if pool is None else _by_pool.get(pool, _everywhere)
    if own is _everywhere:
        return own
    return Switches(*(there and here for there, here in zip(_everywhere, own, strict=True)))


def _pool(client: Any) -> Any:
    """The HTTP client, which copies of a client share."""
    return getattr(client, "_client", None)
