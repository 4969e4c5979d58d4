"""LiteLLM itself, which these tests need in an environment of its own: `make litellm`."""
