"""Measure what instrumentation adds to the SDK's own work, in place."""
