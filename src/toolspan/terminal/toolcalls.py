"""What a tool-call event says, in words; it must not know whether it came from a span or from a log."""

from ..otel import semconv as names
from .fields import Attributes, amount, counted, joined, number, seconds, text


def key(attributes: Attributes) -> object:
    """What the two events of one call have in common: its place in the answer, else its id."""
    place = (number(attributes, names.CHOICE_INDEX), number(attributes, names.CALL_INDEX))
    return text(attributes, names.TOOL_CALL_ID) if place[1] is None else place


def tool(attributes: Attributes) -> str:
    """The tool's name; `?` when the model never gave one."""
    return text(attributes, names.TOOL_NAME) or "?"


def identity(attributes: Attributes) -> str:
    """The call's id, and its choice where that is not the first."""
    choice = number(attributes, names.CHOICE_INDEX)
    return joined(text(attributes, names.TOOL_CALL_ID), f"choice {amount(choice)}" if choice else "")


def took(attributes: Attributes) -> str:
    """How long the arguments took; empty when the event does not say."""
    duration = number(attributes, names.CALL_ARGUMENTS_DURATION)
    return "" if duration is None else seconds(duration)


def fragments(attributes: Attributes) -> str:
    """In how many pieces the arguments came."""
    pieces = number(attributes, names.CALL_FRAGMENTS)
    return "" if pieces is None else counted(pieces, "fragment")


def size(attributes: Attributes) -> str:
    """The arguments' size in bytes."""
    size = number(attributes, names.CALL_ARGUMENTS_SIZE)
    return "" if size is None else f"{amount(size)} B"


def verdict(attributes: Attributes) -> str:
    """What came of the call, where it is wrong, and what ended it where it was not the JSON itself."""
    outcome, path = text(attributes, names.CALL_OUTCOME), text(attributes, names.CALL_VIOLATION_PATH)
    closed_by = text(attributes, names.CALL_CLOSED_BY)
    return joined(outcome, path, "" if closed_by in ("", "json") else f"closed by {closed_by}")


def is_valid(attributes: Attributes) -> bool:
    """Whether nothing is known against the call."""
    return text(attributes, names.CALL_OUTCOME) in ("", "valid")
