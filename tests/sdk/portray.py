"""Describe any object of the SDK by plain values that can be compared, never by its address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from .http_module import kinds

_VOLATILE = re.compile(
    r"0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|127\.0\.0\.1:\d+|'?port'?=?\d+"
)
_HEADERS, _REQUEST, _RESPONSE = kinds("Headers"), kinds("Request"), kinds("Response")


def _is_stream(value: Any) -> bool:
    """Whether it is a stream of an SDK, whichever one it is."""
    return not isinstance(value, type) and any(
        cls.__module__.endswith("._streaming") and "Stream" in cls.__name__ for cls in type(value).__mro__
    )


def steady(text: str) -> str:
    """Return the text without addresses of objects, random ids and the ports of loopback servers."""
    return _VOLATILE.sub("…", text)


def portray(value: Any) -> Any:
    """Return the value as something that can be compared, types included."""
    if isinstance(value, BaseModel):
        return type(value), portray(vars(value)), portray(getattr(value, "__pydantic_extra__", None))
    if isinstance(value, Mapping) and not isinstance(value, _HEADERS):
        return {steady(str(key)): portray(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [portray(part) for part in value]
    if isinstance(value, BaseException):
        return _error(value)
    if _is_stream(value):
        return type(value), dir(value), portray(value.response)
    if isinstance(value, _RESPONSE):
        return _response(value)
    if isinstance(value, _REQUEST):
        return type(value), value.method, str(value.url), value.headers.raw, value.content
    if isinstance(value, _HEADERS):
        return type(value), value.raw
    if isinstance(value, str):
        return steady(value)
    return value if isinstance(value, (bytes, bool, int, float, type(None), type)) else type(value)


def _error(error: BaseException) -> Any:
    shown = {name: portray(part) for name, part in vars(error).items() if not name.startswith("__")}
    arguments = [portray(part) for part in error.args]
    chain = (type(error.__cause__), type(error.__context__), error.__suppress_context__)
    return type(error), steady(str(error)), arguments, shown, chain


def _response(response: Any) -> Any:
    """Status, headers and state; the names of its members, but not the values of private ones."""
    names = [name for name in dir(response) if not name.startswith("_")]
    states = ("status_code", "reason_phrase", "http_version", "is_closed", "is_stream_consumed")
    found = {name: getattr(response, name) for name in (*states, "num_bytes_downloaded", "encoding")}
    return type(response), names, found, portray(response.headers), str(response.url)
