"""The other SDKs of the family: their faces and their APIs, over which the tests of OpenAI's SDK run, too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import anthropic
import cerebras.cloud.sdk
import groq
import perplexity
import together
import writerai

import toolspan

from .api import Api
from .apis import CHAT, COMPLETIONS, EMBEDDINGS, MESSAGES, RESPONSES
from .face import AsyncFace, Face
from .http_module import MODULES, httpx


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):  # type: ignore[misc]  # imported by a string
    """A body of the script, whose errors become those of httpx."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._body
        except Exception as error:
            raise _translated(error) from None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._body:
                yield part
        except Exception as error:
            raise _translated(error) from None

    def close(self) -> None:
        self._body.close()

    async def aclose(self) -> None:
        await self._body.aclose()


def _translated(error: BaseException) -> Any:
    """The error of httpx with the name of one of the script's."""
    same = isinstance(error, tuple(module.HTTPError for module in MODULES))
    return getattr(httpx, type(error).__name__)(str(error)) if same else error


class _Transport(httpx.MockTransport):  # type: ignore[misc]
    """A scripted transport, whose answers and errors become those of httpx."""

    def __init__(self, script: Any) -> None:
        super().__init__(self._answer)
        self._script = script

    def _answer(self, request: Any) -> Any:
        # A copy of Cerebras' client sends it; it belongs to no scenario.
        if request.url.path.endswith("/tcp_warming"):
            return httpx.Response(200, json={})
        try:
            found = self._script(request)
        except Exception as error:
            raise _translated(error) from None
        return httpx.Response(found.status_code, headers=found.headers.raw, stream=_Body(found.stream))


class _Httpx:
    """What the faces of all these SDKs share."""

    options: Mapping[str, Any] = MappingProxyType({})

    def mock(self, transport: Any) -> Any:
        return _Transport(transport)

    @asynccontextmanager
    async def client(self, transport: Any = None, **options: Any) -> AsyncIterator[Any]:
        async with super().client(transport, **{**self.options, **options}) as client:  # type: ignore[misc]
            yield client


class MemberFace(_Httpx, Face):
    """The sync face of an SDK of the family."""

    http_class = httpx.Client


class AsyncMemberFace(_Httpx, AsyncFace):
    """The async face of an SDK of the family."""

    http_class = httpx.AsyncClient


def _faces(module: Any, name: str, instrumentor: Any, **more: Any) -> tuple[Face, Face]:
    """Both faces of an SDK."""
    found = []
    # Newer versions of anthropic use the module of OpenAI's SDK.
    own = issubclass(module.DefaultHttpxClient, httpx.Client)
    faces: Any = (MemberFace, AsyncMemberFace) if own else (Face, AsyncFace)
    for cls, prefix in zip(faces, ("", "Async"), strict=True):
        fields = {
            "label": f"{name.lower()}-{cls.name}",
            "instrumentor": instrumentor,
            "client_class": getattr(module, f"{prefix}{name}"),
            "stream_class": getattr(module, f"{prefix}Stream"),
            "api_error": module.APIError,
            **more,
        }
        found.append(type(f"{prefix}{name}Face", (cls,), fields)())
    return found[0], found[1]


def _api(base: Api, package: str, path: str, chunk: str = "", **more: Any) -> Api:
    """An API of another SDK with the wire format of one of OpenAI's."""
    return replace(base, base=base, package=package, path=path, chunk=chunk, helpers=(), marks=(), **more)


_QUIET = {"warm_tcp_connection": False}
"""Else the async client makes a sync one over a real connection, to ask for `/v1/tcp_warming`."""
_V1 = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
_GROQ = "/openai/v1/chat/completions", "/openai/v1/embeddings"
_CHUNK = "chat.ChatCompletionChunk"
MEMBERS: dict[str, tuple[tuple[Face, Face], tuple[Api, ...]]] = {
    "groq": (
        _faces(groq, "Groq", toolspan.GroqInstrumentor),
        (_api(CHAT, "groq", _GROQ[0], _CHUNK), _api(EMBEDDINGS, "groq", _GROQ[1])),
    ),
    "cerebras": (
        _faces(cerebras.cloud.sdk, "Cerebras", toolspan.CerebrasInstrumentor, options=_QUIET),
        (
            _api(CHAT, "cerebras.cloud.sdk", _V1[0], "chat.ChatCompletion"),
            _api(COMPLETIONS, "cerebras.cloud.sdk", _V1[1], "Completion"),
        ),
    ),
    "together_ai": (
        _faces(together, "Together", toolspan.TogetherInstrumentor),
        (
            _api(CHAT, "together", "/chat/completions", _CHUNK),
            _api(COMPLETIONS, "together", "/completions", "CompletionChunk"),
            _api(EMBEDDINGS, "together", "/embeddings"),
        ),
    ),
    "perplexity": (
        _faces(perplexity, "Perplexity", toolspan.PerplexityInstrumentor),
        (
            _api(CHAT, "perplexity", "/chat/completions", "StreamChunk"),
            _api(RESPONSES, "perplexity", "/v1/responses", "ResponseStreamChunk"),
            _api(EMBEDDINGS, "perplexity", _V1[2], ask={**EMBEDDINGS.ask, "model": "pplx-embed-v1-4b"}),
        ),
    ),
    "writer": (
        _faces(writerai, "Writer", toolspan.WriterInstrumentor),
        (_api(CHAT, "writerai", "/v1/chat", "ChatCompletionChunk", resource="chat", verb="chat"),),
    ),
    "anthropic": (
        _faces(anthropic, "Anthropic", toolspan.AnthropicInstrumentor),
        (_api(MESSAGES, "anthropic", MESSAGES.path, MESSAGES.chunk),),
    ),
}
"""The faces and the APIs of each SDK, by the provider's name.

Perplexity's asynchronous chat returns a job, and Writer's streamed completions have no finish reason: both
are no APIs of OpenAI's protocol, and have tests of their own.
"""
PLACES = [(face, api) for faces, apis in MEMBERS.values() for face in faces for api in apis]
STREAMED_PLACES = [(face, api) for face, api in PLACES if api.text]
