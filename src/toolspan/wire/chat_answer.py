"""Read an ordinary whole answer of Chat Completions at once: one choice with one text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .events import Started
from .quirks import LONGEST_REASON
from .record import Answer
from .usage import UsageReports, plain_usage
from .values import SHORT

if TYPE_CHECKING:
    from .chat import ChatReader


# Event by event, such an answer takes 23 functions, and most answers without a stream are such. What it reads
# equals what `ChatReader.read` reads: `tests/wire/test_chat_answer.py` compares the two.
def ordinary_answer(reader: ChatReader, body: Any) -> Answer | None:
    """Return the facts of an answer with one text and nothing else; `None` for any other.

    `body` is an SDK object. It returns `None` wherever a quirk may need the general path: for fields that the
    SDK does not declare, and for all that is not a text.
    """
    try:
        known = body.__dict__
        (choice,) = known["choices"]
        outer, message = choice.__dict__, choice.__dict__["message"]
        inner = message.__dict__
        reason, content = outer["finish_reason"], inner["content"]
        # Of each object, all that has a value is known here: the rest of its fields is empty.
        if (
            (body.__pydantic_extra__ or choice.__pydantic_extra__ or message.__pydantic_extra__)
            or (known.get("x_groq") is not None or outer["index"].__class__ is not int)
            or len([*filter(None, outer.values())]) != 2
            or len([*filter(None, inner.values())]) != 2
            or not (inner["role"] and reason and content)
            or not (reason.__class__ is content.__class__ is str and len(reason) <= LONGEST_REASON)
        ):
            return None
        if (started := _identity(known)) is None:
            return None
        if (usage := known.get("usage")) is None:
            counts = None
        elif usage.__pydantic_extra__ or (counts := plain_usage(usage.__dict__)) is None:
            counts = UsageReports(reader.provider).read(usage)
        return _new(Answer, (started, reason, counts))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _identity(known: dict[str, Any]) -> Started | None:
    """Return the identity, `None` if a word of it is too long; raise `TypeError` for any other type."""
    tier, fingerprint = known.get("service_tier") or None, known.get("system_fingerprint") or None
    parts = (known["id"] or None, known["model"] or None, tier, fingerprint)
    words = [*filter(None, parts)]
    long = not "".join(words) or max(map(len, words)) > SHORT
    return None if long else _new(Started, (*parts, *_NO_STATUS))


_NO_STATUS = Started(None, None)[4:]
_new = tuple.__new__  # a named tuple's own constructor is a Python function
