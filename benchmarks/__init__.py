"""What the instrumentation costs: the bare SDK against the instrumented one, in one process."""
