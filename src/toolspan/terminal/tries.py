"""What is told of attempts, in words; it must not know whether it came from a span or from a log."""

from ..otel import semconv as names
from .fields import Attributes, amount, joined, number, seconds, text


def retry(attributes: Attributes) -> str:
    """What an attempt failed with, and how long the next one waits."""
    wait = number(attributes, names.RETRY_WAIT)
    return joined(text(attributes, names.ERROR_TYPE), "" if wait is None else f"waits {seconds(wait)}")


def tries(attributes: Attributes) -> str:
    """Which attempt of the application's it is, and how often the SDK tried again."""
    attempt = number(attributes, names.REQUEST_ATTEMPT)
    retries = number(attributes, names.REQUEST_RETRIES)
    said = "" if retries is None else f"{amount(retries)} " + ("retry" if retries == 1 else "retries")
    return joined("" if attempt is None else f"attempt {amount(attempt)}", said)


def is_attempt(attributes: Attributes) -> bool:
    """Whether a link leads to the attempt before, of which the number tells already."""
    return text(attributes, names.LINK) == "attempt"
