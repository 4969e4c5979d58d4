"""What a client says of itself: the provider it is made for, and what of it must never be recorded.

It knows no request; where a client sends them is read from its address in `wire/providers.py`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

_OPENAI = "openai"  # what speaks OpenAI's protocol at an unknown address, by the convention's OpenAI page
_BY_CLASS = (("Azure", "azure.ai.openai"), ("Bedrock", "aws.bedrock"))
_SECRET_WORDS = ("key", "secret", "token")
_BY_RUNTIME = {"bedrock": "aws.bedrock", "vertex": "gcp.vertex_ai"}


def default_provider(client: Any) -> str:
    """The provider by the client's class, or by the provider it was given; it counts for unknown hosts."""
    runtime = getattr(client, "_provider_runtime", None)
    if runtime is not None and (found := _BY_RUNTIME.get(str(getattr(runtime, "name", "")))):
        return found
    for cls in type(client).__mro__:
        for part, provider in _BY_CLASS:
            if part in cls.__name__ and cls.__module__.partition(".")[0] == "openai":
                return provider
    return _OPENAI


def secrets_of(client: Any) -> tuple[str, ...]:
    """What must never be recorded, even if a server quotes it in an error."""
    found = [value for name, value in vars(client).items() if any(word in name for word in _SECRET_WORDS)]
    base_url = str(client.base_url)
    if "?" in base_url or "@" in base_url:
        parts = urlsplit(base_url)
        found += [parts.password, *(value for _, value in parse_qsl(parts.query))]
    return tuple(secret.strip("/") for secret in found if isinstance(secret, str) and secret.strip("/"))
