"""The provider behind an address, and what of the address may be recorded."""

from __future__ import annotations

import pytest

from toolspan.wire.providers import HOSTS, Endpoint, endpoint

from ..table import each_row

ADDED = (("llm.example.com", "example"), ("openrouter.ai", "my_router"))


@each_row(
    ("url", "expected"),
    [
        ("https://api.openai.com/v1/", Endpoint("openai", "api.openai.com", 443)),
        ("https://API.OpenAI.com/v1/", Endpoint("openai", "api.openai.com", 443)),
        ("https://eu.api.openai.com/v1/", Endpoint("openai", "eu.api.openai.com", 443)),
        ("https://x.openai.azure.com/openai", Endpoint("azure.ai.openai", "x.openai.azure.com", 443)),
        ("https://bedrock.eu.amazonaws.com", Endpoint("aws.bedrock", "bedrock.eu.amazonaws.com", 443)),
        ("http://localhost:8000/v1", Endpoint("openai", "localhost", 8000)),
        ("http://127.0.0.1/v1", Endpoint("openai", "127.0.0.1", 80)),
        ("http://[::1]:11434/v1", Endpoint("ollama", "::1", 11434)),
        ("https://user:secret@api.groq.com/x?key=secret#y", Endpoint("groq", "api.groq.com", 443)),
        ("ws://api.mistral.ai", Endpoint("mistral_ai", "api.mistral.ai", 80)),
        ("wss://api.openai.com/v1", Endpoint("openai", "api.openai.com", 443)),
        ("unix://api.mistral.ai", Endpoint("mistral_ai", "api.mistral.ai", None)),
        ("https://notopenrouter.ai", Endpoint("openai", "notopenrouter.ai", 443)),
        ("https://openrouter.ai.evil.example", Endpoint("openai", "openrouter.ai.evil.example", 443)),
        ("/v1/relative", Endpoint("openai", None, None)),
        ("", Endpoint("openai", None, None)),
        ("http://host:port/", Endpoint("openai", None, None)),
        ("http://[bad/", Endpoint("openai", None, None)),
    ],
    ids=[
        "openai",
        "capitals",
        "subdomain",
        "azure",
        "bedrock",
        "local",
        "ipv4",
        "ipv6",
        "credentials",
        "socket",
        "encrypted-socket",
        "other-scheme",
        "not-a-subdomain",
        "prefix",
        "relative",
        "empty",
        "bad-port",
        "bad-host",
    ],
)
def test_endpoint_has_provider_host_and_port_only(url: str, expected: Endpoint) -> None:
    """An endpoint has the provider, the host and the port; never credentials, path or query."""
    assert endpoint(url) == expected


@each_row(
    ("url", "provider"),
    [
        ("https://llm.example.com/v1", "example"),
        ("https://a.llm.example.com/v1", "example"),
        ("https://openrouter.ai/api", "my_router"),
        ("https://api.groq.com", "groq"),
    ],
    ids=["added", "below-added", "replaced", "not-added"],
)
def test_providers_of_the_settings_come_first(url: str, provider: str) -> None:
    """What the settings add comes first."""
    assert endpoint(url, ADDED).provider == provider


@pytest.mark.parametrize(
    ("url", "provider"),
    [("https://example.org", "azure"), ("https://api.x.ai", "x_ai")],
    ids=["unknown", "known"],
)
def test_clients_own_provider_holds_for_unknown_hosts_only(url: str, provider: str) -> None:
    """The provider of the client holds for unknown hosts only."""
    assert endpoint(url, (), "azure").provider == provider


@each_row(
    ("url", "provider"),
    [
        ("https://europe-west4-aiplatform.googleapis.com/v1", "gcp.vertex_ai"),
        ("https://x.services.ai.azure.com/models", "azure.ai.inference"),
        ("https://x.services.ai.azure.com/openai/v1", "azure.ai.openai"),
        ("http://vllm/v1", "vllm"),
        ("http://vllm-0.models.svc:8000/v1", "vllm"),
        ("http://LiteLLM.internal/v1", "litellm"),
        ("http://vllmish/v1", "openai"),
        ("http://localhost:1234/v1", "lm_studio"),
        ("http://api.groq.com:11434/v1", "groq"),
    ],
    ids=[
        "vertex-region",
        "azure-catalogue",
        "azure-v1",
        "name",
        "name-of-a-pod",
        "name-in-capitals",
        "longer-name",
        "port",
        "host-before-port",
    ],
)
def test_provider_is_guessed_from_host_path_or_port(url: str, provider: str) -> None:
    """The parts of the host, its first name, the path or an unusual port name the provider."""
    assert endpoint(url).provider == provider


def test_clients_own_provider_holds_before_a_guess() -> None:
    """The client's own provider holds before a guess from a private host name or its port."""
    assert endpoint("http://vllm:11434/v1", (), "azure.ai.openai").provider == "azure.ai.openai"
    # Anthropic's own service at another company's host.
    assert endpoint("https://r.services.ai.azure.com/anthropic/", (), "anthropic").provider == "anthropic"
    assert endpoint("https://api.deepseek.com/anthropic", (), "anthropic").provider == "deepseek"


def test_settings_may_name_a_provider_by_host_and_port() -> None:
    """Settings may name a provider by host and port."""
    assert endpoint("http://localhost:8000/v1", (("localhost:8000", "mine"),)).provider == "mine"


@each_row("host", HOSTS)
def test_each_host_of_the_table_is_found(host: str) -> None:
    """Each host of the table is found."""
    assert endpoint(f"https://{host}/v1").provider == HOSTS[host]
