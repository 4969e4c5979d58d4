"""How a line of the stream log is written: as text for people, with a prefix for its kind, or as JSON.

It knows no call; what a model or a server has sent cannot break a line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .lines import Facts, Line

_WIDTH = len("[tool completed] ")
_MOST = 128  # characters of a name


def as_json(line: Line, time: str | None, ids: tuple[str | None, str | None]) -> str:
    """One JSON object in ASCII; what is not known is left out."""
    facts = {"event": line.kind.replace(" ", "_"), "time": time, "trace_id": ids[0], "span_id": ids[1]}
    return json.dumps({name: value for name, value in {**facts, **line.facts}.items() if value is not None})


def as_text(line: Line, time: str | None, ids: tuple[str | None, str | None]) -> str:
    """The kind in brackets, then a sentence, then the ids; control characters are escaped."""
    del time  # who reads it has `logging`'s own
    prefix = f"[{line.kind}]".ljust(_WIDTH - 1)
    text = f"{prefix} {_TEXTS[line.kind](line.facts)}"
    if ids[0] is not None:
        text += f" [trace {ids[0]} span {ids[1]}]"
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def _request(facts: Facts) -> str:
    tools, messages = facts["tools"], facts["messages"]
    choice = f", tool choice {facts['tool_choice']}" if facts["tool_choice"] else ""
    parts = [
        f"{facts['operation']} {_name(facts['model'])} at {facts['provider']}",
        "streamed" if facts["stream"] else "not streamed",
        None if messages is None else _count(messages, "message") + _last(facts["last_role"]),
        f"tools: {', '.join(map(_name, tools))}{choice}" if tools else None,
        f"no tools offered, none can be called{choice}" if tools == [] else None,
        f"attempt {facts['attempt']}" if facts["attempt"] else None,
    ]
    return _joined(parts)


def _last(role: str | None) -> str:
    return f", the last from {_name(role)}" if role else ""


def _text(facts: Facts) -> str:
    return f"started after {facts['after']:.3f} s{_choice(facts)}"


def _detected(facts: Facts) -> str:
    return f"{_call(facts)} after {facts['after']:.3f} s{_choice(facts)}"


def _completed(facts: Facts) -> str:
    path = f" ({facts['path']})" if facts["path"] else ""
    parts = [
        f"{_call(facts)}{_choice(facts)}: {facts['outcome']}{path}",
        f"{facts['size']} B in {_count(facts['fragments'], 'fragment')}",
        f"{facts['duration']:.3f} s",
        facts.get("arguments"),
    ]
    return _joined(parts)


def _answered(facts: Facts) -> str:
    return f"{_call(facts)} after {facts['turnaround']:.3f} s"


def _retry(facts: Facts) -> str:
    return f"number {facts['attempt']} in {facts['wait']:.3f} s, because of {facts['error']}"


def _error(facts: Facts) -> str:
    return f"{facts['error']}{': ' + facts['message'] if facts.get('message') else ''}"


def _finish(facts: Facts) -> str:
    parts = [
        ", ".join(facts["finish_reasons"]) if facts["finish_reasons"] else None,
        facts["outcome"],
        _calls(facts),
        _counted(facts),
        None if facts["cost"] is None else f"${facts['cost']:.6f}",
        f"{facts['duration']:.3f} s",
    ]
    return _joined(parts)


def _calls(facts: Facts) -> str | None:
    """That nothing was called is said where something could have been."""
    called, offered, bad = facts["tool_calls"], facts["tools_offered"], facts["invalid_calls"]
    if called:
        return f"{_count(called, 'tool call')}{f', {bad} not valid' if bad else ''}"
    return f"no tool called of {offered} offered" if called == 0 and offered else None


def _counted(facts: Facts) -> str | None:
    if facts["input_tokens"] is None and facts["output_tokens"] is None:
        return "tokens not told"
    told = f"tokens {_known(facts['input_tokens'])} in, {_known(facts['output_tokens'])} out"
    return f"{told}, {facts['cached_tokens']} cached" if facts["cached_tokens"] else told


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _known(count: int | None) -> str:
    return "?" if count is None else str(count)


def _call(facts: Facts) -> str:
    kind = f"{facts['kind']} " if facts.get("kind") and facts["kind"] != facts["tool"] else ""
    identity = f" ({_name(facts['id'])})" if facts["id"] else ""
    return f"{kind}{_name(facts['tool'])}{identity}"


def _choice(facts: Facts) -> str:
    return f" in choice {facts['choice']}" if facts["choice"] else ""


def _name(value: str | None) -> str:
    return value[:_MOST] if value else "(no name)"


def _joined(parts: list[str | None]) -> str:
    return "; ".join(part for part in parts if part)


_TEXTS: Mapping[str, Callable[[Facts], str]] = {
    "request": _request,
    "text": _text,
    "tool detected": _detected,
    "tool completed": _completed,
    "tool answered": _answered,
    "retry": _retry,
    "error": _error,
    "finish": _finish,
}
FORMS: Mapping[str, Callable[[Line, Any, Any], str]] = {"text": as_text, "json": as_json}
"""By the words of the setting `log`."""
