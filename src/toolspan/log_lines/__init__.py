"""The stream log: one line through `logging` for each event of a call, as it happens."""
