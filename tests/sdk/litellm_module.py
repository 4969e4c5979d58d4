"""A small stand-in for LiteLLM, of 400 MB: its functions, its stream, and what it calls for each request.

`tests/litellm/` has the tests with LiteLLM itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import openai
import pytest

from . import wire

CHUNKS = (wire.chunk("Hello"), wire.chunk(" there."), wire.chunk(None, "stop"))


class CustomStreamWrapper:
    """A stream for both kinds of loops, which keeps the usage beside its chunks."""

    __module__ = "litellm.streams"

    def __init__(self, source: Callable[[], Iterator[Any]], **hidden: Any) -> None:
        self._source, self._chunks = source, None
        self._hidden_params, self.chunks = hidden, []
        self._last_returned_hidden_params: Any = None
        self.completion_stream = None

    def __iter__(self) -> CustomStreamWrapper:
        return self

    __aiter__ = __iter__

    def __next__(self) -> Any:
        self._chunks = self._chunks or self._source()  # the request is sent here
        try:
            return next(self._chunks)
        except StopIteration:
            usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
            self._last_returned_hidden_params = {"usage": usage}
            self.close()
            raise

    async def __anext__(self) -> Any:
        try:
            return CustomStreamWrapper.__next__(self)
        except StopIteration:
            raise StopAsyncIteration from None

    def close(self) -> None:
        """Close nothing."""

    async def aclose(self) -> None:
        """Close nothing."""


class Derived(CustomStreamWrapper):
    """A stream whose method calls that of its base class, as the router's does."""

    __module__ = "litellm.streams"

    def __next__(self) -> Any:
        return super().__next__()


class Logging:
    """LiteLLM's object for a call, which knows of each request before it is sent."""

    def __init__(self, provider: str) -> None:
        self.model_call_details = {"custom_llm_provider": provider}

    def pre_call(self, input: Any, additional_args: Any) -> None:
        """Do nothing: the wrapper looks at the arguments."""


class OpenTelemetry:
    """LiteLLM's first logger for OpenTelemetry."""

    __module__ = "litellm.integrations.opentelemetry"


class Module(ModuleType):
    """The package: `answer` makes the result of each function, from its arguments."""

    provider_list = ("openai", "groq", "anthropic", "text-completion-openai")
    model_cost = {"claude-1": {"litellm_provider": "anthropic"}}  # noqa: RUF012 - as LiteLLM has it
    answer: Callable[..., Any]

    def __init__(self) -> None:
        super().__init__("litellm")
        self.callbacks: list[Any] = []
        self.success_callback: list[Any] = []
        self._async_success_callback: list[Any] = []
        self.main = ModuleType("litellm.main")
        self.dispatch = dispatch = ModuleType("litellm.chat_completions.dispatch")
        self.logging = SimpleNamespace(Logging=type("Logging", (Logging,), {"pre_call": Logging.pre_call}))

        def completion(*args: Any, **kwargs: Any) -> Any:
            return self.answer(*args, **kwargs)

        async def acompletion(*args: Any, **kwargs: Any) -> Any:
            return self.main.completion(*args, acompletion=True, **kwargs)

        def exception_type(**_: Any) -> None:
            raise openai.OpenAIError

        vars(self.main).update(completion=completion, acompletion=acompletion, exception_type=exception_type)
        vars(dispatch).update(_PYTHON_COMPLETION=completion, _PYTHON_ACOMPLETION=acompletion)

        def public(name: str) -> Any:
            def call(*args: Any, **kwargs: Any) -> Any:
                return vars(dispatch)[name](*args, **kwargs)

            return call

        self.completion, self.acompletion = public("_PYTHON_COMPLETION"), public("_PYTHON_ACOMPLETION")
        self.embedding = completion
        self.responses = ModuleType("litellm.responses")  # no function in this version
        self.exception_type = exception_type
        self.CustomStreamWrapper = CustomStreamWrapper

    def send(self, provider: str = "groq", url: str = "http://10.0.0.1:8000/v1") -> None:
        """Say that a request is sent, as LiteLLM does."""
        self.logging.Logging(provider).pre_call(input="", additional_args={"api_base": url})


def put(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put the stand-in in place of LiteLLM."""
    module = Module()
    for name, found in {
        "litellm": module,
        "litellm.main": module.main,
        "litellm.chat_completions.dispatch": module.dispatch,
        "litellm.litellm_core_utils.litellm_logging": module.logging,
    }.items():
        monkeypatch.setitem(sys.modules, name, found)
    return module
