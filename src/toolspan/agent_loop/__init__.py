"""The agent loop: what happens between two model calls."""
