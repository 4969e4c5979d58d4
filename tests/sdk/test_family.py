"""The table of SDKs: each row names what its SDK really has."""

from __future__ import annotations

from importlib.metadata import entry_points, requires, version
from types import SimpleNamespace
from typing import Any

from packaging.requirements import Requirement

from tests.table import each_row
from toolspan.sdk.family import FAMILY, LITELLM, OPENAI, Member, default_provider, import_sdk

EVERY = each_row("member", FAMILY, ids=[member.distribution for member in FAMILY])


@EVERY
def test_each_member_has_the_classes_and_modules_that_its_row_names(member: Member) -> None:
    """An installed SDK has the clients, the streams and the private modules that the patch uses."""
    sdk = import_sdk(member)
    assert [client.__name__ for client in sdk.clients] == list(member.clients)
    assert all(hasattr(client, "request") for client in sdk.clients)
    assert [stream.__name__ for stream in sdk.streams] == ["Stream", "AsyncStream"]
    assert hasattr(sdk.base_client, "SyncAPIClient")
    assert hasattr(sdk.streaming, "extract_stream_chunk_type")


@EVERY
def test_each_member_is_an_extra_that_asks_for_its_oldest_tested_version(member: Member) -> None:
    """`toolspan[name]` installs the SDK, from the version on that the row names; one is installed here."""
    extras = [Requirement(text) for text in requires("toolspan") or ()]
    (found,) = [one for one in extras if one.name == member.distribution and "extra" in str(one.marker)]
    assert found.specifier.contains(member.oldest)
    assert found.specifier.contains(version(member.distribution))


def test_each_member_has_an_entry_point() -> None:
    """`opentelemetry-instrument` finds an instrumentor for each member."""
    every = entry_points(group="opentelemetry_instrumentor")
    assert {one.load().member for one in every if one.module.startswith("toolspan")} == {*FAMILY, LITELLM}


class AzureLike:
    """A client of the application's own, whose name says nothing of a provider."""


def test_the_class_names_a_provider_only_if_it_is_the_sdks_own() -> None:
    """A class of the application's own that is called after a provider does not change the provider."""
    assert default_provider(OPENAI, AzureLike()) == "openai"
    sdks_own: Any = type("AzureOpenAI", (), {"__module__": "openai.lib.azure"})
    assert default_provider(OPENAI, sdks_own()) == "azure.ai.openai"


def test_the_runtime_of_a_client_names_its_provider() -> None:
    """A client that gets its provider as an argument counts as that provider; an unknown one does not."""
    client: Any = SimpleNamespace(_provider_runtime=SimpleNamespace(name="bedrock"))
    assert default_provider(OPENAI, client) == "aws.bedrock"
    client._provider_runtime.name = "unheard-of"
    assert default_provider(OPENAI, client) == "openai"
