"""The nine events into which every answer is turned, whichever API and server it came from.

They know nothing of chunks, of clocks or of telemetry. The law of their order:

* `Started` comes when an identity is first known, and again when a part of it is known only later.
* A call is opened once by `CallOpened`; the same call number again only completes its id or name.
* `CallArguments` may follow `CallClosed` (trailing text); a call is closed exactly once.
* `Finished` comes once for each choice that got a reason; `Usage` may be repeated: the last one holds.

A tenth event needs a reason written here.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from .schema import Violation


class Started(NamedTuple):
    """What the server said of the whole answer. Empty strings are never passed on; unknown parts are `None`.

    `status` is the Responses API's (`queued`, `completed`, …); `compacted` says that the conversation was;
    `dimensions` are those of an embedding.
    """

    id: str | None
    model: str | None
    service_tier: str | None = None
    system_fingerprint: str | None = None
    status: str | None = None
    compacted: bool = False
    dimensions: int | None = None


class Text(NamedTuple):
    """A piece of the visible answer of one choice."""

    choice: int
    text: str


class Reasoning(NamedTuple):
    """A piece of the model's reasoning, under whichever name the server sends it."""

    choice: int
    text: str


class Refusal(NamedTuple):
    """A piece of the model's refusal."""

    choice: int
    text: str


class CallOpened(NamedTuple):
    """The model began a tool call; `call` counts from 0 within its choice.

    `kind` is `function`, `custom`, or that of the Responses API's item: `mcp`, `web_search`, `computer`, …
    """

    choice: int
    call: int
    id: str | None
    name: str | None
    kind: str = "function"


class CallArguments(NamedTuple):
    """A piece of a call's arguments, as text."""

    choice: int
    call: int
    text: str


class CallClosed(NamedTuple):
    """A call's arguments are complete.

    `how` is one of `json` (the document ended), `done` (the server said so), `failed` (the server, which ran
    the call itself, said so), `next_call` (another call began), `finish` (the choice finished) and `end` (the
    stream ended). `valid` says whether they parse as JSON; a call without any arguments is valid, unless the
    stream broke off. `size` counts bytes of UTF-8. `violation` is what is wrong with a call that parses, by
    the tools that were offered; `likeness` is a number that calls with equal arguments share.
    """

    choice: int
    call: int
    how: str
    valid: bool
    fragments: int
    size: int
    violation: Violation | None = None
    likeness: int | None = None


class Usage(NamedTuple):
    """Token counts, and `cost` in US dollars, as the server reported them; `None` where it said nothing."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    text_input: int | None = None
    image_input: int | None = None
    audio_input: int | None = None
    text_output: int | None = None
    image_output: int | None = None
    audio_output: int | None = None
    text_cache_read: int | None = None
    image_cache_read: int | None = None
    audio_cache_read: int | None = None
    cost: float | None = None


class Finished(NamedTuple):
    """A choice got its finish reason, or (`failure`) the server reported an error in a regular answer."""

    choice: int
    reason: str | None
    failure: str | None = None


Event: TypeAlias = (
    Started | Text | Reasoning | Refusal | CallOpened | CallArguments | CallClosed | Usage | Finished
)
"""Any of the nine."""
