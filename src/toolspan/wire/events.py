"""The ten events that every answer is read into, the events around an answer, and the `Reader` protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from .json_schema import Violation

if TYPE_CHECKING:
    from .record import Answer


class Started(NamedTuple):
    """What the server reports about the answer as a whole. A part that is missing or empty is `None`.

    `status` is the Responses API's (`queued`, `completed`, …). `compacted` is true for a compacted
    conversation. `dimensions` is the length of an embedding.
    """

    id: str | None
    model: str | None
    service_tier: str | None = None
    system_fingerprint: str | None = None
    status: str | None = None
    compacted: bool = False
    dimensions: int | None = None


IDENTITY = ("id", "model", "service_tier", "system_fingerprint")
"""The fields that a body has under the same name; `Started` begins with them."""


def identified(old: Started, body: Mapping[str, Any], *, latest: bool = False) -> Started:
    """Return an identity completed from a body: each field keeps its first value, or its `latest` one."""
    found: list[Any] | None = None
    for at, value in enumerate(map(body.get, IDENTITY)):
        # Nearly always, after the first chunk; an empty text or another type is no value.
        if not value or (old[at] is not None and not latest) or not isinstance(value, str):
            continue
        found = [*old] if found is None else found
        found[at] = value
    return old if found is None or (new := Started._make(found)) == old else new


class Text(NamedTuple):
    """A piece of one choice's visible text."""

    choice: int
    text: str


class Reasoning(NamedTuple):
    """A piece of one choice's reasoning, whatever the server calls the field."""

    choice: int
    text: str


class Refusal(NamedTuple):
    """A piece of one choice's refusal."""

    choice: int
    text: str


class CallOpened(NamedTuple):
    """A tool call began, or its id or name became known later. `call` counts from 0 within its choice.

    `kind` is `function`, `custom`, or the type of the Responses API's item: `mcp`, `web_search`,
    `computer`, …
    """

    choice: int
    call: int
    id: str | None
    name: str | None
    kind: str = "function"


class CallArguments(NamedTuple):
    """A piece of a tool call's arguments, as text.

    `replaces`: the text is all arguments, in place of those before: the server contradicted them.
    """

    choice: int
    call: int
    text: str
    replaces: bool = False


class CallClosed(NamedTuple):
    """A tool call's arguments are complete; once for each call.

    * `how`: `json` (the JSON document ended), `done` (the server reported the end), `failed` (the server
      ran the call and reported a failure), `next_call` (another call began), `finish` (the choice finished)
      or `end` (the stream ended).
    * `valid`: whether the arguments parse as JSON. A call without arguments is valid, unless the stream
      broke off.
    * `size`: bytes of UTF-8.
    * `violation`: how a call that parses contradicts the tools offered; `None` if it does not.
    * `argument_hash`: equal for calls with equal arguments, in this process only.
    """

    choice: int
    call: int
    how: str
    valid: bool
    fragments: int
    size: int
    # `None` also where nothing was checked: arguments beyond 64 KiB, or no tools in the request.
    violation: Violation | None = None
    argument_hash: int | None = None

    @property
    def outcome(self) -> str:
        """See `call_outcome`."""
        return call_outcome(self.how, self.valid, self.fragments, self.violation)


class CallCorrected(NamedTuple):
    """A server contradicted a complete call: `now` holds the facts that are right.

    `previous` is the outcome before. `replaced`: id, name or arguments are other ones, even if the outcome is
    equal. Where neither changed, only the counts did, by white space after the end.
    """

    choice: int
    call: int
    now: CallClosed
    previous: str
    replaced: bool = False


def call_outcome(how: str | None, valid: bool, fragments: int, violation: Violation | None) -> str:
    """Return the outcome of a call by the fields of `CallClosed`; only a `valid` call may be executed.

    `not_given` (no arguments came before the stream ended), `unfinished` (the stream ended within them),
    `invalid` (no JSON), the kind of a violation, or `valid`.
    """
    if not valid:
        if how != "end":
            return "invalid"
        return "unfinished" if fragments else "not_given"
    return "valid" if violation is None else violation.kind


class Usage(NamedTuple):
    """Token counts, and `cost` in US dollars, as the server reported them; `None` where it reported none."""

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
    # Anthropic's tokens that are kept for an hour, not for five minutes; they are part of `cache_write`.
    long_cache_write: int | None = None
    # A server's own figure. A cost computed from prices is not one: see `usage.Cost`.
    cost: float | None = None


class Finished(NamedTuple):
    """A choice's finish reason, or in `failure` the code of an error reported in a regular answer."""

    choice: int
    reason: str | None
    failure: str | None = None


Event: TypeAlias = (
    Started
    | Text
    | Reasoning
    | Refusal
    | CallOpened
    | CallArguments
    | CallClosed
    | CallCorrected
    | Usage
    | Finished
)
"""Any of the ten events of an answer."""


class Retried(NamedTuple):
    """The SDK sends a request again.

    `attempt` counts retries from 1. `status` is the HTTP status of the failed attempt, `None` where it got
    no response. `error` is that status as text, or the canonical name of the exception's class. `wait` is
    the SDK's delay before the retry, in seconds.
    """

    attempt: int
    status: int | None
    error: str
    wait: float


class Answered(NamedTuple):
    """A request holds a tool call's result, `turnaround` nanoseconds after the call was complete."""

    id: str
    name: str | None
    turnaround: int


class ToolsChanged(NamedTuple):
    """A request offers other tools than the step before; both values are fingerprints of `Tools`."""

    before: str | None
    now: str | None


class ContextReduced(NamedTuple):
    """The history is shorter than in the step before: compacted or summarised. `None` is unknown."""

    messages_before: int | None
    messages: int | None
    tokens_before: int | None
    tokens: int | None


class Runaway(NamedTuple):
    """An agent repeats itself, and may go on for ever; without content.

    `kind` is `repeat` (the same tool calls with the same arguments and results), `cycle` (two or three such
    turns in turn) or `failure` (a tool or a request that fails again and again). `times` is how often: turns,
    rounds of a cycle, or failures. `tools` are the tools of the calls, in the order of a cycle; empty for a
    request that fails. `error` is the type of the failure. `agent` and `conversation` are `None` where they
    are not known.
    """

    kind: str
    tools: tuple[str, ...]
    times: int
    error: str | None = None
    agent: str | None = None
    conversation: str | None = None


Note: TypeAlias = Retried | Answered | ToolsChanged | ContextReduced | Runaway
"""Any event around an answer: these do not come from what the server sent."""


class Reader(Protocol):
    """The interface of a reader, which turns what the server sent into events."""

    @property
    def output(self) -> bool:
        """Whether the last body was output of the model, not a notice of the service."""

    @property
    def whole(self) -> Callable[[Any], Answer | None] | None:
        """Return the facts of an ordinary whole answer without events; `None` for any other."""

    def read(self, body: Any) -> list[Event]:
        """Return the events of one chunk or of one whole answer."""

    def close(self) -> list[Event]:
        """Return the events of the end."""
