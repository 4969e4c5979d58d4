"""A small note put into any message envelope, and taken out again, without knowing the envelope's schema.

Envelopes are dicts, JSON texts of objects, headers as a mapping or as pairs. What is none of these stays as
it is. It knows nothing of what the note says; nothing that it is given is changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

KEY: Final = "toolspan"
"""The field of a message that holds the note; headers have its entries by themselves."""
STREAM: Final = "toolspan-stream"
"""The entry, and the header, without which there is no note."""

Note = Mapping[str, str]
_MARK = f'"{KEY}":'
_HELD = f'{{"{KEY}": '
_decode = json.JSONDecoder().raw_decode


def put(envelope: Any, note: Note) -> Any:
    """The envelope with the note in it: a message has it as one field, pairs have its entries."""
    if isinstance(envelope, (str, bytes)):
        return _put_text(envelope, note)
    if isinstance(envelope, Mapping):
        return {KEY: dict(note), **envelope}
    if isinstance(envelope, (list, tuple)):
        return type(envelope)([*envelope, *_pairs(envelope, note)])
    return envelope


def take(envelope: Any) -> tuple[Any, Note | None]:
    """The envelope as it was before, and the note; the very same envelope where there is none."""
    if isinstance(envelope, (str, bytes)):
        return _take_text(envelope)
    if isinstance(envelope, Mapping):
        note = envelope.get(KEY)
        if isinstance(note, Mapping) and STREAM in note:
            return {name: value for name, value in envelope.items() if name != KEY}, _texts(note.items())
        return envelope, _headers(envelope.items())
    if isinstance(envelope, (list, tuple)):
        return envelope, _headers(envelope)
    items = getattr(envelope, "items", None)  # the headers of a framework
    return envelope, _headers(items()) if callable(items) else None


def _put_text(text: str | bytes, note: Note) -> str | bytes:
    """Into the front of a JSON object, so that nothing else of it is read or written."""
    said = json.dumps(note)
    if isinstance(text, bytes):
        rest = text.lstrip()
        if not (rest.startswith(b"{") and rest.rstrip().endswith(b"}")):
            return text
        comma = b"" if rest[1:].lstrip().startswith(b"}") else b", "
        return _HELD.encode() + said.encode() + comma + rest[1:]
    other = text.lstrip()
    if not (other.startswith("{") and other.rstrip().endswith("}")):
        return text
    return _HELD + said + ("" if other[1:].lstrip().startswith("}") else ", ") + other[1:]


def _take_text(text: str | bytes) -> tuple[str | bytes, Note | None]:
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if _MARK not in plain or not plain.lstrip().startswith("{"):
        return text, None
    if plain.startswith(_HELD):
        try:
            note, end = _decode(plain, len(_HELD))
            rest = "{" + plain[end:].removeprefix(", ")
            if isinstance(note, dict) and STREAM in note:
                return (rest.encode() if isinstance(text, bytes) else rest), _texts(note.items())
        except (ValueError, RecursionError):
            pass
    return _take_decoded(text, plain)


def _take_decoded(text: str | bytes, plain: str) -> tuple[str | bytes, Note | None]:
    """Where somebody has written the message anew since the note was put into it."""
    try:
        whole = json.loads(plain)
    except (ValueError, RecursionError):
        return text, None
    rest, note = take(whole) if isinstance(whole, dict) else (whole, None)
    if rest is whole or note is None:
        return text, None
    said = json.dumps(rest)
    return (said.encode() if isinstance(text, bytes) else said), note


def _pairs(known: Iterable[Any], note: Note) -> list[tuple[Any, Any]]:
    """The note's entries as pairs like those that are there: Kafka's have bytes, ASGI's nothing else."""
    first = next(iter(known), None)
    name, value = first if isinstance(first, tuple) and len(first) == 2 else ("", "")
    names = [key.encode() if isinstance(name, bytes) else key for key in note]
    values = [said.encode() if isinstance(value, bytes) else said for said in note.values()]
    return list(zip(names, values, strict=True))


def _headers(pairs: Iterable[Any]) -> Note | None:
    """The note in headers, whose names differ in case."""
    found = _texts(pair for pair in pairs if isinstance(pair, (tuple, list)) and len(pair) == 2)
    return found if STREAM in found else None


def _texts(pairs: Iterable[Any]) -> dict[str, str]:
    return {_text(name).lower(): _text(value) for name, value in pairs if isinstance(name, (str, bytes))}


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
