"""The provider behind an address, and what of the address may be recorded."""

from __future__ import annotations

import pytest

from toolspan.wire.providers import HOSTS, Endpoint, endpoint

ADDED = (("llm.example.com", "example"), ("openrouter.ai", "my_router"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.openai.com/v1/", Endpoint("openai", "api.openai.com", 443)),
        ("https://API.OpenAI.com/v1/", Endpoint("openai", "api.openai.com", 443)),
        ("https://eu.api.openai.com/v1/", Endpoint("openai", "eu.api.openai.com", 443)),
        ("https://x.openai.azure.com/openai", Endpoint("azure.ai.openai", "x.openai.azure.com", 443)),
        ("https://bedrock.eu.amazonaws.com", Endpoint("aws.bedrock", "bedrock.eu.amazonaws.com", 443)),
        ("http://localhost:8000/v1", Endpoint("openai", "localhost", 8000)),
        ("http://127.0.0.1/v1", Endpoint("openai", "127.0.0.1", 80)),
        ("http://[::1]:11434/v1", Endpoint("openai", "::1", 11434)),
        ("https://user:secret@api.groq.com/x?key=secret#y", Endpoint("groq", "api.groq.com", 443)),
        ("ws://api.mistral.ai", Endpoint("mistral_ai", "api.mistral.ai", None)),
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
        "other-scheme",
        "not-a-subdomain",
        "prefix",
        "relative",
        "empty",
        "bad-port",
        "bad-host",
    ],
)
def test_endpoint(url: str, expected: Endpoint) -> None:
    """Provider, host and port; never credentials, path or query."""
    assert endpoint(url) == expected


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://llm.example.com/v1", "example"),
        ("https://a.llm.example.com/v1", "example"),
        ("https://openrouter.ai/api", "my_router"),
        ("https://api.groq.com", "groq"),
    ],
    ids=["added", "below-added", "replaced", "not-added"],
)
def test_added(url: str, provider: str) -> None:
    """What the settings add comes first."""
    assert endpoint(url, ADDED).provider == provider


@pytest.mark.parametrize(
    ("url", "provider"),
    [("https://example.org", "azure"), ("https://api.x.ai", "x_ai")],
    ids=["unknown", "known"],
)
def test_default(url: str, provider: str) -> None:
    """What the client says of itself holds for unknown hosts only."""
    assert endpoint(url, (), "azure").provider == provider


@pytest.mark.parametrize("host", HOSTS)
def test_each_host(host: str) -> None:
    """Each host of the table is found."""
    assert endpoint(f"https://{host}/v1").provider == HOSTS[host]
