"""Requests and answers in which every content bears a mark, by API, and the marks that may be recorded.

Names, ids and counts bear no mark: those are recorded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import script, wire_others, wire_responses
from .api import Api
from .apis import CHAT, COMPACTED, COMPLETIONS, EMBEDDINGS, FETCHED, MESSAGES, RESPONSES
from .features import known

_TEXT = (Path(__file__).parent / "data" / "marked.json").read_text(encoding="utf-8")
DATA = json.loads(_TEXT.replace("MARK*3000", "MARK" * 3000))
_FAILURE = {"code": "MARK code", "message": "MARK-error", "param": "MARK"}


@dataclass(frozen=True, eq=False)
class Marked:
    """One API's; `input` and `output` are the marks that content shows where it is captured."""

    api: Api
    ask: Mapping[str, Any]
    whole: Mapping[str, Any]
    input: frozenset[str] = frozenset()
    output: frozenset[str] = frozenset()
    stream: tuple[Any, ...] = ()
    odd: Mapping[str, list[Any]] = field(default_factory=dict)
    """More streams, which need not show all marks."""
    unlogged: frozenset[str] = frozenset()
    """Marks on spans only: a fetched response has no event with its details."""

    @property
    def name(self) -> str:
        """The API's name."""
        return self.api.name

    @property
    def marks(self) -> tuple[Any, ...]:
        """The pytest marks of a test over it, which are those of its API."""
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


def _row(api: Api, name: str, **more: Any) -> Marked:
    data = DATA[name]
    ask = known("chat.completions.create", data["ask"]) if api is CHAT else data["ask"]
    base = {"stream": tuple(data["stream"]), "odd": data.get("odd", {})}
    marks = {kind: frozenset(data[kind]) for kind in ("input", "output")}
    return Marked(api, ask, data["whole"], **{**base, **marks, **more})


def _responses_streams(data: Any) -> dict[str, Any]:
    """The stream of the Responses API with its last event, and streams that break off or fail."""
    more = {"instructions": "MARK-instructions", "metadata": {"note": "MARK-metadata"}, "user": "MARK-user"}
    last = wire_responses.progress("completed", data["whole"]["output"], **more)
    events = wire_responses.numbered([*data["stream"], last])
    message = wire_responses.added(data["whole"]["output"][-1], 9, content=[])
    failure = {"code": "MARK code", "message": "MARK-error", "param": "MARK-param"}
    odd = {
        "cut": [*events[:8]],
        "cut-in-a-text": [*events[:2], message, *events[29:30]],
        "failed": [*events[:4], wire_responses.progress("failed", error=failure, **more)],
        "error-event": [*events[:4], {"type": "error", **failure}],
        "error-inside": [*events[:4], {"type": "error", "error": failure}],
        "unknown": [
            {"type": "response.MARK", "delta": "MARK"},
            {"type": "MARK", "response": {"MARK": "MARK"}},
        ],
    }
    return {"stream": events, "odd": odd}


_RESPONSES = _row(RESPONSES, "responses", **_responses_streams(DATA["responses"]))
_FETCHED_ASK = {"extra_headers": {"X-Note": "MARK-header"}, "extra_query": {"note": "MARK-query"}}
_ONLY_ON_SPANS = frozenset({"MARK-answer", "MARK-refusal", "MARK-reasoning"})
_FETCHED = replace(
    _RESPONSES, api=FETCHED, ask={**FETCHED.ask, **_FETCHED_ASK}, input=frozenset(), unlogged=_ONLY_ON_SPANS
)
_COMPACTED_ASK = {name: _RESPONSES.ask[name] for name in ("model", "instructions", "input")}
_SECRET = {"type": "compaction", "id": "cmp_1", "encrypted_content": "MARK"}
ANTHROPIC = _row(MESSAGES, "messages")
"""The row of Anthropic's API; the others are OpenAI's."""
ALL = (
    _row(CHAT, "chat"),
    _RESPONSES,
    _FETCHED,
    Marked(COMPACTED, _COMPACTED_ASK, {**COMPACTED.answer, "output": [_SECRET]}, _RESPONSES.input),
    _row(COMPLETIONS, "completions"),
    Marked(
        EMBEDDINGS,
        {"model": "gpt-test", "input": ["MARK-input", "MARK-more"], "user": "MARK-user"},
        {**EMBEDDINGS.answer, "data": [wire_others.embedding("TUFSS" * 40)]},
    ),
)
"""An embedding's vector is `MARK` in base64."""
