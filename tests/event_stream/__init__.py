"""Tests of `toolspan.events`."""
