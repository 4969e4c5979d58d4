"""What the headers of the last response and the retries before it say, as attributes; never another header.

It knows no HTTP client; how a header is read is in `wire/heads.py`.
"""

from __future__ import annotations

from ..wire.heads import NO_LIMIT, Limit, read_head
from . import operations
from . import semconv as names
from .sinks import Observed

_REQUESTS = (names.LIMIT_REQUESTS, names.LIMIT_REQUESTS_REMAINING, names.LIMIT_REQUESTS_RESET)
_TOKENS = (names.LIMIT_TOKENS, names.LIMIT_TOKENS_REMAINING, names.LIMIT_TOKENS_RESET)

_Found = dict[str, "str | int | float"]


def head_attributes(call: Observed) -> _Found:
    """How often the SDK tried again, the request's id, and the rate limits, which fetching has none of."""
    found: _Found = {names.REQUEST_RETRIES: call.retries} if call.retries else {}
    if call.head is None:
        return found
    at = call.wall(call.ended_at)
    head = read_head(call.head, None if at is None else at / 1e9)
    if head.id is not None:
        found[names.REQUEST_ID] = head.id
    if call.operation != operations.FETCH_RESPONSE:
        _limit(found, _REQUESTS, head.requests)
        _limit(found, _TOKENS, head.tokens)
        if head.retry_after is not None and call.outcome is not None and call.outcome.is_error:
            found[names.RETRY_AFTER] = head.retry_after
    return found


def _limit(found: _Found, keys: tuple[str, ...], limit: Limit) -> None:
    if limit is NO_LIMIT:
        return
    for key, value in zip(keys, limit, strict=True):
        if value is not None:
            found[key] = value
