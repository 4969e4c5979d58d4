"""The agent loop: relate a request to earlier answers, and to an earlier request that failed."""
