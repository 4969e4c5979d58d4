"""The patch of the OpenAI SDK: the only package that imports `openai` and `wrapt`.

`import toolspan` does not import it; `instrument()` does.
"""
