"""The span of a stage: its attributes, its events, and what happens without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace

import toolspan
from toolspan import guard
from toolspan.otel import semconv
from toolspan.pipeline import semconv as stage_semconv
from toolspan.pipeline.chunk import parse_chunk
from toolspan.pipeline.counting import fingerprint

from ..sdk.telemetry import Telemetry
from . import shapes


def test_each_stage_is_linked_to_the_one_before(telemetry: Telemetry) -> None:
    """Each stage is linked to the one before; all have one stream id and one parent."""
    with telemetry.on(), telemetry.tracer.start_as_current_span("request"):
        stream = toolspan.stage("model", iter(shapes.answer()))
        for name in ("gateway", "policy"):
            stream = toolspan.stage(name, stream, through=iter)
        list(stream)
    spans = {span.attributes[stage_semconv.STAGE_NAME]: span for span in telemetry.spans}
    assert len({span.attributes[stage_semconv.STREAM_ID] for span in spans.values()}) == 1
    assert len({span.parent.span_id for span in spans.values()}) == 1
    assert not spans["model"].links
    for before, after in (("model", "gateway"), ("gateway", "policy")):
        (link,) = spans[after].links
        assert link.context.span_id == spans[before].context.span_id
        assert link.attributes == {semconv.LINK: "reads"}


def test_stage_span_is_internal_and_never_current(telemetry: Telemetry) -> None:
    """The span is internal, never current, and has the delays of both sides and the user attributes."""
    with telemetry.on(), toolspan.attributes(feature="search"):
        seen = [trace.get_current_span().get_span_context().is_valid for _ in toolspan.stage("a", iter("ab"))]
    span = telemetry.span
    assert seen == [False, False]
    assert (span.name, span.kind, span.attributes["feature"]) == (
        "stage a",
        trace.SpanKind.INTERNAL,
        "search",
    )
    got = span.attributes
    assert got[stage_semconv.OUT.first_chunk] >= 0
    assert got[stage_semconv.OUT.longest_pause] <= (span.end_time - span.start_time) / 1e9
    assert got[stage_semconv.OUT.size] == 2


def test_sampled_chunks_are_span_events_on_both_sides(telemetry: Telemetry) -> None:
    """Sampled chunks are events on both sides, at the times when they passed; every n-th if set."""

    @toolspan.stage("policy", sample_every=4)
    def policy(chunks: Iterator[Any]) -> Iterator[Any]:
        yield from chunks

    with telemetry.on():
        list(policy(iter(shapes.answer())))
    events = [event.attributes for event in telemetry.span.events]
    for side in ("in", "out"):
        found = [
            (each[stage_semconv.CHUNK_POSITION], each[stage_semconv.CHUNK_ROLE])
            for each in events
            if each[stage_semconv.CHUNK_SIDE] == side
        ]
        assert found == [
            (1, "first"), (4, "call_first"), (4, "nth"), (6, "call_last"), (7, "call_first"), (8, "nth"),
            (9, "call_last"), (10, "finish"),
        ]  # fmt: skip
    prints = [each[stage_semconv.CHUNK_FINGERPRINT] for each in events]
    assert prints[:8] == prints[8:]
    times = [event.timestamp for event in telemetry.span.events[:8]]
    assert times == sorted(times)
    assert telemetry.span.start_time <= times[0] <= times[-1] <= telemetry.span.end_time


def test_stage_span_has_no_content(telemetry: Telemetry) -> None:
    """No content of the chunks is recorded, even where content is captured."""
    secret = "MARKER"
    with telemetry.on(capture_message_content="span_and_event"):
        list(toolspan.stage("a", iter([shapes.text(secret), shapes.opening(name=secret)])))
        stream = toolspan.stage("a", (_ for _ in [secret]), through=_raising)
        with pytest.raises(ValueError, match=secret):
            list(stream)
    assert secret not in str([(span.attributes, span.events, span.status) for span in telemetry.spans])


def _raising(chunks: Iterator[Any]) -> Iterator[Any]:
    for chunk in chunks:
        raise ValueError(chunk)
    yield


def test_stage_without_a_provider_still_has_a_stream_id() -> None:
    """Without a provider chunks pass unread, and the stream has its id for the next stage."""
    stream = toolspan.stage("a", iter("ab"))
    carried, route = toolspan.extract(toolspan.inject({"type": "START"}, stream))
    assert carried == {"type": "START"}
    assert route is not None
    assert len(route.stream_id) == 16
    assert list(stream) == ["a", "b"]


def test_span_that_cannot_start_loses_no_chunk(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, guarded: None
) -> None:
    """A span that cannot be started costs the span; a route that cannot be found costs the route."""

    @toolspan.stage("a", route=lambda chunks: 1 / 0)
    def policy(chunks: Iterator[Any]) -> Iterator[Any]:
        yield from chunks

    with telemetry.on():
        assert list(policy(iter("ab"))) == ["a", "b"]
        monkeypatch.setattr("toolspan.pipeline.run.StageSpan", None)
        assert list(policy(iter("ab"))) == ["a", "b"]
    assert len(telemetry.spans) == 1


def test_provider_that_fails_costs_only_the_spans(guarded: None) -> None:
    """A provider that fails costs the spans, and `instrument()` goes on."""

    class Provider:
        """Makes nothing."""

        def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
            """Fail."""
            raise ZeroDivisionError

    with Telemetry().on(tracer_provider=Provider()):
        assert list(toolspan.stage("a", iter("ab"))) == ["a", "b"]
    assert guard._reported


def test_fingerprints_are_keyed_with_the_sixteen_bytes_of_the_trace_id(telemetry: Telemetry) -> None:
    """Processes with other versions of toolspan are in one trace: a chunk has the same fingerprint in all."""
    with telemetry.on(), telemetry.tracer.start_as_current_span("request") as parent:
        list(toolspan.stage("model", iter(shapes.answer())))
    key = parent.get_span_context().trace_id.to_bytes(16, "big")
    expected = fingerprint(parse_chunk(shapes.answer()[0]), key)
    (span,) = [one for one in telemetry.spans if stage_semconv.STAGE_NAME in (one.attributes or {})]
    first = span.events[0].attributes
    assert first[stage_semconv.CHUNK_FINGERPRINT] == expected
