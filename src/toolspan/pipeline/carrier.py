"""Inject propagation fields into a message envelope of any schema, and extract them again.

Envelopes are dicts, JSON texts of objects, and headers as a mapping or as pairs. Any other envelope stays
unchanged. The functions never modify their argument.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

KEY: Final = "toolspan"
"""The field of a message that holds the propagation fields; headers hold each of them directly."""
STREAM: Final = "toolspan-stream"
"""The propagation field, and the header, that is always present."""

Fields = Mapping[str, str]
"""Propagation fields: `STREAM`, and those of W3C Trace Context."""
_SPACES = " \t\r\n"  # those of JSON
_MARK = f'"{KEY}":'
_PREFIX = f'{{"{KEY}": '
_decode = json.JSONDecoder().raw_decode


def put(envelope: Any, fields: Fields) -> Any:
    """Return the envelope with the fields: a message gets one field `toolspan`, pairs get one pair each."""
    if isinstance(envelope, str):
        return _put_text(envelope, fields)
    if isinstance(envelope, bytes):
        return _put_text(envelope.decode("latin-1"), fields).encode("latin-1")
    if isinstance(envelope, Mapping):
        # The envelope's own entries come last: a field `toolspan` of the application's schema wins.
        return {KEY: dict(fields), **envelope}
    if isinstance(envelope, (list, tuple)):
        return type(envelope)([*envelope, *_pairs(envelope, fields)])
    return envelope


def take(envelope: Any) -> tuple[Any, Fields | None]:
    """Return the envelope without the fields, and the fields; without fields, the same object and `None`."""
    if isinstance(envelope, (str, bytes)):
        return _take_text(envelope)
    if isinstance(envelope, Mapping):
        fields = envelope.get(KEY)
        # A field `toolspan` without STREAM belongs to the application's schema and stays.
        if isinstance(fields, Mapping) and STREAM in fields:
            return {name: value for name, value in envelope.items() if name != KEY}, _texts(fields.items())
        return envelope, _headers(envelope.items())
    if isinstance(envelope, (list, tuple)):
        return envelope, _headers(envelope)
    items = getattr(envelope, "items", None)  # headers of a framework, such as Starlette's
    return envelope, _headers(items()) if callable(items) else None


# The rest of the text is neither decoded nor encoded again: numbers, key order and spaces stay as they are,
# and the cost does not grow with what the message contains. Bytes become Latin-1 text, which has a character
# for each byte, so that bytes that are not UTF-8 stay as they are, too.
def _put_text(text: str, fields: Fields) -> str:
    """Insert the fields at the front of a JSON object."""
    body = text.lstrip(_SPACES)
    if body[:1] != "{" or text.rstrip(_SPACES)[-1:] != "}":
        return text
    comma = "" if body[1:].lstrip(_SPACES)[:1] == "}" else ", "
    return text[: -len(body)] + _PREFIX + json.dumps(fields) + comma + body[1:]


# Fields that `_put_text` wrote: only these are decoded, the rest is cut out.
def _take_text(text: str | bytes) -> tuple[str | bytes, Fields | None]:
    plain = text if isinstance(text, str) else text.decode("latin-1")
    body = plain.lstrip(_SPACES)
    if _MARK not in body or body[0] != "{":
        return text, None
    if body.startswith(_PREFIX):
        try:
            fields, end = _decode(body, len(_PREFIX))
            if isinstance(fields, dict) and STREAM in fields:
                rest = plain[: -len(body)] + "{" + body[end:].removeprefix(", ")
                return (rest if plain is text else rest.encode("latin-1")), _texts(fields.items())
        except (ValueError, RecursionError):
            pass
    return _take_decoded(text)


def _take_decoded(text: str | bytes) -> tuple[str | bytes, Fields | None]:
    """Extract the fields from JSON that a broker or gateway has decoded and encoded since `put`."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return text, None
    rest, fields = take(message)
    if rest is message or fields is None:
        return text, None
    encoded = json.dumps(rest)
    return (encoded if isinstance(text, str) else encoded.encode()), fields


def _pairs(existing: Iterable[Any], fields: Fields) -> list[tuple[Any, Any]]:
    """Return the fields as pairs of the same types as the first existing pair."""
    # Kafka's headers have names of text and values of bytes; ASGI's have both in bytes.
    first = next(iter(existing), None)
    name, value = first if isinstance(first, tuple) and len(first) == 2 else ("", "")
    names = [key.encode() if isinstance(name, bytes) else key for key in fields]
    values = [text.encode() if isinstance(value, bytes) else text for text in fields.values()]
    return list(zip(names, values, strict=True))


def _headers(pairs: Iterable[Any]) -> Fields | None:
    """Return all headers by lower-case name if `STREAM` is one of them, else `None`."""
    found = _texts(pair for pair in pairs if isinstance(pair, (tuple, list)) and len(pair) == 2)
    return found if STREAM in found else None


def _texts(pairs: Iterable[Any]) -> dict[str, str]:
    # HTTP header names are case-insensitive; servers and proxies change their case.
    return {_text(name).lower(): _text(value) for name, value in pairs if isinstance(name, (str, bytes))}


def _text(value: object) -> str:
    # Header bytes may be anything. Latin-1 decodes every byte, so foreign headers never raise here.
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
