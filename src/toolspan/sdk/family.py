"""The SDKs that come from one generator: one row for each, with what differs between them.

Their clients, streams and retries have the same shape (`SyncAPIClient.request`, `_streaming.Stream`,
`_base_client`), so one patch serves all. A new SDK is a row here, a class in `instrumentor.py` and an extra
in `pyproject.toml`.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple


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
FAMILY = (OPENAI,)


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
