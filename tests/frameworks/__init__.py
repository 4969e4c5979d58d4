"""Frameworks that people use, each in an environment of its own, traced without a line of code."""
