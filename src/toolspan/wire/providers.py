"""Which provider stands behind an address, and the address without credentials, path or query.

Names are those of the convention's enumeration where it has one; else the provider's own. It knows no client.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

HOSTS: Mapping[str, str] = MappingProxyType(
    {
        "api.openai.com": "openai",
        "openai.azure.com": "azure.ai.openai",
        "services.ai.azure.com": "azure.ai.inference",
        "models.inference.ai.azure.com": "azure.ai.inference",
        "api.anthropic.com": "anthropic",
        "amazonaws.com": "aws.bedrock",
        "api.cerebras.ai": "cerebras",
        "api.cohere.ai": "cohere",
        "api.cohere.com": "cohere",
        "api.deepseek.com": "deepseek",
        "api.fireworks.ai": "fireworks",
        "generativelanguage.googleapis.com": "gcp.gemini",
        "aiplatform.googleapis.com": "gcp.vertex_ai",
        "api.groq.com": "groq",
        "ml.cloud.ibm.com": "ibm.watsonx.ai",
        "api.mistral.ai": "mistral_ai",
        "api.moonshot.ai": "moonshot_ai",
        "api.moonshot.cn": "moonshot_ai",
        "integrate.api.nvidia.com": "nvidia",
        "openrouter.ai": "openrouter",
        "api.perplexity.ai": "perplexity",
        "api.together.ai": "together_ai",
        "api.together.xyz": "together_ai",
        "api.x.ai": "x_ai",
    }
)
"""Host (or the domain it belongs to) to provider; settings may add to it."""

_OPENAI = "openai"  # what speaks OpenAI's protocol at an unknown address, by the convention's OpenAI page


class Endpoint(NamedTuple):
    """Where a request goes."""

    provider: str
    address: str | None
    port: int | None


@lru_cache(maxsize=256)
def endpoint(base_url: str, added: tuple[tuple[str, str], ...] = (), default: str = _OPENAI) -> Endpoint:
    """The endpoint of a base URL; `default` is what the client says of itself, for unknown hosts."""
    try:
        parts = urlsplit(base_url)
        address, port = parts.hostname, parts.port
    except ValueError:
        return Endpoint(default, None, None)
    if address is None:
        return Endpoint(default, None, None)
    if port is None:
        port = {"http": 80, "https": 443}.get(parts.scheme)
    return Endpoint(_provider(address, dict(added)) or default, address, port)


def _provider(host: str, added: Mapping[str, str]) -> str | None:
    """The entry for the host itself, else for the domain it lies in."""
    labels = host.lower().split(".")
    for start in range(len(labels)):
        domain = ".".join(labels[start:])
        if domain in added or domain in HOSTS:
            return added.get(domain) or HOSTS[domain]
    return None
