"""A second reader of Anthropic's streams, written apart from the first, and random streams for both."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.sdk.wire_messages import END, PING, begin, block, delta, finish, message, start, stop

from . import randoms

SPECIAL = {"end_turn": "stop", "stop_sequence": "stop", "tool_use": "tool_calls", "refusal": "content_filter"}
SPECIAL |= dict.fromkeys(("max_tokens", "model_context_window_exceeded"), "length")
CUT = ("max_tokens", "model_context_window_exceeded", "refusal")


@dataclass
class Block:
    """One block as it came: what it is, its pieces, and whether its end and anything after it came."""

    known: dict[str, Any]
    pieces: list[str] = field(default_factory=list)
    ended: bool = False
    followed: bool = False

    @property
    def text(self) -> str:
        """All pieces, or what the block began with."""
        given = self.known.get("input")
        return "".join(self.pieces) or (json.dumps(given, ensure_ascii=False) if given else "")

    def outcome(self, reason: str | None) -> str:
        """The outcome of a call, by the stop reason if it came."""
        if not self.text:
            return "valid" if self.followed or (self.ended and reason and reason not in CUT) else "not_given"
        try:
            json.loads(self.text)
        except ValueError:
            return "invalid" if self.ended else "unfinished"
        return "valid"


def summary(bodies: Iterable[Any]) -> dict[str, Any]:
    """What a stream says, from a reading of all of its events together."""
    blocks: dict[int, Block] = {}
    order: list[Block] = []
    usage: dict[str, int] = {}
    texts = {"text": "", "thinking": ""}
    reason = words = model = None
    for body in bodies:
        kind = body["type"]
        if kind == "message_start":
            model = body["message"]["model"]
            usage |= {name: part for name, part in body["message"]["usage"].items() if "output" not in name}
        elif kind == "content_block_start":
            for each in order:
                each.followed = each.followed or each.ended
            found = blocks[body["index"]] = Block(body["content_block"])
            order.append(found)
            for name in texts:
                texts[name] += found.known.get(name, "")
        elif kind == "content_block_delta":
            piece = body["delta"]
            for name in texts:
                texts[name] += piece.get(name, "")
            blocks[body["index"]].pieces.append(piece.get("partial_json", ""))
        elif kind == "content_block_stop":
            blocks[body["index"]].ended = True
        elif kind == "message_delta":
            usage |= {name: part for name, part in body["usage"].items() if part}
            reason = body["delta"]["stop_reason"]
            words = (body["delta"].get("stop_details") or {}).get("explanation")
    calls = [each for each in order if each.known["type"].endswith("tool_use")]
    return {
        "model": model,
        "text": texts["text"],
        "reasoning": texts["thinking"],
        "refusal": words or "",
        "reason": SPECIAL.get(reason or "", reason),
        "calls": [(each.known["id"], each.known["name"], each.text, each.outcome(reason)) for each in calls],
        "input": sum(usage.get(name, 0) for name in usage if name.endswith("input_tokens"))
        if usage
        else None,
        "output": usage.get("output_tokens"),
    }


def _pieces(rng: Random, text: str) -> list[str]:
    return randoms.cut(rng, text)


def _words(rng: Random) -> str:
    return "".join(rng.choices(randoms.WORDS, k=rng.randrange(1, 9)))


def _call(rng: Random, index: int, last: bool) -> list[Any]:
    """The events of one call; the arguments of the last one may be cut by the token limit."""
    kind = rng.choice(("tool_use", "tool_use", "server_tool_use", "mcp_tool_use"))
    known = {"type": kind, "id": f"{kind}_{index}", "name": rng.choice(("look", "web_search")), "input": {}}
    given = randoms.document(rng)
    if rng.random() < 0.2:
        return block({**known, "input": given}, index=index)
    text = json.dumps(given, ensure_ascii=rng.random() < 0.5) if rng.random() < 0.8 else ""
    if last:
        text = text[: rng.randrange(len(text) + 1)]
    return block(known, *_pieces(rng, text), index=index)


def stream(rng: Random) -> list[Any]:
    """A random stream: blocks of all kinds in a row, whose texts and arguments are cut anywhere."""
    count = rng.randrange(1, 6)
    reason = rng.choice((*SPECIAL, "tool_use", "pause_turn", "compaction"))
    found = [begin()]
    index = 0
    for place in range(count):
        index += rng.choice((1, 1, 1, 3))  # indices may have gaps
        kind = rng.randrange(6)
        if kind == 0:
            found += block(
                {"type": "thinking", "thinking": "", "signature": ""},
                *_pieces(rng, _words(rng)),
                delta(index, type="signature_delta", signature="s"),
                index=index,
            )
        elif kind == 1:
            result = {"type": "web_search_tool_result", "tool_use_id": "x", "content": []}
            found += [start(result, index), stop(index), PING]
        elif kind == 2:
            found += block(
                {"type": "text", "text": rng.choice(("", "So"))}, *_pieces(rng, _words(rng)), index=index
            )
        else:
            found += _call(rng, index, place == count - 1 and reason in CUT)
    details = {"stop_details": {"type": "refusal", "explanation": "No."}} if reason == "refusal" else {}
    counts = {
        "output_tokens": rng.randrange(1, 99),
        **rng.choice(({}, {"input_tokens": 9}, {"input_tokens": 0})),
    }
    if rng.random() < 0.3:
        found.append({**finish(None, {"output_tokens": 1}), "delta": {"stop_reason": None}})
    return [*found, finish(reason, counts, **details), END]


def whole(bodies: Iterable[Any]) -> dict[str, Any]:
    """The whole message that a stream stands for."""
    found = summary(bodies)
    calls = iter(found["calls"])
    content: list[Any] = []
    for body in bodies:
        if body["type"] == "content_block_start":
            kind = body["content_block"]["type"]
            if kind.endswith("tool_use"):
                identity, name, text, _ = next(calls)
                content.append(
                    {"type": kind, "id": identity, "name": name, "input": json.loads(text or "{}")}
                )
    texts = [{"type": "thinking", "thinking": found["reasoning"]}, {"type": "text", "text": found["text"]}]
    last = next(body for body in reversed(list(bodies)) if body["type"] == "message_delta")
    usage = {"input_tokens": found["input"], "output_tokens": found["output"]}
    end = last["delta"]
    more = {"stop_details": end.get("stop_details"), "usage": usage}
    return message(*texts, *content, reason=end["stop_reason"], **more)
