"""The stream log: readable lines through `logging` while a call runs."""
