"""Find the provider behind a base URL, and the address without credentials, path or query.

Names are those of the GenAI conventions' `gen_ai.provider.name`; other providers have a name of toolspan's.
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
        "openai.azure.us": "azure.ai.openai",
        "openai.azure.cn": "azure.ai.openai",
        "cognitiveservices.azure.com": "azure.ai.openai",
        "services.ai.azure.com": "azure.ai.inference",
        "models.inference.ai.azure.com": "azure.ai.inference",
        "dashscope.aliyuncs.com": "alibaba_cloud",
        "dashscope-intl.aliyuncs.com": "alibaba_cloud",
        "api.anthropic.com": "anthropic",
        "amazonaws.com": "aws.bedrock",
        "amazonaws.com.cn": "aws.bedrock",
        "api.aws": "aws.bedrock",
        "inference.baseten.co": "baseten",
        "api.cerebras.ai": "cerebras",
        "gateway.ai.cloudflare.com": "cloudflare",
        "api.cohere.ai": "cohere",
        "api.cohere.com": "cohere",
        "databricks.com": "databricks",
        "azuredatabricks.net": "databricks",
        "api.deepinfra.com": "deepinfra",
        "api.deepseek.com": "deepseek",
        "api.fireworks.ai": "fireworks",
        "generativelanguage.googleapis.com": "gcp.gemini",
        "aiplatform.googleapis.com": "gcp.vertex_ai",
        "models.github.ai": "github",
        "api.groq.com": "groq",
        "router.huggingface.co": "huggingface",
        "ml.cloud.ibm.com": "ibm.watsonx.ai",
        "api.minimax.io": "minimax",
        "api.minimaxi.com": "minimax",
        "api.mistral.ai": "mistral_ai",
        "api.moonshot.ai": "moonshot_ai",
        "api.moonshot.cn": "moonshot_ai",
        "api.studio.nebius.com": "nebius",
        "integrate.api.nvidia.com": "nvidia",
        "ollama.com": "ollama",
        "openrouter.ai": "openrouter",
        "api.perplexity.ai": "perplexity",
        "api.sambanova.ai": "sambanova",
        "api.siliconflow.cn": "siliconflow",
        "api.siliconflow.com": "siliconflow",
        "api.together.ai": "together_ai",
        "api.together.xyz": "together_ai",
        "ai-gateway.vercel.sh": "vercel",
        "volces.com": "volcengine",
        "api.x.ai": "x_ai",
        "api.z.ai": "zhipu_ai",
        "open.bigmodel.cn": "zhipu_ai",
    }
)
"""Provider by host or domain; the setting `providers` adds to it."""

SERVERS: Mapping[str, str] = MappingProxyType(
    {
        "litellm": "litellm",
        "llama-cpp": "llama_cpp",
        "llama-server": "llama_cpp",
        "lm-studio": "lm_studio",
        "lmstudio": "lm_studio",
        "ollama": "ollama",
        "sglang": "sglang",
        "vllm": "vllm",
    }
)
"""Self-hosted servers by the first word of their host's name, as in `vllm-0.models.svc`."""

_PORTS = MappingProxyType({11434: "ollama", 1234: "lm_studio"})  # default ports that no other server has
_SCHEMES = MappingProxyType({"http": 80, "https": 443, "ws": 80, "wss": 443})
_CLOUDS = frozenset(("aws.bedrock", "azure.ai.inference", "gcp.vertex_ai"))
# The conventions' OpenAI page prescribes `openai` for an unknown server that speaks OpenAI's protocol.
_OPENAI = "openai"


class Endpoint(NamedTuple):
    """A request's provider, host and port."""

    provider: str
    address: str | None
    port: int | None


# An application has a few base URLs, and each request needs the endpoint of one. A bound, because a
# gateway's client may build URLs per tenant.
@lru_cache(maxsize=256)
def endpoint(base_url: str, added: tuple[tuple[str, str], ...] = (), default: str = _OPENAI) -> Endpoint:
    """Return the endpoint of a base URL; `default` is the client's own provider, used for unknown hosts."""
    try:
        parts = urlsplit(base_url)
        address, port = parts.hostname, parts.port
    except ValueError:
        return Endpoint(default, None, None)
    if address is None:
        return Endpoint(default, None, None)
    if port is None:
        port = _SCHEMES.get(parts.scheme)
    known = dict(added)
    # What the user set wins over the built-in table.
    found = known.get(f"{address}:{port}") or _by_domain(address, known)
    if found == "azure.ai.inference" and "/openai" in parts.path:
        found = "azure.ai.openai"  # Azure's v1 API shares the host of the model catalogue
    if found in _CLOUDS and default == "anthropic":
        found = default  # Anthropic's own service there: the clients of Bedrock and Vertex name these
    # a client that names its provider (Azure's, Bedrock's) is more reliable than the host's name
    if found is None and default == _OPENAI:
        found = _by_name(address, port)
    return Endpoint(found or default, address, port)


def _by_domain(host: str, added: Mapping[str, str]) -> str | None:
    """Return the provider of a host, or of the longest known domain it belongs to."""
    labels = host.lower().rstrip(".").split(".")
    for start in range(len(labels)):
        domain = ".".join(labels[start:])
        if domain in added or domain in HOSTS:
            return added.get(domain) or HOSTS[domain]
    # Vertex has one host per region, such as `europe-west1-aiplatform.googleapis.com`.
    return "gcp.vertex_ai" if host.endswith("-aiplatform.googleapis.com") else None


def _by_name(host: str, port: int | None) -> str | None:
    """Return the provider of a self-hosted server, by the first word of its host or by its port."""
    first = host.lower().partition(".")[0]
    known = (provider for name, provider in SERVERS.items() if f"{first}-".startswith(f"{name}-"))
    return next(known, _PORTS.get(port or 0))
