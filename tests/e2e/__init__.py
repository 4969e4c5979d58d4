"""The end-to-end test, `python -m tests.e2e`: a real agent, two model servers, a real Collector."""
