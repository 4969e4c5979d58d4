"""How the body of a stream can end it, by API, and what its span must say then.

It knows nothing of the application, which reads to the end.
"""

from __future__ import annotations

from typing import Any

from . import wire, wire_others, wire_responses
from .apis import CHAT, COMPLETIONS, FETCHED, Api
from .endings import Ended

Ends = dict[str, tuple[list[Any], Ended]]

_TRUNCATED = Ended("truncated")
_API_ERROR = Ended("failed", error_type="openai.APIError")


def ends_of(api: Api) -> Ends:
    """The bodies of an API, and the endings."""
    cut = list(api.text[: api.finished - 1])
    found: Ends = {
        "no-done": ([*api.text], Ended("completed", ("stop",))),
        "no-finish": ([*cut, wire.DONE], _TRUNCATED),
        "cut-clean": (cut, _TRUNCATED),
        "empty": ([wire.DONE], _TRUNCATED),
        "nothing": ([], _TRUNCATED),
        "error-object": ([*cut, {"error": {"message": "m"}}], _API_ERROR),
        "bad-json": (
            [*cut, b"data: {oops\n\n"],
            Ended("failed", error_type="json.decoder.JSONDecodeError"),
        ),
        "interrupted": ([*cut, KeyboardInterrupt()], Ended("cancelled", error_type="KeyboardInterrupt")),
    }
    if api in (CHAT, COMPLETIONS):
        return {**found, "one-of-two": _one_of_two(api)}
    return {**found, **_responses(fetched=api is FETCHED)}


def _one_of_two(api: Api) -> tuple[list[Any], Ended]:
    chat = [wire.text("a"), wire.chunk(None, "stop", index=1)]
    legacy = [wire_others.chunk("a"), wire_others.chunk("", "stop", index=1)]
    return [*(chat if api is CHAT else legacy), wire.DONE], Ended("truncated", ("error", "stop"))


def _responses(*, fetched: bool) -> Ends:
    """A response that was fetched may have failed, and fetching it has not."""
    text = wire_responses.written("Hel", "lo")

    def last(status: str, **more: Any) -> list[Any]:
        return [*wire_responses.stream(text, last=status, **more)]

    def failed(code: str) -> Ended:
        return Ended("completed") if fetched else Ended("failed", error_type=code)

    error, filtered = wire_responses.ERROR, {"incomplete_details": {"reason": "content_filter"}}
    return {
        "incomplete": (last("incomplete", **wire_responses.CUT), Ended("completed", ("length",))),
        "filtered": (last("incomplete", **filtered), Ended("completed", ("content_filter",))),
        "failed": (last("failed", **wire_responses.FAILED), failed("server_error")),
        "failed-without-words": (last("failed"), failed("_OTHER")),
        "failed-at-once": (last("failed", **wire_responses.FAILED)[-1:], failed("server_error")),
        "cancelled": (last("cancelled"), Ended("completed") if fetched else _TRUNCATED),
        "calls": ([*wire_responses.CALLS], Ended("completed", ("tool_calls",))),
        "error-event": ([*text[:3], error], Ended("failed", error_type="rate_limit_exceeded")),
        "error-event-inside": ([*text[:3], {"type": "error", "error": error}], _API_ERROR),
        "done": ([*wire_responses.TEXT, wire.DONE], Ended("completed", ("stop",))),
        "nothing-but-the-last": ([wire_responses.TEXT[-1]], Ended("completed", ("stop",))),
        "without-the-first": ([*wire_responses.TEXT[4:]], Ended("completed", ("stop",))),
    }
