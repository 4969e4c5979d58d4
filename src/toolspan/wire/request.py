"""Read the facts of a request's body: one table of rules for each API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from . import values
from .hashing import digest
from .tool_results import Returns, chat_message, response_item, returns_of
from .tools import Tools, tools

NOTHING_RETURNED = Returns()
_USER = "user"
_LARGEST = 1e300  # excludes infinity, and integers that are too large for a float


@dataclass(init=False)
class Request:
    """The facts of a request. `messages` is the body's own list, kept only where content is captured."""

    # Facts that a body lacks stay class attributes, so that a request costs only what it contains, and `vars`
    # has the facts that it contains.

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
    """The number of prompts; each gets `choices` answers."""
    expected: int = field(default=1, compare=False)
    """The number of choices that the answer should have."""
    instructions: Any = None
    conversation: str | None = None
    previous_response: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    response: str | None = None
    """The id of the response to fetch."""
    cursor: str | None = None
    encoding_formats: list[str] | None = None
    dimensions: int | None = None
    returns: Returns = NOTHING_RETURNED
    checked: bool = False
    """Whether tool calls in the answer are checked against the tools."""
    group: str | None = None
    """What LiteLLM's router sends with each request that it makes for one call, also to other models."""
    last: Any = None
    """The last message or an embedding's input: the application's own object, until the end of the call."""

    def __init__(self, **facts: Any) -> None:
        self.__dict__.update(facts)
        self.expected = self.choices * self.prompts

    @property
    def last_role(self) -> str | None:
        """The role of the last message; for an item that is no message, its type."""
        if isinstance(self.last, str):
            return _USER
        known = values.fields(self.last)
        return values.text(known.get("role")) or values.text(known.get("type"))

    @property
    def digest(self) -> int | None:
        """The hash of the last message or of an embedding's input; see `hashing.digest`."""
        return None if self.last is None else digest(self.last)


Rules: TypeAlias = Mapping[str, tuple[str, Callable[[Any], Any]]]
"""The rules of an API: for each key of the body, the fact and the function that reads it.

The function returns `None` for an unusable value.
"""


def read_facts(body: Mapping[str, Any], rules: Rules) -> Request:
    """Return the facts of a body by these rules; a value of a wrong type is ignored."""
    facts: dict[str, Any] = {}
    # Bodies hold fewer keys than the table has rules.
    for key, value in body.items():
        if value is not None and (rule := rules.get(key)) is not None:
            name, read = rule
            if (fact := read(value)) is not None:
                facts[name] = fact
    return Request(**facts)


def take_messages(found: Request, messages: object, keep: bool) -> None:
    """Count the messages sent to the model, and keep them if content is captured; a text counts as one."""
    if isinstance(messages, (list, tuple)):
        found.message_count = len(messages)
        found.last = messages[-1] if messages else None
    elif isinstance(messages, str):
        found.message_count = 1
        found.last = messages
    else:
        return
    if keep:
        # The body's own list, not a copy: content is copied only where it is recorded.
        found.messages = messages


def number(value: object) -> float | None:
    """Return a number as a float; `None` for another type, a boolean or an infinite one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > _LARGEST:
        return None
    return float(value)


def whole(value: object) -> int | None:
    """Return an integer of 64 bits, else `None`."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def strings(value: object) -> list[str]:
    """Return one string or several as a list."""
    if isinstance(value, str):
        return [value]
    return [part for part in value if isinstance(part, str)] if isinstance(value, (list, tuple)) else []


def output_type(value: object) -> str | None:
    """Return the requested output: `json`, with or without a schema, or `text`."""
    kind = values.text(values.fields(value).get("type"))
    return {"json_object": "json", "json_schema": "json", "text": "text"}.get(kind or "")


def choices(value: object) -> int | None:
    """Return a positive number of choices, else `None`."""
    return values.count(value) or None


def tool_choice(value: object) -> str | None:
    """Return `auto`, `none`, `required`, or the name of the one tool that must be called."""
    if isinstance(value, str):
        return values.word(value)
    known = values.fields(value)
    inner = values.fields(known.get("function") or known.get("custom"))
    return values.word(inner.get("name")) or values.word(known.get("name")) or values.word(known.get("type"))


Body = Mapping[str, Any]
BROUGHT = "brought"
"""A key that toolspan adds to a Realtime body: the items sent to the session since its last response."""


def chat_request(body: Body, *, keep: bool) -> Request:
    """Return the facts of a chat completion; `keep` keeps the messages for content capture."""
    found = read_facts(body, _CHAT)
    # A string is not valid here: its length must not count as a number of messages.
    if not isinstance(messages := body.get("messages"), str):
        take_messages(found, messages, keep)
        found.returns = returns_of(messages, chat_message)
    if "max_completion_tokens" in body:  # `max_tokens` is deprecated
        found.max_tokens = whole(body["max_completion_tokens"]) or found.max_tokens
    if (modalities := body.get("modalities")) and isinstance(modalities, (list, tuple)):
        found.output_type = "speech" if "audio" in modalities else found.output_type
    return found


