"""Tests of captured content."""
