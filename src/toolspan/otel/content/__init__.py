"""Captured content: messages, truncation, redaction, the completion hook."""
