"""What comes over a stream, good and bad, by API; it knows neither who reads it nor what it means."""

from __future__ import annotations

from typing import Any

from . import wire, wire_others, wire_responses
from .apis import CHAT, COMPLETIONS, Api
from .sdk import http


def bodies_of(api: Api) -> dict[str, list[Any]]:
    """The bodies of an API's streams, as parts."""
    text, calls = list(api.text), list(api.calls)
    return {
        "text": [*text, *api.done],
        "calls": [*calls, *api.done],
        "no-done": text,
        "done": [*text, wire.DONE],
        "cut": text[:3],
        "empty": [wire.DONE],
        "nothing": [],
        "bad-json": [text[0], b"data: {oops\n\n", wire.DONE],
        "error": [text[0], {"error": {"message": "overloaded", "code": "busy"}}],
        "error-text": [text[0], {"error": "overloaded"}, text[1]],
        "dropped": [text[0], http.ReadError("gone")],
        "timeout": [text[0], http.ReadTimeout("slow")],
        "comments": [b": keep-alive\n\n", b"event: ping\ndata: {}\n\n", *text, wire.DONE],
        "line-ends": [wire.sse(chunk).replace(b"\n", b"\r\n") for chunk in text],
        "split": [bytes((byte,)) for chunk in text[:2] for byte in wire.sse(chunk)],
        **(_CHAT if api is CHAT else _LEGACY if api is COMPLETIONS else _RESPONSES),
    }


_CHAT: dict[str, list[Any]] = {
    "odd": [{"choices": None, "usage": None}, {"choices": [{"delta": None}]}, {"x": [1]}, wire.DONE],
}
_LEGACY: dict[str, list[Any]] = {
    "two": [*wire_others.TWO, wire.DONE],
    "odd": [{"choices": None}, {"choices": [{"text": None}]}, {"choices": [{"text": 5}]}, {"x": 1}],
}
_TEXT = wire_responses.written("Hel", "lo")
_RESPONSES: dict[str, list[Any]] = {
    "failed": [*wire_responses.stream(_TEXT, last="failed", **wire_responses.FAILED)],
    "incomplete": [*wire_responses.stream(_TEXT, last="incomplete", **wire_responses.CUT)],
    "error-event": [*wire_responses.TEXT[:3], wire_responses.ERROR],
    "error-inside": [*wire_responses.TEXT[:3], {"type": "error", "error": wire_responses.ERROR}],
    "without-the-first": [*wire_responses.TEXT[3:]],
    "odd": [
        {"type": "response.created", "response": None},
        {"type": "response.hologram.delta", "delta": "x"},
        {"type": "response.output_item.added", "item": None},
        {"type": "response.output_item.done", "output_index": "first"},
        {"type": None},
        {"x": [1]},
        {"type": "response.completed"},
    ],
}
