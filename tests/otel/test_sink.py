"""The sink interface: a sink that overrides nothing does nothing."""

from __future__ import annotations

from array import array

from toolspan.otel.sink import Sink
from toolspan.otel.span_events import SpanEvent
from toolspan.wire.events import Text

from ..sdk import wire
from .lab import STREAM, Lab, new_call, run


def test_a_sink_without_methods_of_its_own_does_nothing() -> None:
    """Each method of the interface accepts a call and leaves nothing to emit later."""
    sink, call = Sink(), new_call()
    assert sink.span_event(call, SpanEvent(call, Text(0, "x"), 1)) is None
    assert sink.ended(call) is None
    for method in (sink.opened, sink.streaming, sink.release):
        method(call)
    sink.inter_chunks(call, array("q", [1]))
    assert (call.span, call.outcome, call.due) == (None, None, [])


def test_an_empty_sink_changes_nothing_for_other_sinks(lab: Lab) -> None:
    """A call with an additional empty sink has the same span."""
    run(new_call(STREAM, Sink(), lab.span_sink()), *wire.TEXT)
    run(new_call(STREAM, lab.span_sink()), *wire.TEXT)
    first, second = (dict(span.attributes) for span in lab.spans)
    assert {*first} == {*second}
    assert first["gen_ai.usage.output_tokens"] == 7


def test_every_sink_names_only_methods_of_the_interface(lab: Lab) -> None:
    """The signals that a sink names for its failures belong to methods of the interface."""
    sinks = lab.all_sinks()
    assert all(sink.signals for sink in sinks)
    assert {name for sink in sinks for name in sink.signals} <= set(dir(Sink))
