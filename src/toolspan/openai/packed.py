"""Undoing the compression of a body that the application reads by hand, piece by piece, as its client would.

It imports no HTTP client: the decoder is found at the response, which is httpx's or httpx2's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def unpacker(response: Any) -> Callable[[bytes], bytes]:
    """What turns the next bytes from the wire into those of the body.

    The client's decoders are no public part of it; without them, what came packed is not understood.
    """
    if not response.headers.get("content-encoding"):
        return bytes
    twin = type(response)(response.status_code, headers=response.headers)
    decode = getattr(getattr(twin, "_get_content_decoder", nothing)(), "decode", nothing)

    def unpack(part: bytes) -> bytes:
        found = decode(part)
        return found if isinstance(found, bytes) else b"".join(found)  # httpx2 gives several pieces

    return unpack


def nothing(part: bytes = b"") -> bytes:
    """Nothing is understood."""
    return b""


def unpacking_errors(kind: Any) -> tuple[type[Exception], ...]:
    """What the client raises where a body cannot be unpacked; its package is that of its response."""
    found = getattr(sys.modules.get(kind.__module__.partition(".")[0]), "DecodingError", None)
    return (found,) if found is not None else ()
