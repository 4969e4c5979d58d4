"""The data of one call, its operation, and its place in the agent loop."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext

from ..wire.events import Note
from ..wire.headers import Fields
from ..wire.providers import Endpoint
from ..wire.record import Outcome, Record
from ..wire.request import Request
from ..wire.usage import Cost
from .content.worker import Job
from .semconv import INVOKE_AGENT

CHAT: Final = "chat"
TEXT_COMPLETION: Final = "text_completion"
EMBEDDINGS: Final = "embeddings"
EXECUTE_TOOL: Final = "execute_tool"
FETCH_RESPONSE: Final = "fetch_response"
# The conventions have no names for these.
IMAGE_GENERATION: Final = "image_generation"
SPEECH: Final = "speech"
TRANSCRIPTION: Final = "transcription"
TRANSLATION: Final = "translation"
MODERATION: Final = "moderation"
DECISION: Final = "decision"
VIDEO_GENERATION: Final = "video_generation"
AGENT_SESSION: Final = "agent_session"
PLAIN: Final = (
    *(IMAGE_GENERATION, SPEECH, TRANSCRIPTION, TRANSLATION),
    *(MODERATION, DECISION, VIDEO_GENERATION, AGENT_SESSION),
)
"""The operations whose spans never have content."""

_genai_util = "opentelemetry.genai.client."


class Operation(NamedTuple):
    """The traits that decide the telemetry of an operation; each operation has a row in `OPERATIONS`."""

    has_messages: bool = False
    """Whether a model generates output: then there is content, a details event, a turn, and tokens by
    type."""
    counts_tool_calls: bool = False
    times_chunks: bool = False
    """Whether the time between two chunks is recorded."""
    metrics: str = "operation"
    """The key of the operation's metrics in `otel/instruments.py`."""
    outer_key: str = ""
    """The context key that util-genai sets during such a call of another instrumentation."""
    is_binary: bool = False
    """Whether the answer is a sound or the like, which is never read."""


OPERATIONS: Final[Mapping[str, Operation]] = {
    CHAT: Operation(True, True, True, "inference", f"{_genai_util}inference.context"),
    TEXT_COMPLETION: Operation(True, True, True, "inference", f"{_genai_util}inference.context"),
    EMBEDDINGS: Operation(metrics="embeddings", outer_key=f"{_genai_util}embedding.context"),
    FETCH_RESPONSE: Operation(outer_key=f"{_genai_util}fetch_response.context"),
    EXECUTE_TOOL: Operation(),
    INVOKE_AGENT: Operation(),
    **{name: Operation(outer_key=f"{_genai_util}{name}.context", is_binary=name == SPEECH) for name in PLAIN},
}
INFERENCE: Final = frozenset(name for name, operation in OPERATIONS.items() if operation.has_messages)
"""The operations in which a model generates output."""


@dataclass(slots=True, eq=False)
class Turn:
    """One response of the model, as the agent loop remembers it, without content.

    `asker` is the span context of its request, `task` the task or thread of that request, as in `Caller`.
    """

    asker: Any = None
    task: Hashable = None
    step: int = 1
    model: str | None = None
    tools: str | None = None
    messages: int | None = None
    tokens: int | None = None
    response: str | None = None
    calls: list[RememberedCall] = field(default_factory=list)
    executions: list[tuple[int, int]] = field(default_factory=list)
    """When its tool calls were executed: begin and end, in nanoseconds of a monotonic clock."""
    history: Any = None
    """What shows that the loop repeats itself: a `History` of `agent_loop/runaways.py`."""


@dataclass(slots=True, eq=False)
class RememberedCall:
    """One tool call, completed at `at`. `answers` counts the requests that contained its result."""

    id: str
    name: str | None
    at: int
    turn: Turn
    argument_hash: int | None = None
    """A hash of the arguments, equal for equal arguments; `None` if they are unknown."""
    arguments: str = ""
    """The arguments as the model wrote them, only where content is kept; the memory drops the oldest."""
    answers: int = 0
    turnaround_recorded: bool = False
    """Whether its turnaround is recorded: only once, although agents send a result in every later request."""
    taken: bool = False
    """Whether an execution of a tool is assigned to it."""


@dataclass(slots=True, eq=False)
class Step:
    """The place of a request in its agent loop. `turn` is the turn that its response will become."""

    turn: Turn
    before: Turn | None = None
    """The turn that this request follows, if it is remembered."""
    number: int | None = None
    answered: int = 0
    unanswered: int = 0
    repeated: int = 0
    results: tuple[RememberedCall, ...] = ()
    """The remembered calls whose results the request contains."""
    grown: int | None = None
    """The number of messages minus that of the step before; negative if the history was cut."""

    @property
    def executions(self) -> list[tuple[int, int]]:
        """Return begin and end of the executions whose results the request contains, in nanoseconds."""
        # By identity: a turn is mutable, without a hash, and several results belong to one turn.
        turns = {id(call.turn): call.turn for call in self.results}
        return [one for turn in turns.values() for one in turn.executions]


class Caller(NamedTuple):
    """Where a request is made: in which task or thread, and under which span.

    `task` is a weak reference to the task, or an object that stands for the thread. `trace` and `parent` are
    the ids of the span around the request, 0 where there is none.
    """

    task: Hashable
    trace: int
    parent: int


