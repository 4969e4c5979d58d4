"""The facts of a request body: read once, without changing, copying or keeping more than is asked.

Values of a wrong type are left out, never guessed. It knows no header, no address and no telemetry name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from . import values
from .digest import digest
from .returns import Returns
from .tools import Tools

NOTHING_RETURNED = Returns()
_USER = "user"
_LARGEST = 1e300  # a number beyond is no parameter


@dataclass(slots=True)
class Request:
    """What a request asks for. `messages` is the body's own list, kept only where content is captured."""

    model: str | None = None
    stream: bool = False
    choices: int = 1
    message_count: int = 0
    messages: Any = None
    tools: Tools | None = None
    tool_choice: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: list[str] | None = None
    output_type: str | None = None
    reasoning_level: str | None = None
    service_tier: str | None = None
    prompts: int = 1
    """Prompts in one request; each is answered by as many choices."""
    instructions: Any = None
    conversation: str | None = None
    previous_response: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    response: str | None = None
    """The id of a response that is fetched."""
    cursor: str | None = None
    encoding_formats: list[str] | None = None
    dimensions: int | None = None
    returns: Returns = NOTHING_RETURNED
    checked: bool = False
    """Whether the calls of the answer are checked against the tools."""
    last_role: str | None = None
    """Whose the last message is; of an item that is no message, its type."""
    asked: int | None = None
    """A hash of the last message, or of what is embedded; see `digest.py`."""

    @property
    def expected(self) -> int:
        """How many choices the answer should have."""
        return self.choices * self.prompts

    def release(self) -> None:
        """Let go of what is the application's."""
        self.messages = self.instructions = self.tools = None


Rules: TypeAlias = Mapping[str, tuple[str, Callable[[Any], Any]]]
"""What of a body is read, into which fact, and how; a reader's `None` means that the value is none."""


def read_facts(body: Mapping[str, Any], rules: Rules) -> Request:
    """The facts of a body."""
    found = Request()
    for key, value in body.items():
        if value is not None and (rule := rules.get(key)) is not None:
            name, read = rule
            if (fact := read(value)) is not None:
                setattr(found, name, fact)
    return found


def take_messages(found: Request, messages: object, keep: bool) -> None:
    """Count what is sent to the model, and keep it if content is captured; a single text counts as one."""
    if isinstance(messages, (list, tuple)):
        found.message_count = len(messages)
        found.asked = digest(messages[-1]) if messages else None
        found.last_role = _role(messages[-1]) if messages else None
    elif isinstance(messages, str):
        found.message_count = 1
        found.last_role = _USER
        found.asked = digest(messages)
    else:
        return
    found.messages = messages if keep else None


def _role(message: object) -> str | None:
    known = values.fields(message)
    return values.text(known.get("role")) or values.text(known.get("type"))


def number(value: object) -> float | None:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > _LARGEST:
        return None
    return float(value)


def whole(value: object) -> int | None:
    """A whole number of 64 bits."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def strings(value: object) -> list[str]:
    """One string or several, as a list."""
    if isinstance(value, str):
        return [value]
    return [part for part in value if isinstance(part, str)] if isinstance(value, (list, tuple)) else []


def output_type(value: object) -> str | None:
    """What the answer shall be: `json` with or without a schema, or `text`."""
    kind = values.text(values.fields(value).get("type"))
    return {"json_object": "json", "json_schema": "json", "text": "text"}.get(kind or "")


def choices(value: object) -> int | None:
    """A number of choices."""
    return values.count(value) or None


def tool_choice(value: object) -> str | None:
    """`auto`, `none`, `required`, or the name of the one tool that must be called."""
    if isinstance(value, str):
        return value or None
    known = values.fields(value)
    inner = values.fields(known.get("function") or known.get("custom"))
    return values.text(inner.get("name")) or values.text(known.get("name")) or values.text(known.get("type"))
