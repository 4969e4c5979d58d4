"""What an operator may decide, read from the environment once; it must not know what is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Settings:
    """Times are in seconds. `CHAT_MODEL=…` sets `model`, and so on for each of these."""

    provider: str = "demo"
    """`demo`, `openai`, `azure`, `cerebras`, or `compatible` for any other server of the protocol."""
    model: str = ""
    """Empty: what the provider is usually asked for."""
    patience: float = 20.0
    """How long a server may say nothing before it is asked again."""
    attempts: int = 4
    """How often one turn of the model is asked for, the first time included."""
    first_wait: float = 0.25
    """The wait before the second attempt, where the server does not say how long; doubled after each one."""
    longest_wait: float = 20.0
    """Where the server wants more, the question is given up."""
    turns: int = 8
    """How many turns of the model one question may take."""
    summarise_above: int = 4000
    """The tokens of input from which on what was said before is summed up."""
    keep_questions: int = 2
    """How many of the last questions, with their answers, are kept word by word."""
    budget: float = 1.0
    """What one conversation may cost, in US dollars; then it ends. 0: whatever it wants."""


def read(environment: Mapping[str, str]) -> Settings:
    """The settings of an environment; `ValueError` names a variable that cannot be read."""
    given: dict[str, object] = {}
    for field in fields(Settings):
        name = f"CHAT_{field.name.upper()}"
        if environment.get(name):
            given[field.name] = _converted(name, environment[name], type(field.default))
    if "provider" not in given and environment.get("OPENAI_API_KEY"):
        given["provider"] = "compatible" if environment.get("OPENAI_BASE_URL") else "openai"
    return Settings(**given)  # type: ignore[arg-type]  # converted to the type of each default


def _converted(name: str, text: str, kind: type) -> object:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{name}={text!r} is no {kind.__name__}") from None
