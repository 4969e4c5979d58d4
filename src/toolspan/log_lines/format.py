"""The facts of one line of the stream log, and its two formats: text and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from logging import INFO, WARNING
from typing import Any, NamedTuple

from ..otel import call_data
from ..otel import semconv as names
from ..otel.attributes import error_facts
from ..otel.call_data import CallData
from ..otel.errors import error_type
from ..otel.words import counted, joined, seconds
from ..wire.events import Answered, CallClosed, CallCorrected, CallOpened, Event, Note, Retried, Runaway, Text
from ..wire.record import Outcome, ToolCall

# Outcomes and finish reasons whose `finish` line is a warning: the answer failed or was cut short.
_TROUBLE = (Outcome.FAILED, Outcome.TRUNCATED)
_SHORT = ("length", "content_filter")
Facts = dict[str, Any]


class Line(NamedTuple):
    """One line; a fact that is `None` is not known."""

    kind: str
    level: int
    facts: Facts

    def adding(self, **facts: Any) -> Line:
        """Return the line with more facts."""
        return self._replace(facts={**self.facts, **facts})


def request_line(call: CallData) -> Line:
    """Return the line of a request; a chat that offers no tools gets level WARNING."""
    request, tools = call.request, call.request.tools
    chats = call.operation == call_data.CHAT
    facts: Facts = {  # names and counts only: content comes later, and only where it is captured
        "operation": call.operation,
        "api": call.api_type,
        "provider": call.endpoint.provider,
        "model": request.model,
        "stream": request.stream,
        "messages": request.message_count if call.traits.has_messages else None,
        "last_role": request.last_role,
        "tools": list(tools.names) if tools is not None else [] if chats else None,
        "tool_choice": request.tool_choice,
        "attempt": call.attempt if call.attempt > 1 else None,
    }
    return Line("request", WARNING if chats and tools is None else INFO, facts)


def event_line(call: CallData, event: Event | Note, at: int) -> Line | None:
    """Return the line of an event; `None` for events without a line."""
    make = _EVENTS.get(type(event))
    return None if make is None else make(call, event, at)


def error_line(call: CallData) -> Line:
    """Return the line of a failed call: the error's class, the HTTP status, the server's code and type."""
    facts = error_facts(call.error, call.record)
    known = {fact: facts.get(name) for fact, name in _OF_ERRORS.items()}
    return Line("error", WARNING, {"error": error_type(call.error, call.record), **known})


_OF_ERRORS = {
    "status": names.HTTP_STATUS,
    "code": names.PROVIDER_ERROR_CODE,
    "type": names.PROVIDER_ERROR_TYPE,
}
"""The fact of an error line, by the attribute."""


def finish_line(call: CallData) -> Line:
    """Return the line of a call's end; it also shows that tools were offered but none was called."""
    record, tools, outcome = call.record, call.request.tools, call.outcome
    chats = call.traits.has_messages
    reasons = record.reasons(call.request.expected) if chats and record.choices else None
    usage = record.usage
    facts: Facts = {  # zero tool calls are written, zero invalid calls are not
        "finish_reasons": reasons,
        "outcome": None if outcome is None else outcome.value,
        "tools_offered": None if tools is None else len(tools.names),
        "tool_calls": len(record.calls) if call.operation == call_data.CHAT else None,
        "invalid_calls": sum(tool.outcome != "valid" for tool in record.calls) or None,
        "input_tokens": usage and usage.input,
        "output_tokens": usage and usage.output,
        "cached_tokens": usage and usage.cache_read,
        "reasoning_tokens": usage and usage.reasoning,
        # The cheapest tokens cost about 1e-8 dollars each.
        "cost": None if call.cost is None else round(call.cost.amount, 10),
        "duration": _seconds(call.ended_at - call.began_at),
    }
    trouble = outcome in _TROUBLE or any(reason in _SHORT for reason in reasons or ())
    return Line("finish", WARNING if trouble else INFO, facts)


