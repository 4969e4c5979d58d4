"""Measure the cost of the instrumentation: the bare SDK against the instrumented one, in one process."""
