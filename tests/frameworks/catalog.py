"""The frameworks, their APIs and their servers.

A framework is installed in the newest version that resolves, with the version of the SDK that this one wants.
"""

from __future__ import annotations

from typing import Final, NamedTuple

TELEMETRY: Final = ("opentelemetry-distro>=0.61b0", "opentelemetry-exporter-otlp-proto-http>=1.40")


class Framework(NamedTuple):
    """A framework: its name, what is installed, its APIs, its servers, how many calls its turn makes."""

    name: str
    requirements: tuple[str, ...]
    apis: tuple[str, ...] = ("chat",)
    servers: tuple[str, ...] = ("aimock",)
    calls: tuple[int, ...] = (2, 0)
    """Tool calls of each call of the model."""
    without: tuple[tuple[str, str], ...] = ()
    """Pairs of API and server with which the framework itself fails: run without toolspan, and must fail."""

    @property
    def app(self) -> str:
        """The module of its turn."""
        return self.name.replace("-", "_")

    @property
    def runs(self) -> tuple[tuple[str, str], ...]:
        """Pairs of API and server of the turns that are traced, in their order."""
        pairs = ((api, server) for server in self.servers for api in self.apis)
        return tuple(pair for pair in pairs if pair not in self.without)


BOTH: Final = ("chat", "responses")
EVERYWHERE: Final = ("aimock", "llama-server")
FRAMEWORKS: Final = (
    Framework("openai-agents", ("openai-agents",), BOTH, EVERYWHERE),
    Framework(
        "langchain-openai",
        ("langchain-openai",),
        BOTH,
        EVERYWHERE,
        without=(("responses", "llama-server"),),  # it merges calls that have no `output_index`
    ),
    Framework("pydantic-ai", ("pydantic-ai-slim[openai]",), BOTH, EVERYWHERE),
    Framework("haystack-ai", ("haystack-ai",), BOTH),
    Framework("smolagents", ("smolagents[openai]",)),
    Framework("autogen-ext", ("autogen-ext[openai]", "autogen-agentchat")),
    Framework("instructor", ("instructor",), calls=(1,)),
    Framework("litellm", ("litellm", "mcp")),  # it imports mcp, and does not ask for it
    Framework(
        "crewai",
        ("crewai",),
        BOTH,
        without=(("responses", "aimock"),),  # its agent drops the calls of a streamed response
    ),
    Framework("llama-index-llms-openai", ("llama-index-llms-openai", "llama-index-core"), BOTH),
)
