"""The telemetry ring: records turned into spans, metrics and logs.

It imports `toolspan.wire` and OpenTelemetry's API; it never imports `openai`, nor an SDK.
"""
