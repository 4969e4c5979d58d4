"""What happened beside an answer, in words; it must not know whether it came from a span or from a log."""

from collections.abc import Callable

from ..otel import semconv as names
from .fields import Attributes, amount, joined, number, seconds, text


def answered(attributes: Attributes) -> tuple[str, str]:
    """Who was answered, and how long after its call."""
    waited = number(attributes, names.CALL_TURNAROUND)
    after = "" if waited is None else f"after {seconds(waited)}"
    return text(attributes, names.TOOL_NAME) or "?", after


def tools_changed(attributes: Attributes) -> tuple[str, str]:
    """That the offer of tools is another one."""
    before, now = (
        text(attributes, name) for name in (names.TOOLS_FINGERPRINT_BEFORE, names.TOOLS_FINGERPRINT)
    )
    return "tools", f"{before or 'none'} → {now or 'none'}"


def context_reduced(attributes: Attributes) -> tuple[str, str]:
    """By how much the history is shorter."""
    said = [
        f"{what} {amount(before)} → {'?' if now is None else amount(now)}"
        for what, before, now in (
            (
                "messages",
                number(attributes, names.CONTEXT_MESSAGES_BEFORE),
                number(attributes, names.REQUEST_MESSAGES),
            ),
            (
                "tokens",
                number(attributes, names.CONTEXT_TOKENS_BEFORE),
                number(attributes, names.USAGE_INPUT_TOKENS),
            ),
        )
        if before is not None
    ]
    return "history", joined(*said)


NOTES: dict[str, tuple[str, str, Callable[[Attributes], tuple[str, str]]]] = {
    names.CALL_ANSWERED_EVENT: ("↩", "answered", answered),
    names.TOOLS_CHANGED_EVENT: ("≠", "changed", tools_changed),
    names.CONTEXT_REDUCED_EVENT: ("↧", "reduced", context_reduced),
}
"""By the event's name: a sign, a verb, and what makes of its attributes a name and details."""
