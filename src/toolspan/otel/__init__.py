"""Sinks that turn calls into spans, metrics and log events."""
