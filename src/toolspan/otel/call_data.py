"""The facts of one call, its operation, and what they hold of other calls."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import Any, Final, NamedTuple

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext

from ..wire.headers import Fields
from ..wire.providers import Endpoint
from ..wire.quirks import Cost
from ..wire.record import Outcome, Record
from ..wire.request import Request
from .content.worker import Job

CHAT: Final = "chat"
TEXT_COMPLETION: Final = "text_completion"
EMBEDDINGS: Final = "embeddings"
EXECUTE_TOOL: Final = "execute_tool"
FETCH_RESPONSE: Final = "fetch_response"

INFERENCE: Final = frozenset((CHAT, TEXT_COMPLETION))
"""Those in which a model makes something; tokens, calls and chunks are counted only there."""


@dataclass(slots=True, eq=False)
class Turn:
    """One answer of the model. `asker` is whatever stands for its request, `place` where that was made."""

    asker: Any = None
    place: Any = None
    step: int = 1
    model: str | None = None
    tools: str | None = None
    messages: int | None = None
    tokens: int | None = None
    response: str | None = None
    calls: list[RememberedCall] = field(default_factory=list)
    executions: list[tuple[int, int]] = field(default_factory=list)
    """When its calls were executed: begin and end, in nanoseconds."""


@dataclass(slots=True, eq=False)
class RememberedCall:
    """One tool call, completed at `at`. `answers` counts the requests that brought its result."""

    id: str
    name: str | None
    at: int
    turn: Turn
    argument_hash: int | None = None
    """Shared by calls with equal arguments, where these are known; see `likeness.py`."""
    answers: int = 0
    turnaround_recorded: bool = False
    """Whether its turnaround was told: once, however often its result is sent."""
    taken: bool = False
    """Whether it is being executed, or was."""


@dataclass(slots=True, eq=False)
class Step:
    """What is known of a request's place in its loop. `turn` is what its answer will be remembered as."""

    turn: Turn
    before: Turn | None = None
    """The turn of the model that it follows, where that is remembered."""
    number: int | None = None
    answered: int = 0
    unanswered: int = 0
    repeated: int = 0
    results: tuple[RememberedCall, ...] = ()
    """The remembered calls whose results it brings."""
    grown: int | None = None
    """How many messages more than in the step before."""

    @property
    def executions(self) -> list[tuple[int, int]]:
        """When the calls that it answers were executed."""
        turns = {id(call.turn): call.turn for call in self.results}
        return [one for turn in turns.values() for one in turn.executions]


class RequestKey(NamedTuple):
    """What is asked, and from where.

    `what` is the request's fingerprint; `trace` and `parent` are the ids of the span around it, 0 where there
    is none; `lane` is the thread, or a weak reference to the task.
    """

    what: int
    trace: int
    parent: int
    caller: Hashable


@dataclass(slots=True, eq=False)
class Facts:
    """One request and its answer.

    `keep` says whether content is kept. Times `*_at` are nanoseconds of a monotonic clock, `began` is of the
    wall clock.
    """

    operation: str
    api_type: str | None
    request: Request
    endpoint: Endpoint
    _: KW_ONLY
    keep: InitVar[bool]
    secrets: Callable[[], tuple[str, ...]] = field(default=tuple)
    """What must not be recorded; asked for only where an error is."""
    record: Record = field(init=False)
    span: Span | None = None
    context: Context | None = None
    borrowed: bool = False
    """Whether another instrumentation has told of this call, and the span, if there is one, is its own."""
    common: dict[str, str | int] | None = None
    """What all of its metrics carry, and what those of the convention do; kept by who asks first."""
    labels: dict[str, str | int] | None = None
    step: Step | None = None
    """Its place in the loop of an agent, if it was looked for; by `agent_loop/loop.py`."""
    links: list[tuple[SpanContext, dict[str, str | list[str]]]] = field(default_factory=list)
    """Other spans that its own shall refer to, and why."""
    retries: int = 0
    """How often the SDK has tried again; by `sdk/retries.py`, as the next one."""
    head: Fields | None = None
    """The headers of the last response."""
    attempt: int = 1
    """Which one it is of several requests for the same; by `agent_loop/repeated_requests.py`."""
    request_key: RequestKey | None = None
    user: Mapping[str, Any] = field(default_factory=dict)
    """What the application says of the call (see `toolspan.attributes`), and what of it goes to metrics."""
    user_labels: Mapping[str, str | int] = field(default_factory=dict)
    cost: Cost | None = None
    """What it cost; by `cost/sink.py`."""
    job: Job | None = None
    """What is still to be told of it, where content has to be looked at first."""
    outcome: Outcome | None = None
    error: BaseException | None = None
    streamed: bool = False
    counted: bool = False
    """Whether it is among the open streams that are counted; by `otel/metrics.py`."""
    began: int | None = None
    began_at: int = 0
    ended_at: int = 0

    def __post_init__(self, keep: bool) -> None:
        self.record = Record(keep=keep)

    def wall(self, at: int) -> int | None:
        """The wall clock's nanoseconds at `at`, consistent within the call."""
        return self.began + at - self.began_at if self.began is not None and at else None

    def forget_all(self) -> None:
        """Keep nothing: an error, above all, leads back to the stream by its traceback."""
        self.span = self.context = self.error = self.labels = self.common = None
        self.head = self.step = self.job = None
        self.secrets = tuple
        self.request.release()