Measurement: TypeAlias = "tuple[Any, ...]"
"""A function that records measurements, and what it takes."""
_NO_TRAITS = Operation()
_NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})


class CallData:
    """One request and its response: what sinks read and write.

    Times `*_at` are nanoseconds of a monotonic clock.
    """

    # Durations use the monotonic clock: the wall clock may be set back while a stream runs. Most values are
    # those of the class, so that making a call costs little.

    span: Span | None = None
    context: Context | None = None
    """The context of the span: children of the call have it as their parent."""
    measured: Context | None = None
    """The context of the call's measurements: with the ids of the span only, which is not kept alive."""
    borrowed = False
    """Whether another instrumentation traces this call; then `span` is the span of that one, or `None`."""
    counts_tokens = True
    """Whether toolspan records the conventions' metrics of tokens; else another instrumentation does."""
    counts_times = True
    """The same for the metrics of times."""
    counts_first = True
    """The same for the time to the first chunk."""
    shows_usage = True
    """Whether the span has usage and cost; else a span of another instrumentation beside it has them."""
    common: dict[str, str | int] | None = None
    """A cache: the labels of all metrics of the call; see `labels.py`."""
    labels: dict[str, str | int] | None = None
    """A cache: the labels of the convention's metrics; see `metrics.py`."""
    step: Step | None = None
    """The place in the agent loop, if that is followed; set by `agent_loop/loop.py`."""
    retries = 0
    """The number of retries by the SDK; set by `sdk/retries.py`, as `head`."""
    head: Fields | None = None
    """The headers of the last response."""
    attempt = 1
    """The number of the attempt, from 1; set by `agent_loop/repeated_requests.py`."""
    caller: Caller | None = None
    """Where the request was made; set by `agent_loop/repeated_requests.py`."""
    user: Mapping[str, Any] = _NO_ATTRIBUTES
    """The user attributes (see `toolspan.attributes`)."""
    user_labels: Mapping[str, str | int] = _NO_ATTRIBUTES
    """The user attributes that metrics carry; fixed at the start, for the gauge of open streams."""
    agent: Any = None
    """The agent that makes the request: an `AgentRun` of `agent_loop/invoke_agent.py`."""
    usage_key: Any = None
    """Server and model of a stream that shows whether usage comes unasked; see `sdk/stream_usage.py`."""
    cost: Cost | None = None
    """The cost; set by `cost/sink.py`."""
    job: Job | None = None
    """The last job of the call in the content worker, if content has to be reviewed."""
    afterwards: Sequence[Callable[[], None]] = ()
    """Callbacks of the application that run when the telemetry is recorded; none of them raises."""
    outcome: Outcome | None = None
    error: BaseException | None = None
    streamed = False
    measurements: list[Measurement] | None = None
    """The measurements of its end that are not recorded yet; set by `otel/metrics.py`."""
    left: list[Any] | None = None
    """The sinks that have not seen its end yet, the next one last; set by `otel/dispatch.py`."""
    emitted = False
    """Whether the last act, which ends the span, has begun; set by `otel/dispatch.py`."""
    events_size = 0
    """Bytes of the span events so far, estimated from above; set by `otel/span.py`, as `events_omitted`."""
    events_omitted = 0
    """The number of span events that found no place."""
    began: int | None = None
    """Nanoseconds of the wall clock; `None` if that clock failed."""
    began_at = 0
    ended_at = 0

    def __init__(
        self,
        operation: str,
        api_type: str | None,
        request: Request,
        endpoint: Endpoint,
        *,
        keep: bool,
        secrets: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self.operation = operation
        # An unknown operation has no traits: no request fails for it.
        self.traits = OPERATIONS.get(operation, _NO_TRAITS)
        self.api_type = api_type
        self.request = request
        self.endpoint = endpoint
        # Returns the keys and tokens to hide; it is called only for a call that fails.
        self.secrets = secrets
        # With `keep`, content is kept.
        self.record = Record(keep=keep)
        # Links of the span to other spans, with the attributes of each link.
        self.links: list[tuple[SpanContext, dict[str, str | list[str]]]] = []
        # What the sinks emit at the end of the call, after the review of their content; see `Sinks`.
        self.due: list[Any] = []
        # Notes of sinks that are to become span events; see `Sinks`.
        self.notes: list[Note] = []

    def wall(self, at: int) -> int | None:
        """Return `at` in nanoseconds of the wall clock; `None` if that clock failed or `at` is 0."""
        # From one reading of the wall clock: events keep their order even if that clock is set back.
        return self.began + at - self.began_at if self.began is not None and at else None

    def forget_all(self) -> None:
        """Drop all references of a call that is over."""
        # The traceback of an error refers to frames that hold the stream: a cycle would keep it alive.
        vars(self).update(_FORGOTTEN, due=[])
        vars(self.request).update(_WITHOUT_CONTENT)


# One step each: twelve assignments took a tenth of the end of a call.
_FORGOTTEN = dict.fromkeys(
    ("span", "context", "measured", "error", "labels", "common", "head", "step", "job", "caller", "agent")
) | {"secrets": tuple}
_WITHOUT_CONTENT = dict.fromkeys(("messages", "instructions", "tools", "last"))
