"""`toolspan.events` and `instrument(on_event=…)`: the events of a stream as typed objects."""
