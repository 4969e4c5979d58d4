"""The metrics of calls: what is a sample, and how often."""

from __future__ import annotations

from typing import Any

import pytest

from toolspan import call as call_module
from toolspan import guard
from toolspan.otel import semconv as names
from toolspan.wire.record import End

from ..sdk import wire
from .lab import ASK, STREAM, Lab, new_call, run


def labels(lab: Lab, name: str) -> list[dict[str, Any]]:
    """Return the attributes of a metric's points."""
    return [dict(point.attributes) for point in lab.points(name)]


def test_input_and_output_tokens_are_recorded_once(lab: Lab) -> None:
    """Input and output tokens are one sample each per call."""
    run(new_call(STREAM, lab.metric_sink()), *wire.TEXT)
    points = {point.attributes["gen_ai.token.type"]: point for point in lab.points(names.TOKEN_USAGE)}
    assert {kind: (point.sum, point.count) for kind, point in points.items()} == {
        "input": (11, 1),
        "output": (7, 1),
    }


def test_only_the_last_cumulative_usage_counts(lab: Lab) -> None:
    """Where every chunk reports cumulative usage, only the last report counts."""
    run(new_call(STREAM, lab.metric_sink()), *(wire.text("x", **counts(at)) for at in (0, 3, 8)))
    points = {point.attributes["gen_ai.token.type"]: point for point in lab.points(names.TOKEN_USAGE)}
    assert (points["output"].sum, points["output"].count) == (8, 1)


def counts(completion: int, **details: int) -> dict[str, Any]:
    """Return the usage of a chunk."""
    usage = {"prompt_tokens": 5, "completion_tokens": completion, "prompt_tokens_details": details}
    return {"usage": usage}


@pytest.mark.parametrize("end", [End.EXHAUSTED, ValueError()], ids=["without usage", "failed"])
def test_no_token_metric_without_reported_usage(lab: Lab, end: Any) -> None:
    """Without reported usage there are no token metrics, and nothing is estimated."""
    run(new_call(STREAM, lab.metric_sink("0.1", "1.41")), wire.text("x"), end=end)
    assert not [name for name in lab.metrics() if "token" in name]


def test_zero_cached_tokens_are_not_a_sample(lab: Lab) -> None:
    """Zero cached tokens are not a sample of their metric; some cached tokens are."""
    sink = lab.metric_sink("0.1")
    run(new_call(STREAM, sink), wire.text("x", **counts(0, cached_tokens=0)))
    assert names.INFERENCE_USAGE_CACHE_READ not in lab.metrics()
    assert [point.value for point in lab.points(names.INFERENCE_USAGE_OUTPUT)] == [0]
    run(new_call(STREAM, sink), wire.text("x", **counts(1, cached_tokens=4)))
    assert [point.value for point in lab.points(names.INFERENCE_USAGE_CACHE_READ)] == [4]


def test_chunk_times_are_sampled_unless_switched_off(lab: Lab) -> None:
    """Each chunk after the first is one sample, and so is the first chunk; none with the timing off."""
    run(new_call(STREAM, lab.metric_sink()), *wire.TEXT)
    assert [point.count for point in lab.points(names.OPERATION_TIME_TO_FIRST_CHUNK)] == [1]
    other = Lab()
    run(new_call(STREAM, other.metric_sink(chunk_timing=False)), *wire.TEXT)
    assert other.points(names.OPERATION_TIME_PER_OUTPUT_CHUNK) == []


def test_inter_chunk_times_are_recorded_at_the_end(lab: Lab) -> None:
    """Each time between two chunks is one value of the histogram; a short stream records all at its end."""
    call = new_call(STREAM, lab.metric_sink())
    call.open()
    call.streaming()
    for chunk in wire.TEXT:
        call.chunk(chunk)
    call.end(End.EXHAUSTED)
    assert [point.count for point in lab.points(names.OPERATION_TIME_PER_OUTPUT_CHUNK)] == [4]


@pytest.mark.parametrize(
    ("end", "outcome"),
    [(End.CLOSED, "closed"), (End.DROPPED, "abandoned"), (OSError(), "failed")],
    ids=["closed", "abandoned", "failed"],
)
def test_a_stream_is_open_until_it_ends_with_an_outcome(lab: Lab, end: Any, outcome: str) -> None:
    """A stream is open until any end, and is then counted by its outcome."""
    call = new_call(STREAM, lab.metric_sink())
    call.open()
    call.streaming()
    assert [point.value for point in lab.points(names.STREAMS_OPEN)] == [1]
    call.end(end)
    assert [point.value for point in lab.points(names.STREAMS_OPEN)] == [0]
    assert [point["toolspan.stream.outcome"] for point in labels(lab, names.STREAMS)] == [outcome]


def test_an_unwrapped_stream_has_only_a_duration(lab: Lab) -> None:
    """A stream returned unwrapped has a duration, but no outcome, and is never open."""
    call = new_call(STREAM, lab.metric_sink())
    call.open()
    call.leave()
    assert set(lab.metrics()) == {names.OPERATION_DURATION}


def test_the_error_type_is_only_on_the_duration(lab: Lab) -> None:
    """The duration has the span's error type; other metrics have none."""
    run(new_call(ASK, lab.span_sink(), lab.metric_sink()), end=ValueError("words"))
    (found,) = labels(lab, names.OPERATION_DURATION)
    assert found[names.ERROR_TYPE] == lab.span.attributes[names.ERROR_TYPE] == "ValueError"


def test_the_duration_equals_that_of_the_span(lab: Lab) -> None:
    """The duration is the time between the span's start and end."""
    run(new_call(ASK, lab.span_sink(), lab.metric_sink()), wire.answer())
    (point,) = lab.points(names.OPERATION_DURATION)
    assert point.sum == pytest.approx((lab.span.end_time - lab.span.start_time) / 1e9, abs=1e-6)


def test_there_is_no_duration_without_a_start_time(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a start time there is no duration."""
    call = new_call(STREAM, lab.metric_sink())
    monkeypatch.setattr(call_module, "wall_now", lambda: 1 / 0)
    monkeypatch.setattr(guard, "reraise", False)
    run(call, *wire.TEXT)
    assert not [
        name for name in lab.metrics() if lab.metrics()[name].unit == "s" and "per_output" not in name
    ]
