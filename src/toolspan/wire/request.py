"""Read the facts of a request's body: one table of rules for each API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from . import values
from .hashing import digest
from .tool_results import Returns, chat_returns, response_returns
from .tools import Tools, tools

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
    digest: int | None = None
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
        found.digest = digest(messages[-1]) if messages else None
        found.last_role = _role(messages[-1]) if messages else None
    elif isinstance(messages, str):
        found.message_count = 1
        found.last_role = _USER
        found.digest = digest(messages)
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


Body = Mapping[str, Any]
BROUGHT = "brought"
"""No key of the wire: what was sent to a Realtime session since its last response stands under it."""


def chat_request(body: Body, *, keep: bool) -> Request:
    """A chat completion's; `keep` says whether the messages are kept for capture."""
    found = read_facts(body, _CHAT)
    if not isinstance(messages := body.get("messages"), str):
        take_messages(found, messages, keep)
        found.returns = chat_returns(messages)
    if "max_completion_tokens" in body:  # the newer name counts
        found.max_tokens = whole(body["max_completion_tokens"]) or found.max_tokens
    if (modalities := body.get("modalities")) and isinstance(modalities, (list, tuple)):
        found.output_type = "speech" if "audio" in modalities else found.output_type
    return found


def responses_request(body: Body, *, keep: bool) -> Request:
    """A response's, over HTTP or a WebSocket; so is that of a compaction."""
    found = read_facts(body, _RESPONSES)
    take_messages(found, body.get("input"), keep)
    found.returns = response_returns(body.get("input"))
    prompt = values.fields(body.get("prompt"))
    found.prompt_name = values.text(prompt.get("id"))
    found.prompt_version = values.text(prompt.get("version")) if found.prompt_name else None
    if keep and isinstance(body.get("instructions"), str):
        found.instructions = body["instructions"]
    return found


def realtime_request(body: Body, *, keep: bool) -> Request:
    """That of a response of a Realtime session, whose defaults it has too."""
    found = read_facts(body, _REALTIME)
    take_messages(found, body.get("input"), keep)
    found.returns = response_returns(body.get(BROUGHT))
    modalities = body.get("output_modalities") or body.get("modalities")
    if isinstance(modalities, (list, tuple)):
        found.output_type = "speech" if "audio" in modalities else "text"
    if keep and isinstance(body.get("instructions"), str):
        found.instructions = body["instructions"]
    return found


def fetch_request(body: Body, *, keep: bool) -> Request:
    """That of a response to fetch: its id, and where its stream shall go on."""
    cursor = body.get("starting_after")
    number = values.count(cursor)
    return Request(
        response=values.text(body.get("response_id")),
        cursor=values.text(cursor) if number is None else str(number),
    )


def completions_request(body: Body, *, keep: bool) -> Request:
    """A legacy completion's. Prompts may be texts or tokens, one or several."""
    found = read_facts(body, _COMPLETIONS)
    prompt = body.get("prompt")
    if isinstance(prompt, (list, tuple)) and prompt:
        prompt = [prompt] if type(prompt[0]) is int else prompt
        found.prompts = len(prompt)
    take_messages(found, prompt, keep)
    return found


def embeddings_request(body: Body, *, keep: bool) -> Request:
    """That of embeddings; what is embedded is never kept, the convention has no place for it."""
    found = read_facts(body, _EMBEDDINGS)
    if body.get("input") is not None:
        found.digest = digest(body["input"])
    return found


def _reasoning_level(value: object) -> str | None:
    return values.text(values.fields(value).get("effort"))


def _format(value: object) -> str | None:
    return output_type(values.fields(value).get("format"))


def _identity(value: object) -> str | None:
    """A conversation, as its id or as an object that has one."""
    return values.text(value) or values.text(values.fields(value).get("id"))


def _formats(value: object) -> list[str] | None:
    return strings(value) or None


def _stream(value: object) -> bool:
    return value is True


_COMMON: Rules = {
    "model": ("model", values.text),
    "temperature": ("temperature", number),
    "top_p": ("top_p", number),
    "service_tier": ("service_tier", values.text),
    "stream": ("stream", _stream),
}
_COMPLETIONS: Rules = {
    **_COMMON,
    "n": ("choices", choices),
    "max_tokens": ("max_tokens", whole),
    "top_k": ("top_k", whole),
    "frequency_penalty": ("frequency_penalty", number),
    "presence_penalty": ("presence_penalty", number),
    "seed": ("seed", whole),
    "stop": ("stop", strings),
}
_CHAT: Rules = {
    **_COMPLETIONS,
    "tools": ("tools", tools),
    "functions": ("tools", tools),
    "tool_choice": ("tool_choice", tool_choice),
    "function_call": ("tool_choice", tool_choice),
    "response_format": ("output_type", output_type),
    "reasoning_effort": ("reasoning_level", values.text),
}
_RESPONSES: Rules = {
    **_COMMON,
    "top_k": ("top_k", whole),
    "tools": ("tools", tools),
    "tool_choice": ("tool_choice", tool_choice),
    "max_output_tokens": ("max_tokens", whole),
    "reasoning": ("reasoning_level", _reasoning_level),
    "text": ("output_type", _format),
    "conversation": ("conversation", _identity),
    "previous_response_id": ("previous_response", values.text),
}
_REALTIME: Rules = {
    "model": ("model", values.text),
    "temperature": ("temperature", number),
    "tools": ("tools", tools),
    "tool_choice": ("tool_choice", tool_choice),
    "max_output_tokens": ("max_tokens", whole),
    "max_response_output_tokens": ("max_tokens", whole),
    "reasoning": ("reasoning_level", _reasoning_level),
}
_EMBEDDINGS: Rules = {
    "model": ("model", values.text),
    "encoding_format": ("encoding_formats", _formats),
    "dimensions": ("dimensions", values.count),
}
