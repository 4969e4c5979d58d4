"""Whether the benchmarks run, and the cost of the request path in Python calls."""
