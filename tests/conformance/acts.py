"""How the application of a scenario reads the answer to `create(**arguments)`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import openai

from ..sdk.sdk import http

Create = Callable[..., Any]


def read(create: Create, **arguments: Any) -> None:
    """Read the answer to its end; the SDK's errors belong to the scenario."""
    with suppress(openai.APIError, http.TransportError, ValueError):
        answer = create(**arguments)
        if arguments.get("stream"):
            list(answer)


def repeat(create: Create, **arguments: Any) -> None:
    """Repeat the request after its failure."""
    for _ in range(2):
        read(create, **arguments)


def leave(create: Create, **arguments: Any) -> None:
    """Read two chunks and close the stream."""
    with create(**arguments) as stream:
        next(stream)
        next(stream)


def drop(create: Create, **arguments: Any) -> None:
    """Read two chunks and drop the stream without closing it."""
    stream = create(**arguments)
    next(stream)
    next(stream)
    del stream  # in Python 3.10 a traceback may keep this frame, and with it the stream


def raw(create: Create, **arguments: Any) -> None:
    """Read the stream through the raw response."""
    list(create.__self__.with_raw_response.create(**arguments).parse())  # type: ignore[attr-defined]


def interrupt(create: Create, **arguments: Any) -> None:
    """Press Ctrl-C while the request runs."""
    with suppress(KeyboardInterrupt):
        create(**arguments)


ACTS = {act.__name__: act for act in (read, repeat, leave, drop, raw, interrupt)}
"""All of them by name."""
