"""The facts of one line of the stream log, and its two formats: text and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from logging import INFO, WARNING
from typing import Any, NamedTuple

from ..otel import call_data
from ..otel.errors import error_type
from ..otel.sink import Observed
from ..wire.events import Answered, CallClosed, CallCorrected, CallOpened, Event, Note, Retried, Text
from ..wire.record import Outcome, ToolCall

# Outcomes and finish reasons whose `finish` line is a warning: the answer failed or was cut short.
_TROUBLE = (Outcome.FAILED, Outcome.TRUNCATED, Outcome.CANCELLED)
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


def request_line(call: Observed) -> Line:
    """Return the line of a request; a chat that offers no tools gets level WARNING."""
    request, tools = call.request, call.request.tools
    chats = call.operation == call_data.CHAT
    facts: Facts = {  # names and counts only: content comes later, and only where it is captured
        "operation": call.operation,
        "api": call.api_type,
        "provider": call.endpoint.provider,
        "model": request.model,
        "stream": request.stream,
        "messages": request.message_count if call.operation in call_data.INFERENCE else None,
        "last_role": request.last_role,
        "tools": list(tools.names) if tools is not None else [] if chats else None,
        "tool_choice": request.tool_choice,
        "attempt": call.attempt if call.attempt > 1 else None,
    }
    return Line("request", WARNING if chats and tools is None else INFO, facts)


def event_line(call: Observed, event: Event | Note, at: int) -> Line | None:
    """Return the line of an event; `None` for events without a line."""
    after = _seconds(at - call.began_at)
    if isinstance(event, Text):
        return Line("text", INFO, {"choice": event.choice, "after": after})
    if isinstance(event, CallOpened):
        return Line("tool detected", INFO, {**_tool(call.record.call(event)), "after": after})
    if isinstance(event, CallClosed):
        return _completed_line(call.record.call(event), at)
    if isinstance(event, CallCorrected):
        return _corrected_line(call.record.call(event), event.previous)
    if isinstance(event, Answered):
        turnaround = _seconds(event.turnaround)
        return Line("tool answered", INFO, {"tool": event.name, "id": event.id, "turnaround": turnaround})
    if isinstance(event, Retried):
        return Line("retry", WARNING, {**event._asdict(), "wait": round(event.wait, 3)})
    return None


def error_line(call: Observed) -> Line:
    """Return the line of a failed call, with the error's class or the server's code."""
    return Line("error", WARNING, {"error": error_type(call.error, call.record)})


def finish_line(call: Observed) -> Line:
    """Return the line of a call's end; it also shows that tools were offered but none was called."""
    record, tools, outcome = call.record, call.request.tools, call.outcome
    chats = call.operation in call_data.INFERENCE
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


def _tool(tool: ToolCall) -> Facts:
    # Nearly all calls are functions: only another kind is written.
    kind = None if tool.kind == "function" else tool.kind
    return {"tool": tool.name, "id": tool.id, "kind": kind, "choice": tool.choice, "index": tool.index}


def _completed_line(tool: ToolCall, at: int) -> Line:
    facts = {
        **_tool(tool),
        "outcome": tool.outcome,
        "path": (tool.violation and tool.violation.path) or None,
        "size": tool.size,
        "fragments": tool.fragments,
        "duration": _seconds(at - tool.opened_at),
    }
    return Line("tool completed", INFO if tool.outcome == "valid" else WARNING, facts)


def _corrected_line(tool: ToolCall, previous: str) -> Line:
    path = (tool.violation and tool.violation.path) or None
    facts = {**_tool(tool), "outcome": tool.outcome, "outcome_before": previous, "path": path}
    return Line("tool corrected", INFO if tool.outcome == "valid" else WARNING, facts)


def _seconds(nanoseconds: int) -> float:
    return round(nanoseconds / 1e9, 6)


_WIDTH = len("[tool completed] ")  # the longest kind, so that the texts begin in one column
_MOST = 128  # characters of a name, which the model or the server chooses


def as_json(line: Line, time: str | None, ids: tuple[str | None, str | None]) -> str:
    """Return one JSON object in ASCII, without the facts that are not known."""
    facts = {"event": line.kind.replace(" ", "_"), "time": time, "trace_id": ids[0], "span_id": ids[1]}
    return json.dumps({name: value for name, value in {**facts, **line.facts}.items() if value is not None})


def as_text(line: Line, time: str | None, ids: tuple[str | None, str | None]) -> str:
    """Return the kind in brackets, then a sentence, then the ids; control characters are escaped."""
    del time  # a handler of `logging` adds its own
    prefix = f"[{line.kind}]".ljust(_WIDTH - 1)
    text = f"{prefix} {_TEXTS[line.kind](line.facts)}"
    if ids[0] is not None:
        text += f" [trace {ids[0]} span {ids[1]}]"
    # A name or an argument of the model's may contain a line break or an escape sequence of a terminal.
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


def _completed_text(facts: Facts) -> str:
    path = f" ({facts['path']})" if facts["path"] else ""
    parts = [
        f"{_call(facts)}{_choice(facts)}: {facts['outcome']}{path}",
        f"{facts['size']} B in {_count(facts['fragments'], 'fragment')}",
        f"{facts['duration']:.3f} s",
        facts.get("arguments"),
    ]
    return _joined(parts)


def _corrected_text(facts: Facts) -> str:
    path = f" ({facts['path']})" if facts["path"] else ""
    words = f"{_call(facts)}{_choice(facts)}: {facts['outcome']}{path}, not {facts['outcome_before']}"
    return _joined([words, facts.get("arguments")])


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
    """Return the number of calls; `None` if there are none and no tools were offered."""
    called, offered, bad = facts["tool_calls"], facts["tools_offered"], facts["invalid_calls"]
    if called:
        return f"{_count(called, 'tool call')}{f', {bad} not valid' if bad else ''}"
    return f"no tool called of {offered} offered" if called == 0 and offered else None


def _counted(facts: Facts) -> str | None:
    if facts["input_tokens"] is None and facts["output_tokens"] is None:
        return "no usage reported"
    tokens = f"tokens {_known(facts['input_tokens'])} in, {_known(facts['output_tokens'])} out"
    return f"{tokens}, {facts['cached_tokens']} cached" if facts["cached_tokens"] else tokens


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
    "tool completed": _completed_text,
    "tool corrected": _corrected_text,
    "tool answered": _answered,
    "retry": _retry,
    "error": _error,
    "finish": _finish,
}
FORMS: Mapping[str, Callable[[Line, Any, Any], str]] = {"text": as_text, "json": as_json}
"""The formats by the values of the setting `log`."""
