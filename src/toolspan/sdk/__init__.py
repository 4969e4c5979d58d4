"""The SDK's ring: the only one that touches `openai` and `wrapt`.

Importing `toolspan` does not import it; instrumenting does.
"""
