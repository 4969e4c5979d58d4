"""Decide what is retried, and when: rate limits, timeouts, server errors, answers that break off.

The retrying itself is stamina's.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import stamina
from opentelemetry import trace
from stamina.instrumentation import PrometheusOnRetryHook, RetryDetails, set_on_retry_hooks

from .settings import Settings

Report = Callable[[str, float, int], None]
_REPORT: ContextVar[Report | None] = ContextVar("chat_retries", default=None)
_PASSING = (408, 409, 429)
_PASSING_CODES = frozenset(
    ("server_error", "overloaded_error", "rate_limit_exceeded", "429", "500", "502", "503")
)
"""Codes of errors that may pass, which a server reports within its stream."""


class BrokenOffError(Exception):
    """The model's answer ended before it was complete."""


def attempts(settings: Settings) -> AsyncIterable[stamina.Attempt]:
    """Return the contexts of the attempts; the last is the one that raises no error that may pass."""
    return stamina.retry_context(
        on=partial(passes, longest=settings.longest_wait),
        attempts=settings.attempts,
        timeout=None,
        wait_initial=settings.first_wait,
        wait_max=settings.longest_wait,
        wait_jitter=settings.first_wait / 2,
    )


def _kinds(error: Exception) -> set[str]:
    """Return the names of an error's classes, which are the same in the SDKs of all providers."""
    return {kind.__name__ for kind in type(error).__mro__}


def _code(error: Any) -> str | None:
    return getattr(error, "code", None) or getattr(error, "type", None)


def passes(error: Any, longest: float) -> bool | float:
    """Return whether another attempt may succeed, or the seconds to wait that the server demands.

    If the server demands more than `longest` seconds, there is no other attempt.
    """
    kinds = _kinds(error)
    if not kinds.isdisjoint(("APIConnectionError", "BrokenOffError")):
        return True
    code = _code(error)
    if "APIStatusError" not in kinds or error.status_code < 400:  # Anthropic: within an answer of status 200
        return "APIError" in kinds and str(code) in _PASSING_CODES
    if code == "insufficient_quota":
        return False
    if error.status_code not in _PASSING and error.status_code < 500:
        return False
    wait = _retry_after(error)
    return False if wait > longest else wait or True


def _retry_after(error: Any) -> float:
    """Return the seconds in the server's header; 0 without one, or with a date."""
    headers = error.response.headers
    try:
        if "retry-after-ms" in headers:
            return float(headers["retry-after-ms"]) / 1000
        return float(headers.get("retry-after", 0))
    except ValueError:
        return 0.0


_WORDS = {
    "RateLimitError": "the provider's rate limit",
    "APITimeoutError": "no answer in time",
    "BrokenOffError": "the answer broke off",
    "APIConnectionError": "no connection to the provider",
}


def reason(error: Any) -> str:
    """Return an error in words for the page."""
    kinds = _kinds(error)
    for name, words in _WORDS.items():
        if name in kinds:
            return words
    if "APIStatusError" in kinds and error.status_code >= 400:
        return f"the provider's error {error.status_code}"
    if "APIError" in kinds:
        return f"the provider's error {_code(error) or 'within the answer'}"
    return type(error).__name__


@contextmanager
def report_waits(report: Report) -> Iterator[None]:
    """Report each wait within the block: its reason, its seconds, and the number of the next attempt."""
    token = _REPORT.set(report)
    try:
        yield
    finally:
        _REPORT.reset(token)


def _hook(details: RetryDetails) -> None:
    why, number = reason(details.caused_by), details.retry_num + 1
    facts: dict[str, str | float] = {"chat.reason": why, "chat.wait": details.wait_for}
    trace.get_current_span().add_event("chat.retry", {**facts, "chat.attempt": number})
    if (report := _REPORT.get()) is not None:
        report(why, details.wait_for, number)


def install() -> None:
    """Make stamina report its waits to this module, and count them for Prometheus."""
    set_on_retry_hooks((PrometheusOnRetryHook, _hook))
