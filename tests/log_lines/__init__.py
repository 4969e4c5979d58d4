"""Tests of the stream log."""
