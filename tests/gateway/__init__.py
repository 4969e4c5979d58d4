"""The example of a pipeline in real parts: LiteLLM's proxy, the control plane, a client, a Collector."""
