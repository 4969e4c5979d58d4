"""One API of the SDK: how a test calls it by each of the SDK's methods, and what its server answers.

A method that the installed SDK does not have is a skip, see `features.py`.
"""

from __future__ import annotations

import importlib
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from . import script, wire
from .features import has


def door(client: Any, *paths: str) -> Any:
    """The first of these methods that the client has; where it has none, the test is skipped."""
    for path in paths:
        try:
            return operator.attrgetter(path)(client)
        except AttributeError:
            continue
    pytest.skip(f"this SDK has no {' or '.join(paths)}")


@dataclass(frozen=True, eq=False)
class Api:
    """One API; `text` and `calls` are answers as chunks, without what follows the last one."""

    name: str
    resource: str
    ask: Mapping[str, Any]
    answer: Mapping[str, Any]
    verb: str = "create"
    text: tuple[Any, ...] = ()
    calls: tuple[Any, ...] = ()
    finished: int = 0
    """After how many chunks of `text` the answer is known to be whole."""
    done: tuple[bytes, ...] = (wire.DONE,)
    """What follows the last chunk."""
    span: str = "chat gpt-test"
    path: str = "/responses"
    method: str = "post"
    package: str = "openai"
    """The package of the SDK."""
    chunk: str = "responses.ResponseStreamEvent"
    """Where in the package's `types` the type of a chunk is."""
    helpers: tuple[str, ...] = ()
    """Paths of the helper that reads a stream, newest first."""
    final: str = "get_final_response"
    """The helper's method that returns the whole answer."""
    base: Api | None = None
    """The API of OpenAI's SDK with the same wire format, if this is another SDK's."""
    marks: tuple[Any, ...] = ()
    """What a test over it is marked with."""

    def whole(self, client: Any, **more: Any) -> Any:
        """Ask for a whole answer."""
        return door(client, f"{self.resource}.{self.verb}")(**{**self.ask, **more})

    def stream(self, client: Any, **more: Any) -> Any:
        """Ask for a stream."""
        return self.whole(client, stream=True, **more)

    def raw(self, client: Any, **more: Any) -> Any:
        """Ask for a raw response."""
        return door(client, f"{self.resource}.with_raw_response.{self.verb}")(**{**self.ask, **more})

    def late(self, client: Any, **more: Any) -> Any:
        """Ask for a response whose body is read later: a manager."""
        return door(client, f"{self.resource}.with_streaming_response.{self.verb}")(**{**self.ask, **more})

    def helper(self, client: Any, **more: Any) -> Any:
        """Ask for a stream with the SDK's helper: a manager."""
        return door(client, *self.helpers)(**{**self.ask, **more})

    @property
    def helped(self) -> bool:
        """Whether this SDK has a helper that reads its streams."""
        more = ":response_id" if "response_id" in self.ask else ""
        return any(has(f"{path}{more}") for path in self.helpers)

    def by_hand(self, client: Any, **more: Any) -> Any:
        """Ask by the client's own `post()` or `get()`."""
        body = {"body": {**self.ask, **({"stream": True} if more else {})}} if self.method == "post" else {}
        return getattr(client, self.method)(self.path, **body, **{"cast_to": object, **more})

    @property
    def full(self) -> tuple[Any, ...]:
        """The parts of the short stream, with its end."""
        return (*self.text, *self.done)

    @property
    def chunk_class(self) -> Any:
        """The SDK's type of a chunk."""
        module, _, name = f"{self.package}.types.{self.chunk}".rpartition(".")
        return getattr(importlib.import_module(module), name)

    @property
    def streams(self) -> Callable[[], Any]:
        """A transport's answer: the short stream."""
        return script.stream(*self.full)

    @property
    def calling(self) -> Callable[[], Any]:
        """A transport's answer: the stream with calls."""
        return script.stream(*self.calls, *self.done)

    @property
    def answers(self) -> Callable[[], Any]:
        """A transport's answer: the whole one."""
        return script.whole(self.answer)
