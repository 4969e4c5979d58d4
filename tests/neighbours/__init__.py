"""Tests with other instrumentations of the SDK, the real packages."""
