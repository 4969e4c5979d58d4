"""Popular frameworks, each in its own environment, traced without code."""
