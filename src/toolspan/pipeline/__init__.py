"""What passes through one stage of a pipeline: chunks by their meaning, what was done to them, envelopes.

Pure, like `wire`, which it builds on; it knows no OpenTelemetry, no SDK, no socket and no clock.
"""
