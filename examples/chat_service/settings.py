"""The settings of the service, read from environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Settings:
    """The settings; `CHAT_MODEL` sets `model`, and so on. Times are in seconds."""

    provider: str = "demo"
    """`demo`, `openai`, `azure`, `anthropic`, `cerebras`, or `compatible` for any other server."""
    model: str = ""
    """The model; empty means the provider's default."""
    patience: float = 20.0
    """Timeout: how long a server may send nothing before the request is retried."""
    attempts: int = 4
    """Maximum number of attempts of one turn of the model, the first included."""
    first_wait: float = 0.25
    """The wait before the second attempt, unless the server demands one; doubled for each further attempt."""
    longest_wait: float = 20.0
    """The longest wait; if the server demands more, the question fails."""
    turns: int = 8
    """Maximum number of turns of the model for one question."""
    summarise_above: int = 4000
    """Input tokens above which older messages are replaced by a summary."""
    keep_questions: int = 2
    """Number of the latest questions that are kept with their answers, without a summary."""
    budget: float = 1.0
    """Maximum cost of one conversation in US dollars; 0 means no limit."""


def read(environment: Mapping[str, str]) -> Settings:
    """Return the settings of an environment; raise `ValueError` for a variable of the wrong type."""
    found: dict[str, object] = {}
    for field in fields(Settings):
        name = f"CHAT_{field.name.upper()}"
        if environment.get(name):
            found[field.name] = _converted(name, environment[name], type(field.default))
    if "provider" not in found and environment.get("OPENAI_API_KEY"):
        found["provider"] = "compatible" if environment.get("OPENAI_BASE_URL") else "openai"
    return Settings(**found)  # type: ignore[arg-type]  # converted to the type of each default


def _converted(name: str, text: str, kind: type) -> object:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{name}={text!r} is no {kind.__name__}") from None