def responses_request(body: Body, *, keep: bool) -> Request:
    """Return the facts of a response over HTTP or a WebSocket, or of a compaction."""
    found = read_facts(body, _RESPONSES)
    take_messages(found, body.get("input"), keep)
    found.returns = returns_of(body.get("input"), response_item)
    prompt = values.fields(body.get("prompt"))
    found.prompt_name = values.word(prompt.get("id"))
    found.prompt_version = values.word(prompt.get("version")) if found.prompt_name else None
    if keep and isinstance(body.get("instructions"), str):
        found.instructions = body["instructions"]
    return found


def realtime_request(body: Body, *, keep: bool) -> Request:
    """Return the facts of a Realtime response, whose body includes the session's defaults."""
    found = read_facts(body, _REALTIME)
    take_messages(found, body.get("input"), keep)
    found.returns = returns_of(body.get(BROUGHT), response_item)
    modalities = body.get("output_modalities") or body.get("modalities")
    if isinstance(modalities, (list, tuple)):
        found.output_type = "speech" if "audio" in modalities else "text"
    if keep and isinstance(body.get("instructions"), str):
        found.instructions = body["instructions"]
    return found


def fetch_request(body: Body, *, keep: bool) -> Request:
    """Return the facts of fetching a response: its id and the position where its stream goes on."""
    cursor = body.get("starting_after")
    number = values.count(cursor)
    return Request(
        response=values.word(body.get("response_id")),
        cursor=values.word(cursor) if number is None else str(number),
    )


def completions_request(body: Body, *, keep: bool) -> Request:
    """Return the facts of a legacy completion, whose prompts are texts or tokens, one or several."""
    found = read_facts(body, _COMPLETIONS)
    prompt = body.get("prompt")
    if isinstance(prompt, (list, tuple)) and prompt:
        # A list of integers is one prompt, as tokens.
        prompt = [prompt] if type(prompt[0]) is int else prompt
        found.prompts = len(prompt)
        found.expected = found.choices * found.prompts
    take_messages(found, prompt, keep)
    return found


def embeddings_request(body: Body, *, keep: bool) -> Request:
    """Return the facts of an embeddings request; its input is never kept."""
    found = read_facts(body, _EMBEDDINGS)
    # The conventions have no attribute for an embedding's input; its hash recognises a repeated request.
    found.last = body.get("input")
    return found


def effort(value: object) -> str | None:
    """Return the level of reasoning from the object that holds it."""
    return values.word(values.fields(value).get("effort"))


def _format(value: object) -> str | None:
    return output_type(values.fields(value).get("format"))


def _identity(value: object) -> str | None:
    """Return a conversation's id, from the id itself or from an object."""
    return values.word(value) or values.word(values.fields(value).get("id"))


def _formats(value: object) -> list[str] | None:
    return strings(value) or None


def _stream(value: object) -> bool:
    """Return whether `stream` is true."""
    return value is True


_COMMON: Rules = {
    "model": ("model", values.word),
    "temperature": ("temperature", number),
    "top_p": ("top_p", number),
    "service_tier": ("service_tier", values.word),
    "stream": ("stream", _stream),
    "litellm_trace_id": ("group", values.word),
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
    # The deprecated forms of `tools` and `tool_choice`.
    "functions": ("tools", tools),
    "tool_choice": ("tool_choice", tool_choice),
    "function_call": ("tool_choice", tool_choice),
    "response_format": ("output_type", output_type),
    "reasoning_effort": ("reasoning_level", values.word),
}
_RESPONSES: Rules = {
    **_COMMON,
    "top_k": ("top_k", whole),
    "tools": ("tools", tools),
    "tool_choice": ("tool_choice", tool_choice),
    "max_output_tokens": ("max_tokens", whole),
    "reasoning": ("reasoning_level", effort),
    "text": ("output_type", _format),
    "conversation": ("conversation", _identity),
    "previous_response_id": ("previous_response", values.word),
}
_REALTIME: Rules = {
    "model": ("model", values.word),
    "temperature": ("temperature", number),
    "tools": ("tools", tools),
    "tool_choice": ("tool_choice", tool_choice),
    "max_output_tokens": ("max_tokens", whole),
    "max_response_output_tokens": ("max_tokens", whole),
    "reasoning": ("reasoning_level", effort),
}
_EMBEDDINGS: Rules = {
    "model": ("model", values.word),
    "encoding_format": ("encoding_formats", _formats),
    "dimensions": ("dimensions", values.count),
}
