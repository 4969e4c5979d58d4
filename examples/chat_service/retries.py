"""Decide what is retried, and when: rate limits, timeouts, server errors, answers that break off.

The retrying itself is stamina's.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

import stamina
from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError, RateLimitError
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


def passes(error: Exception, longest: float) -> bool | float:
    """Return whether another attempt may succeed, or the seconds to wait that the server demands.

    If the server demands more than `longest` seconds, there is no other attempt.
    """
    if isinstance(error, (APIConnectionError, BrokenOffError)):
        return True
    if not isinstance(error, APIStatusError):
        return isinstance(error, APIError) and str(error.code) in _PASSING_CODES
    if error.code == "insufficient_quota":
        return False
    if error.status_code not in _PASSING and error.status_code < 500:
        return False
    wait = _retry_after(error)
    return False if wait > longest else wait or True


def _retry_after(error: APIStatusError) -> float:
    """Return the seconds in the server's header; 0 without one, or with a date."""
    headers = error.response.headers
    try:
        if "retry-after-ms" in headers:
            return float(headers["retry-after-ms"]) / 1000
        return float(headers.get("retry-after", 0))
    except ValueError:
        return 0.0


def reason(error: Exception) -> str:
    """Return an error in words for the page."""
    if isinstance(error, RateLimitError):
        return "the provider's rate limit"
    if isinstance(error, APITimeoutError):
        return "no answer in time"
    if isinstance(error, BrokenOffError):
        return "the answer broke off"
    if isinstance(error, APIConnectionError):
        return "no connection to the provider"
    if isinstance(error, APIStatusError):
        return f"the provider's error {error.status_code}"
    if isinstance(error, APIError):
        return f"the provider's error {error.code or 'within the answer'}"
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