def _detected(call: CallData, event: CallOpened, at: int) -> Line:
    tool = _tool(call.record.call(event))
    return Line("tool detected", INFO, {**tool, "after": _seconds(at - call.began_at)})


def _completed(call: CallData, event: CallClosed, at: int) -> Line:
    tool = call.record.call(event)
    lasted = _seconds(at - tool.opened_at)
    return _judged("tool completed", tool).adding(size=tool.size, fragments=tool.fragments, duration=lasted)


def _judged(kind: str, tool: ToolCall) -> Line:
    path = (tool.violation and tool.violation.path) or None
    level = INFO if tool.outcome == "valid" else WARNING
    return Line(kind, level, {**_tool(tool), "outcome": tool.outcome, "path": path})


def _corrected(call: CallData, event: CallCorrected, at: int) -> Line:
    return _judged("tool corrected", call.record.call(event)).adding(outcome_before=event.previous)


def _answered(call: CallData, note: Answered, at: int) -> Line:
    turnaround = _seconds(note.turnaround)
    return Line("tool answered", INFO, {"tool": note.name, "id": note.id, "turnaround": turnaround})


_EVENTS: Mapping[type, Callable[[CallData, Any, int], Line]] = {
    Text: lambda call, event, at: Line(
        "text", INFO, {"choice": event.choice, "after": _seconds(at - call.began_at)}
    ),
    CallOpened: _detected,
    CallClosed: _completed,
    CallCorrected: _corrected,
    Answered: _answered,
    Retried: lambda _, note, at: Line("retry", WARNING, {**note._asdict(), "wait": round(note.wait, 3)}),
    Runaway: lambda _, note, at: Line(
        "runaway", WARNING, {**note._asdict(), "tools": list(note.tools) or None}
    ),
}


def _tool(tool: ToolCall) -> Facts:
    # Nearly all calls are functions: only another kind is written.
    kind = None if tool.kind == "function" else tool.kind
    return {"tool": tool.name, "id": tool.id, "kind": kind, "choice": tool.choice, "index": tool.index}


def _seconds(nanoseconds: int) -> float:
    return round(nanoseconds / 1e9, 6)


_WIDTH = len("[tool completed]")  # the longest kind, so that the texts begin in one column
_MOST = 128  # characters of a name, which the model or the server chooses


def as_json(line: Line, time: str | None, ids: tuple[str | None, str | None]) -> str:
    """Return one JSON object in ASCII, without the facts that are not known."""
    facts = {"event": line.kind.replace(" ", "_"), "time": time, "trace_id": ids[0], "span_id": ids[1]}
    return json.dumps({name: value for name, value in {**facts, **line.facts}.items() if value is not None})


def as_text(line: Line, time: str | None, ids: tuple[str | None, str | None]) -> str:
    """Return the kind in brackets, then a sentence, then the ids; control characters are escaped."""
    del time  # a handler of `logging` adds its own
    text = f"[{line.kind}]".ljust(_WIDTH) + " " + joined(*_TEXTS[line.kind](line.facts), by="; ")
    if ids[0] is not None:
        text += f" [trace {ids[0]} span {ids[1]}]"
    # A name or an argument of the model's may contain a line break or an escape sequence of a terminal.
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def _name(value: str | None) -> str:
    return value[:_MOST] if value else "(no name)"


def _call(facts: Facts, after: float | None = None) -> str:
    kind = f"{facts['kind']} " if facts.get("kind") not in (None, facts["tool"]) else ""
    identity = f" ({_name(facts['id'])})" if facts["id"] else ""
    return f"{kind}{_name(facts['tool'])}{identity}{'' if after is None else f' after {seconds(after)}'}"


def _choice(facts: Facts) -> str:
    return f" in choice {facts['choice']}" if facts["choice"] else ""


