"""The client and the default model of each provider.

The SDK's own retries are off: `retries.py` retries, and both together would multiply the attempts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from openai import AsyncAzureOpenAI, AsyncOpenAI

from .settings import Settings

Variables = Mapping[str, str]


class Provider(NamedTuple):
    """A provider: a function that makes its client, the variables that it needs, and its default model."""

    client: Callable[[Variables, float], AsyncOpenAI]
    needs: tuple[str, ...]
    model: str


def _openai(variables: Variables, patience: float) -> AsyncOpenAI:
    return AsyncOpenAI(
        base_url=variables.get("OPENAI_BASE_URL") or None,
        api_key=variables["OPENAI_API_KEY"],
        timeout=patience,
        max_retries=0,
    )


def _azure(variables: Variables, patience: float) -> AsyncOpenAI:
    """Return a client for Azure, whose model is the name of a deployment (`CHAT_MODEL`)."""
    return AsyncAzureOpenAI(
        azure_endpoint=variables["AZURE_OPENAI_ENDPOINT"],
        api_key=variables["AZURE_OPENAI_API_KEY"],
        api_version=variables.get("OPENAI_API_VERSION") or "2024-10-21",
        timeout=patience,
        max_retries=0,
    )


def _cerebras(variables: Variables, patience: float) -> AsyncOpenAI:
    return AsyncOpenAI(
        base_url=variables.get("CEREBRAS_BASE_URL") or "https://api.cerebras.ai/v1",
        api_key=variables["CEREBRAS_API_KEY"],
        timeout=patience,
        max_retries=0,
    )


def _compatible(variables: Variables, patience: float) -> AsyncOpenAI:
    """Return a client for any other server of the protocol."""
    # Local servers need no key, but the SDK raises without one.
    return AsyncOpenAI(
        base_url=variables["OPENAI_BASE_URL"],
        api_key=variables.get("OPENAI_API_KEY") or "none",
        timeout=patience,
        max_retries=0,
    )


def _anthropic(variables: Variables, patience: float) -> Any:
    """Return a client with the one method that the service calls."""
    from .messages_api import MessagesClient  # noqa: PLC0415 - the SDK takes long to import

    return MessagesClient(
        base_url=variables.get("ANTHROPIC_BASE_URL") or None,
        api_key=variables["ANTHROPIC_API_KEY"],
        timeout=patience,
        max_retries=0,
    )


PROVIDERS: dict[str, Provider] = {
    "demo": Provider(_compatible, ("OPENAI_BASE_URL",), "demo"),
    "openai": Provider(_openai, ("OPENAI_API_KEY",), "gpt-5-mini"),
    "azure": Provider(_azure, ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY"), "gpt-5-mini"),
    "anthropic": Provider(_anthropic, ("ANTHROPIC_API_KEY",), "claude-haiku-4-5"),
    "cerebras": Provider(_cerebras, ("CEREBRAS_API_KEY",), "gpt-oss-120b"),
    "compatible": Provider(_compatible, ("OPENAI_BASE_URL",), "default"),
}


def connect(settings: Settings, variables: Variables) -> tuple[AsyncOpenAI, str]:
    """Return the provider's client and its model; raise `ValueError` for a wrong or missing variable."""
    provider = PROVIDERS.get(settings.provider)
    if provider is None:
        raise ValueError(f"CHAT_PROVIDER={settings.provider!r} is none of {', '.join(PROVIDERS)}")
    missing = [name for name in provider.needs if not variables.get(name)]
    if missing:
        raise ValueError(f"the provider {settings.provider} needs {' and '.join(missing)}")
    model = settings.model or variables.get("OPENAI_MODEL") or provider.model
    return provider.client(variables, settings.patience), model
