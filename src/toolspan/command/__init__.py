"""The command `toolspan`: `toolspan pipeline` says which stage lost a chunk, from a trace.

It knows traces as files and as Jaeger gives them, and the names of toolspan's telemetry; it neither makes
telemetry nor knows how that is made.
"""