def _history(facts: Facts) -> str | None:
    last = f", the last from {_name(facts['last_role'])}" if facts["last_role"] else ""
    return None if facts["messages"] is None else counted(facts["messages"], "message") + last


def _offered(facts: Facts) -> str | None:
    """Return the offered tools; a chat that offers none cannot call any, which is worth saying."""
    choice = f", tool choice {facts['tool_choice']}" if facts["tool_choice"] else ""
    if facts["tools"]:
        return f"tools: {', '.join(map(_name, facts['tools']))}{choice}"
    return None if facts["tools"] is None else f"no tools offered, none can be called{choice}"


def _called(facts: Facts) -> str | None:
    """Return the number of calls; `None` if there are none and no tools were offered."""
    called, offered, bad = facts["tool_calls"], facts["tools_offered"], facts["invalid_calls"]
    if called:
        return counted(called, "tool call") + (f", {bad} not valid" if bad else "")
    return f"no tool called of {offered} offered" if called == 0 and offered else None


def _error(facts: Facts) -> str:
    status = f"status {facts['status']}" if facts["status"] else None
    # An error without an exception is named by its code already.
    code = facts["code"] if facts["code"] != facts["error"] else None
    known = joined(status, code, facts["type"], by=", ")
    return f"{facts['error']} ({known})" if known else str(facts["error"])


def _used(facts: Facts) -> str:
    sent, received, cached = facts["input_tokens"], facts["output_tokens"], facts["cached_tokens"]
    if sent is received is None:
        return "no usage reported"
    known = ("?" if count is None else str(count) for count in (sent, received))
    return "tokens {} in, {} out".format(*known) + (f", {cached} cached" if cached else "")


_Parts = tuple["str | None", ...]
_TEXTS: Mapping[str, Callable[[Facts], _Parts]] = {
    "request": lambda facts: (
        f"{facts['operation']} {_name(facts['model'])} at {facts['provider']}",
        "streamed" if facts["stream"] else "not streamed",
        _history(facts),
        _offered(facts),
        facts["attempt"] and f"attempt {facts['attempt']}",
    ),
    "text": lambda facts: (f"started after {seconds(facts['after'])}{_choice(facts)}",),
    "tool detected": lambda facts: (f"{_call(facts, facts['after'])}{_choice(facts)}",),
    "tool completed": lambda facts: (
        f"{_call(facts)}{_choice(facts)}: {facts['outcome']}"
        + (f" ({facts['path']})" if facts["path"] else ""),
        f"{facts['size']} B in {counted(facts['fragments'], 'fragment')}",
        seconds(facts["duration"]),
        facts.get("arguments"),
    ),
    "tool corrected": lambda facts: (
        f"{_call(facts)}{_choice(facts)}: {facts['outcome']}"
        + (f" ({facts['path']})" if facts["path"] else "")
        + f", not {facts['outcome_before']}",
        facts.get("arguments"),
    ),
    "tool answered": lambda facts: (_call(facts, facts["turnaround"]),),
    "retry": lambda facts: (
        f"number {facts['attempt']} in {seconds(facts['wait'])}, because of {facts['error']}",
    ),
    "runaway": lambda facts: (
        f"{facts['kind']} of {', '.join(map(_name, facts['tools'] or ['the request']))}",
        f"{facts['times']} times",
        facts["error"],
    ),
    "error": lambda facts: (_error(facts) + (f": {facts['message']}" if facts.get("message") else ""),),
    "finish": lambda facts: (
        ", ".join(facts["finish_reasons"] or ()),
        facts["outcome"],
        _called(facts),
        _used(facts),
        None if facts["cost"] is None else f"${facts['cost']:.6f}",
        seconds(facts["duration"]),
    ),
}
"""The parts of each line's text."""
FORMS: Mapping[str, Callable[[Line, Any, Any], str]] = {"text": as_text, "json": as_json}
"""The formats by the values of the setting `log`."""
