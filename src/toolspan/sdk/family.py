"""The SDKs that come from one generator: one row for each, with what differs between them.

Their clients, streams and retries have the same shape (`SyncAPIClient.request`, `_streaming.Stream`,
`_base_client`), so one patch serves all. A new SDK is a row here, a class in `instrumentor.py` and an extra
in `pyproject.toml`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any, NamedTuple

import wrapt


class Member(NamedTuple):
    """One SDK of the family. Names are those of the SDK's own modules and classes."""

    distribution: str
    """The package as it is installed, and its oldest version that is tested."""
    oldest: str
    module: str
    """The SDK's package; each has the private modules `_client`, `_base_client` and `_streaming`."""
    clients: tuple[str, str]
    """The classes of the synchronous and of the asynchronous client."""
    provider: str
    """The provider of a client at an unknown address, by the convention's names (`gen_ai.provider.name`)."""
    prefix: str = ""
    """What the SDK's resources put before the paths in `routes.ROUTES`."""
    paths: tuple[tuple[str, str | None], ...] = ()
    """Paths that differ from `routes.ROUTES`: the SDK's, without the prefix, and that of the table.

    With `None`, the SDK has an API of its own at this path, which is not traced.
    """
    provider_of_class: tuple[tuple[str, str], ...] = ()
    """Subclasses of the client for other providers: a part of the class's name, and the provider."""
    provider_of_runtime: tuple[tuple[str, str], ...] = ()
    """Providers that a client gets as an argument: the runtime's name, and the provider."""


OPENAI = Member(
    distribution="openai",
    oldest="1.26.0",
    module="openai",
    clients=("OpenAI", "AsyncOpenAI"),
    provider="openai",
    provider_of_class=(("Azure", "azure.ai.openai"), ("Bedrock", "aws.bedrock")),
    provider_of_runtime=(("bedrock", "aws.bedrock"), ("vertex", "gcp.vertex_ai")),
)
GROQ = Member(
    distribution="groq",
    oldest="0.13.0",
    module="groq",
    clients=("Groq", "AsyncGroq"),
    provider="groq",
    prefix="/openai/v1",
)
# The client sends `/v1/tcp_warming` when it is made. That is no route, so it makes no span.
CEREBRAS = Member(
    distribution="cerebras-cloud-sdk",
    oldest="1.15.0",
    module="cerebras.cloud.sdk",
    clients=("Cerebras", "AsyncCerebras"),
    provider="cerebras",
    prefix="/v1",
)
# Version 2 has `/v1` in the client's base URL, version 3 in the paths. Version 1 came from another generator.
TOGETHER = Member(
    distribution="together",
    oldest="2.0.0",
    module="together",
    clients=("Together", "AsyncTogether"),
    provider="together_ai",
    prefix="/v1",
)
# Chat has no prefix, the other APIs have it. `async_.chat.completions` returns a job: it is no route.
PERPLEXITY = Member(
    distribution="perplexityai",
    oldest="0.36.0",
    module="perplexity",
    clients=("Perplexity", "AsyncPerplexity"),
    provider="perplexity",
    prefix="/v1",
)
# Before 2.0 the SDK did not know the end of a stream, `[DONE]`. It has no embeddings. Its completions have no
# finish reason, no usage and, streamed, no choices: they are not the API of this name.
WRITER = Member(
    distribution="writer-sdk",
    oldest="2.0.0",
    module="writerai",
    clients=("Writer", "AsyncWriter"),
    provider="writer",
    prefix="/v1",
    paths=(("/chat", "/chat/completions"), ("/completions", None)),
)
# The base clients, because those of Bedrock and Vertex derive from them. These change the path later, inside
# of `request`.
ANTHROPIC = Member(
    distribution="anthropic",
    oldest="0.49.0",
    module="anthropic",
    clients=("SyncAPIClient", "AsyncAPIClient"),
    provider="anthropic",
    provider_of_class=(("Bedrock", "aws.bedrock"), ("Vertex", "gcp.vertex_ai")),
)
# Not a member of the family: `sdk/litellm.py` patches its functions, whose clients may be SDKs of the family.
LITELLM = Member(
    distribution="litellm",
    oldest="1.108.0",
    module="litellm",
    clients=("completion", "acompletion"),
    provider="openai",
)
FAMILY = (OPENAI, GROQ, CEREBRAS, TOGETHER, PERPLEXITY, WRITER, ANTHROPIC)


def is_imported(member: Member) -> bool:
    """Return whether the application has imported an SDK."""
    return member.module in sys.modules


def when_imported(member: Member, act: Callable[[], None]) -> None:
    """Call a function at the end of the SDK's import; it must not raise, or the import would."""
    wrapt.register_post_import_hook(lambda module: act(), member.module)


def is_installed(member: Member) -> bool:
    """Return whether an SDK can be imported, without importing it."""
    try:
        return is_imported(member) or bool(version(member.distribution))
    except PackageNotFoundError:
        return False


class Sdk(NamedTuple):
    """A member's parts that the patch and the streams use, imported."""

    member: Member
    clients: tuple[Any, Any]
    streams: tuple[Any, Any]
    """The classes of the synchronous and of the asynchronous stream."""
    base_client: ModuleType
    """Holds the base clients, whose private methods show the attempts of one request."""
    streaming: ModuleType


def import_sdk(member: Member) -> Sdk:
    """Import an SDK's parts; raise `ImportError` or `AttributeError` if it lacks one."""
    # Where the clients are defined: other tools put wrappers in their place into the package itself.
    module = import_module(f"{member.module}._client")
    streaming = import_module(f"{member.module}._streaming")
    sync, asynchronous = member.clients
    return Sdk(
        member,
        (getattr(module, sync), getattr(module, asynchronous)),
        (streaming.Stream, streaming.AsyncStream),
        import_module(f"{member.module}._base_client"),
        streaming,
    )


def default_provider(member: Member, client: Any) -> str:
    """Return the provider by the client's runtime or class; it is used only for an unknown host."""
    runtime = getattr(client, "_provider_runtime", None)
    if runtime is not None:
        named = dict(member.provider_of_runtime).get(str(getattr(runtime, "name", "")))
        if named is not None:
            return named
    # An application's own subclass may have any name: only the SDK's classes say which provider it is.
    for cls in type(client).__mro__:
        if cls.__module__.partition(".")[0] == member.module.partition(".")[0]:
            for part, provider in member.provider_of_class:
                if part in cls.__name__:
                    return provider
    return member.provider
