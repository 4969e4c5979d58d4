"""`toolspan.events`: the events of a stream as a typed API."""
