"""Tests of `toolspan.tool`."""
