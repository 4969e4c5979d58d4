"""Tests of the telemetry ring, with OpenTelemetry's real SDK."""
