"""The tests, by ring; each file is named after what it covers."""
