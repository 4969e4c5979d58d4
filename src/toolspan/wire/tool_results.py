"""Read what a request sends back to the model: results of tool calls, and the step of the agent's loop.

Only the current loop is read, from the end of the history back to the user's last message, so a long
history costs nothing. Only ids are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from .hashing import digest
from .response_items import ANSWERED
from .values import fields, sequence, text, word

_MOST = 512  # messages or items that are read; longer loops are read in part


class Returns(NamedTuple):
    """Ids of the current loop, in the order of the history; `turns` counts the model's turns in it."""

    results: tuple[str, ...] = ()
    """Ids of the results after the model's last turn: new in this request."""
    earlier: tuple[str, ...] = ()
    """Ids of the results before that turn."""
    called: tuple[str, ...] = ()
    """Ids of the calls in the history."""
    turns: int = 0
    digests: tuple[int, ...] = ()
    """A hash of each of the new results and of what the user says after them, valid in this process only."""

    @property
    def repeated(self) -> int:
        """The number of surplus results: for calls that have another result in this history."""
        all_results = self.results + self.earlier
        # Nearly all histories have one result per id: then the quadratic count below is skipped.
        if len(all_results) == len(set(all_results)):
            return 0
        return sum(
            # Some servers reuse ids (`call_0`, …), so an id may have as many results as calls.
            max(0, all_results.count(identity) - max(1, self.called.count(identity)))
            for identity in set(all_results)
        )


class _Part(NamedTuple):
    """One message or item: from the `model`, from the `user` or a `result`, with the ids in it."""

    source: str
    ids: tuple[str, ...] = ()
    results: tuple[object, ...] = ()
    """The results, where one message holds several."""


_OF_USER = _Part("user")
ReadPart: TypeAlias = "Callable[[Mapping[str, Any]], _Part | None]"


def returns_of(history: object, read_part: ReadPart) -> Returns:
    """Return the ids in a history, whose parts are read by one of the functions below."""
    if not isinstance(history, (list, tuple)):
        return _NOTHING
    # Anthropic's results are in messages of the user, in its threads even in the only one.
    if read_part is not anthropic_message and _is_question(history):
        return _NOTHING
    results: list[str] = []
    earlier: list[str] = []
    called: list[str] = []
    digests: list[int] = []
    question = None
    turns, before = 0, ""
    for value in history[: -_MOST - 1 : -1]:
        part = read_part(value if type(value) is dict else fields(value))
        if part is None:
            continue
        # The history is read backwards; everything is reversed at the end.
        if part.source == "result":
            (earlier if turns else results).extend(part.ids[::-1])
            if part.ids and not turns:
                digests.extend(map(_digest, (part.results or (value,))[::-1]))
        elif part.source == "model":
            called.extend(part.ids[::-1])
            # A turn of the Responses API is several items in a row: reasoning, message, calls.
            turns += before != "model"
        elif turns:
            break
        else:
            question = value
        before = part.source
    if digests and question is not None:
        # The same result before another question is none of the same: an agent that is asked again does not
        # repeat itself, and a reminder that the application adds each time is no question.
        asked = digest(question)
        digests = [hash((each, asked)) for each in digests]
    return Returns(
        tuple(results[::-1]), tuple(earlier[::-1]), tuple(called[::-1]), turns, tuple(digests[::-1])
    )


def _digest(part: object) -> int:
    """Return the hash of a result's content, which chat and the Responses API name differently."""
    known = fields(part)
    content = known.get("content", known.get("output"))
    # Nearly always a text: its hash is one step, which Python keeps for the next request with this history.
    return hash(content) if type(content) is str else digest(content)


_NOTHING = Returns()
_ASKING = frozenset(("system", "developer", "user"))


def _is_question(history: Sequence[Any]) -> bool:
    """Return whether a history is one message, or instructions and a message, as most requests' are."""
    try:
        return (
            len(history) < 3
            and {each.get("role") if type(each) is dict else None for each in history} <= _ASKING
        )
    except TypeError:  # a role that cannot be hashed
        return False


def chat_message(message: Mapping[str, Any]) -> _Part | None:
    """Return the part of one message of a chat completion; `None` for one that does not matter."""
    role = message.get("role")
    if role == "assistant":
        calls = message.get("tool_calls")
        ids = (word(fields(call).get("id")) for call in sequence(calls)) if calls else ()
        return _Part("model", tuple(identity for identity in ids if identity))
    if role == "tool":
        identity = word(message.get("tool_call_id"))
        return _Part("result", (identity,) if identity else ())
    return _OF_USER if role == "user" else None


def anthropic_message(message: Mapping[str, Any]) -> _Part | None:
    """Return the part of one message of the Messages API; results are blocks in a message of the user."""
    blocks = [fields(block) for block in sequence(message.get("content"))]
    if message.get("role") == "assistant":
        return _Part("model", tuple(_by_id(blocks, "tool_use", "id")))
    results = _by_id(blocks, "tool_result", "tool_use_id")
    return _Part("result", tuple(results), tuple(results.values())) if results else _OF_USER


def _by_id(blocks: list[Mapping[str, Any]], kind: str, name: str) -> dict[str, Mapping[str, Any]]:
    found = ((word(block.get(name)), block) for block in blocks if block.get("type") == kind)
    return {identity: block for identity, block in found if identity}


def response_item(item: Mapping[str, Any]) -> _Part | None:
    """Return the part of one item in the input of a response; `None` for one that does not matter."""
    kind = text(item.get("type")) or "message"
    if kind == "message":
        role = item.get("role")
        return _Part("model") if role == "assistant" else _OF_USER if role == "user" else None
    # By suffix, so that kinds of tools that are newer than this code are read too.
    if kind.endswith("_output") or kind == "mcp_approval_response":
        identity = word(item.get("call_id")) or word(item.get("approval_request_id"))
        return _Part("result", (identity,) if identity else ())
    if kind.endswith("_call") or kind == "mcp_approval_request":
        name = kind.removesuffix("_call")
        # A call that ran at the server needs no result, so its id would look unanswered.
        answered = ("custom" if name == "custom_tool" else name) in ANSWERED
        identity = word(item.get("call_id")) or word(item.get("id"))
        return _Part("model", (identity,) if answered and identity else ())
    return _Part("model") if kind == "reasoning" else None
