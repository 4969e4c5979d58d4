"""What is known of one call, as the sinks see it (`otel/sinks.py`, `Observed`); data, which does nothing.

Who fills it in is said at each field, where it is not the call itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext

from .otel.jobs import Job
from .wire.costs import Cost
from .wire.heads import Fields
from .wire.outcome import Outcome
from .wire.providers import Endpoint
from .wire.record import Record
from .wire.request import Request
from .wire.steps import Kin, Step


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
    """Its place in the loop of an agent, if it was looked for; by `otel/loop.py`."""
    links: list[tuple[SpanContext, dict[str, str | list[str]]]] = field(default_factory=list)
    """Other spans that its own shall refer to, and why."""
    retries: int = 0
    """How often the SDK has tried again; by `openai/attempts.py`, as the next one."""
    head: Fields | None = None
    """The headers of the last response."""
    attempt: int = 1
    """Which one it is of several requests for the same; by `otel/siblings.py`, as the next one."""
    kin: Kin | None = None
    user: Mapping[str, Any] = field(default_factory=dict)
    """What the application says of the call (see `toolspan.attributes`), and what of it goes to metrics."""
    user_labels: Mapping[str, str | int] = field(default_factory=dict)
    cost: Cost | None = None
    """What it cost; by `otel/cost.py`."""
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
