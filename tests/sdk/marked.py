"""Requests and answers in which every content bears a mark, by API, and which marks may be recorded at all.

It knows nothing of telemetry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import marked_responses, script, wire, wire_others
from .apis import CHAT, COMPACTED, COMPLETIONS, EMBEDDINGS, FETCHED, RESPONSES, Api
from .features import known

_FAILURE = {"code": "MARK code", "message": "MARK-error", "param": "MARK"}


@dataclass(frozen=True, eq=False)
class Marked:
    """One API's; `input` and `output` are the marks that content shows where it is asked for."""

    api: Api
    ask: Mapping[str, Any]
    whole: Mapping[str, Any]
    input: frozenset[str] = frozenset()
    output: frozenset[str] = frozenset()
    stream: tuple[Any, ...] = ()
    odd: Mapping[str, list[Any]] = field(default_factory=dict)
    """More streams, which need not show all marks."""
    unlogged: frozenset[str] = frozenset()
    """Those that are on spans only: a fetched response has no event with its details."""

    @property
    def name(self) -> str:
        """The API's."""
        return self.api.name

    @property
    def marks(self) -> tuple[Any, ...]:
        """What a test over it is marked with: as its API is."""
        return self.api.marks

    @property
    def answers(self) -> dict[str, tuple[bool, Any]]:
        """Answers of all kinds, and whether each is streamed."""
        found: dict[str, tuple[bool, Any]] = {
            "whole": (False, script.whole(self.whole)),
            "400": (False, script.whole({"error": _FAILURE}, status=400)),
            "400-text": (False, script.whole(b"MARK-error", status=400)),
            "error-in-200": (False, script.whole({**self.whole, "error": _FAILURE})),
            "odd": (False, script.whole({"choices": [{"MARK": "MARK"}], "output": ["MARK"], "data": "MARK"})),
        }
        if self.stream:
            first, done = self.stream[0], self.api.done
            found |= {
                "stream": (True, script.stream(*self.stream, *done)),
                "stream-error": (True, script.stream(first, {"error": _FAILURE})),
                "stream-text": (True, script.stream(*self.stream[:8], b"data: {MARK-error\n\n")),
                **{name: (True, script.stream(*parts, *done)) for name, parts in self.odd.items()},
            }
        return found


_CHAT_ASK: dict[str, Any] = {
    "model": "gpt-test",
    "messages": [
        {"role": "system", "content": "MARK-system"},
        {"role": "user", "name": "ann", "content": [{"type": "text", "text": "MARK-prompt"}]},
        {
            "role": "assistant",
            "content": "MARK-said",
            "tool_calls": [
                {
                    "id": "call_5",
                    "type": "function",
                    "function": {"name": "look", "arguments": '{"q": "MARK-history"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_5", "content": "MARK-result"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "look",
                "description": "MARK-description",
                "parameters": {"type": "object", "properties": {"MARK-schema": {"type": "string"}}},
            },
        }
    ],
    "user": "MARK-user",
    "metadata": {"note": "MARK-metadata"},
    "prediction": {"type": "content", "content": "MARK-prediction"},
    "extra_headers": {"X-Note": "MARK-header"},
    "extra_query": {"note": "MARK-query"},
}
_CHAT_WHOLE = wire.answer("MARK-answer", calls=[("look", '{"q": "MARK-arguments"}')], reason="tool_calls")
_CHAT_WHOLE["choices"][0]["message"] |= {"refusal": "MARK-refusal", "reasoning_content": "MARK-reasoning"}
_CHAT = Marked(
    CHAT,
    known("chat.completions.create", _CHAT_ASK),
    _CHAT_WHOLE,
    frozenset({"MARK-system", "MARK-prompt", "MARK-said", "MARK-history", "MARK-result"}),
    frozenset({"MARK-answer", "MARK-refusal", "MARK-reasoning", "MARK-arguments"}),
    (
        wire.chunk({"role": "assistant", "reasoning_content": "MARK-reasoning"}),
        wire.text("MARK-"),
        wire.text("answer"),
        wire.chunk({"refusal": "MARK-refusal"}),
        wire.call('{"q": "MARK-', name="look"),
        wire.call('arguments"}'),
        wire.chunk(None, "tool_calls"),
    ),
    {
        "cut": [wire.text("MARK-answer"), wire.call('{"q": "MARK-arg', name="look")],
        "error-in-chunk": [wire.text("x", error={"code": "MARK error", "message": "MARK"})],
        "invented-tool": [wire.call("{}", name="known"), wire.call('"MARK"', index=1)],
    },
)
_RESPONSES = Marked(
    RESPONSES,
    marked_responses.ASK,
    marked_responses.WHOLE,
    frozenset(marked_responses.INPUT),
    frozenset(marked_responses.OUTPUT),
    marked_responses.STREAM,
    marked_responses.STREAMS,
)
_FETCHED = Marked(
    FETCHED,
    {**FETCHED.ask, "extra_headers": {"X-Note": "MARK-header"}, "extra_query": {"note": "MARK-query"}},
    marked_responses.WHOLE,
    frozenset(),
    frozenset(marked_responses.OUTPUT),
    marked_responses.STREAM,
    marked_responses.STREAMS,
    frozenset({"MARK-answer", "MARK-refusal", "MARK-reasoning"}),
)
_COMPACTED = Marked(
    COMPACTED,
    {name: marked_responses.ASK[name] for name in ("model", "instructions", "input")},
    {**COMPACTED.answer, "output": [{"type": "compaction", "id": "cmp_1", "encrypted_content": "MARK"}]},
    frozenset(marked_responses.INPUT),
)
_COMPLETIONS = Marked(
    COMPLETIONS,
    {"model": "gpt-test", "prompt": "MARK-prompt", "suffix": "MARK-suffix", "user": "MARK-user"},
    wire_others.completion(wire_others.choice("MARK-answer", "stop")),
    frozenset({"MARK-prompt"}),
    frozenset({"MARK-answer"}),
    (wire_others.chunk("MARK-"), wire_others.chunk("answer"), wire_others.chunk("", "stop")),
    {"cut": [wire_others.chunk("MARK-answer")]},
)
_EMBEDDINGS = Marked(
    EMBEDDINGS,
    {"model": "gpt-test", "input": ["MARK-input", "MARK-more"], "user": "MARK-user"},
    {**EMBEDDINGS.answer, "data": [wire_others.embedding("TUFSS" * 40)]},
)
ALL = (_CHAT, _RESPONSES, _FETCHED, _COMPACTED, _COMPLETIONS, _EMBEDDINGS)
"""An embedding's vector is `MARK` in base64."""
