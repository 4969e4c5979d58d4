"""`toolspan.usage` through the real SDK: a call is counted when it is over."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

import toolspan
from toolspan.accounting import monitor
from toolspan.accounting.totals import UsageTotal

from ..sdk import script, wire
from ..sdk.apis import CHAT, EMBEDDINGS, FETCHED, RESPONSES, Api
from ..sdk.observe import watch
from ..sdk.params import over
from ..sdk.script import Transport
from ..sdk.sdk import SYNC, Face, both_faces
from ..sdk.telemetry import Telemetry


@pytest.fixture(autouse=True, name="anew")
def _anew() -> Iterator[None]:
    """Reset the monitor of the process."""
    toolspan.usage.reset()
    yield
    for budget in monitor.usage._budgets:
        toolspan.usage.cancel(budget)
    toolspan.usage.keep(())
    toolspan.usage.reset()


async def read(face: Face, client: Any, api: Api = CHAT, **more: Any) -> None:
    """Make a request and read the whole stream."""
    await face.read(await face.done(api.stream(client, **more)))


async def whole(face: Face, client: Any, api: Api = CHAT) -> None:
    """Make a request for a whole answer."""
    await face.done(api.whole(client))


@both_faces
@over(CHAT, RESPONSES)
def test_streams_and_answers_are_counted_by_all_names(face: Face, api: Api, telemetry: Telemetry) -> None:
    """Streams and whole answers count by request model, conversation and user key."""
    with telemetry.on(usage_keys=["feature"], cost="provider"):
        with toolspan.attributes({"gen_ai.conversation.id": "c-1"}, feature="search", step=3):
            watch(face, partial(read, api=api), Transport(api.calling))
        watch(face, partial(whole, api=api), Transport(api.answers))
    total = toolspan.usage.total()
    assert (total.requests, total.input, total.output) == (2, 22, 14)
    assert (total.cost, total.uncounted, total.unpriced) == (0.0, 0, 2)
    assert toolspan.usage.total(model="gpt-test") == total
    for where in ({"conversation": "c-1"}, {"feature": "search"}):
        assert toolspan.usage.total(where).requests == 1
    assert toolspan.usage.by("feature").keys() == {"search", None}


def test_a_reported_cost_counts_in_totals_and_budgets(telemetry: Telemetry) -> None:
    """The reported cost is in totals and budgets."""
    passed: list[Any] = []
    toolspan.usage.budget(passed.append, cost=0.3)
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "cost": 0.2}
    answer = script.whole({**wire.answer(), "usage": usage})
    with telemetry.on(cost="provider"):
        for _ in range(3):
            watch(SYNC, whole, Transport(answer))
    assert toolspan.usage.total().cost == pytest.approx(0.6)
    ((_, value, total),) = passed
    assert (value, total.requests, total.cost) == (None, 2, pytest.approx(0.4))


def test_requests_without_usage_or_cost_are_counted_as_such(telemetry: Telemetry) -> None:
    """A stream without usage and a failed request count as `uncounted` and `unpriced`."""
    with telemetry.on():
        watch(SYNC, read, Transport(script.stream(*wire.TEXT[:4], wire.DONE)))
        watch(SYNC, whole, Transport(script.whole({"error": {"message": "no"}}, status=404)))
    assert toolspan.usage.total() == UsageTotal(2, uncounted=2, unpriced=2)


@over(EMBEDDINGS, FETCHED)
def test_embeddings_count_and_fetched_responses_do_not(api: Api, telemetry: Telemetry) -> None:
    """Embeddings use tokens; a fetched response used them before."""
    with telemetry.on():
        watch(SYNC, partial(whole, api=api), Transport(api.answers))
    assert toolspan.usage.total().requests == (1 if api is EMBEDDINGS else 0)


def test_usage_is_counted_beside_another_instrumentation(telemetry: Telemetry) -> None:
    """A call of another instrumentation's span is counted all the same."""
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-test"}
    with telemetry.on(), telemetry.tracer.start_as_current_span("chat gpt-test", attributes=attributes):
        watch(SYNC, read, Transport(CHAT.streams))
    assert toolspan.usage.total().input == 11


@pytest.mark.usefixtures("guarded")
def test_a_failing_budget_callback_does_not_reach_the_application(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of a budget's callback does not reach the application."""

    def broken(passed: toolspan.BudgetPassed) -> None:
        raise RuntimeError("MARKER")

    toolspan.usage.budget(broken, tokens=0)
    bare = watch(SYNC, whole, Transport(CHAT.answers))
    with telemetry.on():
        assert watch(SYNC, whole, Transport(CHAT.answers)).result == bare.result
    assert "a budget's callback failed with RuntimeError" in caplog.text
    assert len(telemetry.spans) == 1


def test_usage_is_counted_before_the_done_event(telemetry: Telemetry) -> None:
    """A listener receives `Done` after the call is counted."""
    found: list[int] = []

    def listen(call: toolspan.CallInfo, event: toolspan.StreamEvent) -> None:
        if isinstance(event, toolspan.Done):
            found.append(toolspan.usage.total().requests)

    with telemetry.on(on_event=listen):
        watch(SYNC, read, Transport(CHAT.streams))
    assert found == [1]


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize("kind", [RuntimeError, SystemExit, KeyboardInterrupt, GeneratorExit, CancelledError])
@both_faces
def test_a_callback_runs_after_the_span_and_cannot_lose_it(
    face: Face, kind: type[BaseException], telemetry: Telemetry
) -> None:
    """The span has ended and the metrics are recorded when a callback runs, whatever it raises."""
    ended: list[int] = []

    def stop(passed: toolspan.BudgetPassed) -> None:
        ended.append(len(telemetry.spans))
        ended.append(sum(point.count for point in telemetry.durations))
        raise kind("MARKER")

    toolspan.usage.budget(stop, tokens=0, per="conversation")
    bare = [watch(face, read, Transport(CHAT.streams)), watch(face, whole, Transport(CHAT.answers))]
    with telemetry.on():
        assert watch(face, read, Transport(CHAT.streams)) == bare[0]
        with toolspan.attributes({"gen_ai.conversation.id": "c-1"}):
            assert watch(face, whole, Transport(CHAT.answers)) == bare[1]
    assert ended == [1, 1, 2, 2]
    assert len(telemetry.started) == len(telemetry.spans) == 2
