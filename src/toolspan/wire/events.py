"""The nine events into which every answer is read, the notes beside an answer, and the `Reader` interface."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, TypeAlias

from .json_schema import Violation


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
    argument_hash: int | None = None


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


class Retried(NamedTuple):
    """The SDK tries again.

    `attempt` counts retries from 1; `status` is the HTTP status of the attempt that failed, or `None` where
    it got no response; `error` is that status as text, or the canonical name of the exception's class;
    `wait` is in seconds, as the SDK is about to wait.
    """

    attempt: int
    status: int | None
    error: str
    wait: float


class Answered(NamedTuple):
    """The application brings a tool call's result, `turnaround` nanoseconds after its completion."""

    id: str
    name: str | None
    turnaround: int


class ToolsChanged(NamedTuple):
    """Other tools are offered than in the step before; the two fingerprints (see `Tools`)."""

    before: str | None
    now: str | None


class ContextReduced(NamedTuple):
    """The history is shorter than in the step before: compacted or summarised. `None`: unknown."""

    messages_before: int | None
    messages: int | None
    tokens_before: int | None
    tokens: int | None


Note: TypeAlias = Retried | Answered | ToolsChanged | ContextReduced
"""Any of them."""


class Reader(Protocol):
    """Turns what the server sent into events."""

    @property
    def output(self) -> bool:
        """Whether what was read last is output of the model, not a notice of the service."""

    def read(self, body: Any) -> list[Event]:
        """The events of one chunk or one whole answer."""

    def close(self) -> list[Event]:
        """The events of the end."""
