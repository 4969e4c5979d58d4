"""What is tried again, and when: rate limits, time-outs, servers that fail, answers that break off.

The trying again itself is stamina's. It must not know what is asked.
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

_SAY: ContextVar[Callable[[str, float, int], None] | None] = ContextVar("chat_retries", default=None)
_PASSING = (408, 409, 429)
_PASSING_CODES = frozenset(
    ("server_error", "overloaded_error", "rate_limit_exceeded", "429", "500", "502", "503")
)
"""In errors that a server reports within its stream."""


class BrokenOffError(Exception):
    """The model's answer ended before it was whole."""


def attempts(settings: Settings) -> AsyncIterable[stamina.Attempt]:
    """Contexts for one thing to do, until one of them is left without an error that passes."""
    return stamina.retry_context(
        on=partial(passes, longest=settings.longest_wait),
        attempts=settings.attempts,
        timeout=None,
        wait_initial=settings.first_wait,
        wait_max=settings.longest_wait,
        wait_jitter=settings.first_wait / 2,
    )


def passes(error: Exception, longest: float) -> bool | float:
    """Whether it may go well the next time; a number: after so many seconds, as the server says.

    A server that wants more time than the `longest` is taken by its word: nobody waits.
    """
    if isinstance(error, (APIConnectionError, BrokenOffError)):
        return True
    if not isinstance(error, APIStatusError):
        return isinstance(error, APIError) and str(error.code) in _PASSING_CODES
    if error.code == "insufficient_quota":
        return False
    if error.status_code not in _PASSING and error.status_code < 500:
        return False
    wait = _asked_to_wait(error)
    return False if wait > longest else wait or True


def _asked_to_wait(error: APIStatusError) -> float:
    """The seconds that the server names; 0 where it names none, or a date."""
    headers = error.response.headers
    try:
        if "retry-after-ms" in headers:
            return float(headers["retry-after-ms"]) / 1000
        return float(headers.get("retry-after", 0))
    except ValueError:
        return 0.0


def reason(error: Exception) -> str:
    """An error in the words of whoever reads the page."""
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
def told(say: Callable[[str, float, int], None]) -> Iterator[None]:
    """Within it, each wait is told: why, for how many seconds, and before which attempt."""
    token = _SAY.set(say)
    try:
        yield
    finally:
        _SAY.reset(token)


def _hook(details: RetryDetails) -> None:
    why, number = reason(details.caused_by), details.retry_num + 1
    said: dict[str, str | float] = {"chat.reason": why, "chat.wait": details.wait_for, "chat.attempt": number}
    trace.get_current_span().add_event("chat.retry", said)
    if (say := _SAY.get()) is not None:
        say(why, details.wait_for, number)


def install() -> None:
    """Have stamina tell of its waits here, and count them for Prometheus."""
    set_on_retry_hooks((PrometheusOnRetryHook, _hook))
