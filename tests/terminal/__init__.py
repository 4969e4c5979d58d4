"""Tests of the terminal view: what the exporters print, and that they never raise."""
