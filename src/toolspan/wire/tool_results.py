"""What a request brings back to the model: results of tool calls, and how far the loop has come.

Only the loop that is going on is looked at, from the end of the history to the last word of the user, so that
a long history costs nothing. It knows no call that was made before; ids are all it keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from .response_items import ANSWERED
from .values import fields, sequence, text

_MOST = 512  # messages or items that are looked at


class Returns(NamedTuple):
    """Ids in the order of the history. `turns` counts what the model said since the user's last word."""

    results: tuple[str, ...] = ()
    """Of the results after the model's last turn."""
    earlier: tuple[str, ...] = ()
    """Of the results before it, in this loop."""
    called: tuple[str, ...] = ()
    """Of the calls that the history holds, in this loop."""
    turns: int = 0

    @property
    def repeated(self) -> int:
        """Results too many: for a call that has another one in this history."""
        all_results = self.results + self.earlier
        if len(all_results) == len(set(all_results)):
            return 0
        return sum(
            max(0, all_results.count(identity) - max(1, self.called.count(identity)))
            for identity in set(all_results)
        )


class _Part(NamedTuple):
    """One message or item: of the `model` or the `user`, or a `result`; and the ids it holds."""

    whose: str
    ids: tuple[str, ...] = ()


_ReadPart: TypeAlias = "Callable[[Mapping[str, Any]], _Part | None]"


def chat_returns(messages: object) -> Returns:
    """Of the messages of a chat completion."""
    return _returns(messages, _message)


def response_returns(items: object) -> Returns:
    """Of the input of a response."""
    return _returns(items, _item)


def _returns(history: object, read_part: _ReadPart) -> Returns:
    if not isinstance(history, (list, tuple)):
        return Returns()
    results: list[str] = []
    earlier: list[str] = []
    called: list[str] = []
    turns, before = 0, ""
    for value in history[: -_MOST - 1 : -1]:
        part = read_part(fields(value))
        if part is None:
            continue
        if part.whose == "result":
            (earlier if turns else results).extend(part.ids)
        elif part.whose == "model":
            called.extend(part.ids[::-1])
            turns += before != "model"
        elif turns:
            break
        before = part.whose
    return Returns(tuple(results[::-1]), tuple(earlier[::-1]), tuple(called[::-1]), turns)


def _message(message: Mapping[str, Any]) -> _Part | None:
    role = message.get("role")
    if role == "assistant":
        calls = message.get("tool_calls")
        ids = (text(fields(call).get("id")) for call in sequence(calls)) if calls else ()
        return _Part("model", tuple(identity for identity in ids if identity))
    if role == "tool":
        identity = text(message.get("tool_call_id"))
        return _Part("result", (identity,) if identity else ())
    return _Part("user") if role == "user" else None


def _item(item: Mapping[str, Any]) -> _Part | None:
    kind = text(item.get("type")) or "message"
    if kind == "message":
        role = item.get("role")
        return _Part("model") if role == "assistant" else _Part("user") if role == "user" else None
    if kind.endswith("_output") or kind == "mcp_approval_response":
        identity = text(item.get("call_id")) or text(item.get("approval_request_id"))
        return _Part("result", (identity,) if identity else ())
    if kind.endswith("_call") or kind == "mcp_approval_request":
        name = kind.removesuffix("_call")
        answered = ("custom" if name == "custom_tool" else name) in ANSWERED
        identity = text(item.get("call_id")) or text(item.get("id"))
        return _Part("model", (identity,) if answered and identity else ())
    return _Part("model") if kind == "reasoning" else None
