"""`toolspan.switch`: turn off all tracing, the tracking of streams or content while the process runs."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from .guard import attribute


class Switches(NamedTuple):
    """The state of the three switches: which parts may run.

    A switch can turn off a part that the settings turn on, but not the other way round.
    """

    enabled: bool = True
    track_streams: bool = True
    content: bool = True


_everywhere = Switches()
# By connection pool, not by client: frameworks make a copy of the client for each request.
# Weak keys, so that a switched client can be collected.
_by_pool: WeakKeyDictionary[Any, Switches] = WeakKeyDictionary()
_lock = threading.Lock()  # for writers only: a request reads one tuple, which is replaced as a whole


def switch(
    client: Any = None,
    *,
    enabled: bool | None = None,
    track_streams: bool | None = None,
    content: bool | None = None,
) -> None:
    """Turn parts of the instrumentation off, and on again, while the application runs.

    `enabled=False`: requests are not traced. `track_streams=False`: the application gets the SDK's own
    streams, and their spans end when the stream begins. `content=False`: no content is captured, whatever
    the settings say. `None` changes nothing.

    Without a `client` the switch holds for the process. With one, it holds for that client and all that share
    its connections, such as the copies that `client.with_options()` makes. It applies to requests that start
    afterwards, and may be called before `instrument()`. Raises `TypeError` for an object that is no client of
    the SDK, and for a value that is neither a `bool` nor `None`.
    """
    global _everywhere
    given = {"enabled": enabled, "track_streams": track_streams, "content": content}
    changes = {name: value for name, value in given.items() if value is not None}
    for name, value in changes.items():
        if not isinstance(value, bool):  # the text "off" would be true
            kind = type(value).__name__
            raise TypeError(f"toolspan: switch({name}=…) must be True, False or None, not {kind}")
    pool = _pool(client)
    # The module `openai` and the resources of a client have a `_client`, too, which is no HTTP client.
    if client is not None and not callable(attribute(pool, "send")):
        hint = "; write switch(enabled=…)" if isinstance(client, bool) else ""
        kind = type(client).__name__
        raise TypeError(f"toolspan: switch() takes a client of an SDK, not {kind}{hint}")
    with _lock:
        if client is None:
            _everywhere = _everywhere._replace(**changes)
        else:
            _by_pool[pool] = _by_pool.get(pool, Switches())._replace(**changes)


def everywhere() -> Switches:
    """Return the switches of the process."""
    return _everywhere


def switches_of(client: Any) -> Switches:
    """Return the switches of a client: what is off for the process is off for each client, too."""
    # Nearly always no client is switched: then a request does not read the client at all.
    pool = _pool(client) if _by_pool else None
    own = _everywhere if pool is None else _by_pool.get(pool, _everywhere)
    if own is _everywhere:
        return own
    return Switches(*(there and here for there, here in zip(_everywhere, own, strict=True)))


def _pool(client: Any) -> Any:
    """Return the HTTP client, which all copies of an SDK client share."""
    return attribute(client, "_client")
