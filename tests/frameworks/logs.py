"""Check the log lines of the Agents SDK against a server like Cerebras."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.e2e import story

from . import cerebras, environment
from .catalog import Framework
from .environment import Done
from .receiver import receiving

_CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_TIMES = re.compile(r"(; | after )\d+\.\d{3} s")
_IDS = re.compile(r" \[trace [0-9a-f]{32} span [0-9a-f]{16}\]$")
_ASKED = "chat gpt-4o at openai; streamed"
_OFFER = "tools: get_weather, get_time"
_UNCALLED = "no tool called of 2 offered"
_COUNTED = "tokens {} in, {} out".format(*cerebras.TOKENS)


def observe(framework: Framework, way: str, folder: Path, **settings: str) -> Done:
    """One turn of the agent while the server answers in this way."""
    variables = {"TOOLSPAN_LOG": "text", **settings}
    with (
        cerebras.serve(way) as port,
        receiving() as (endpoint, _),
        environment.playing(framework, "chat", port, folder, endpoint, variables) as done,
    ):
        return done()


def lines(done: Done) -> list[str]:
    """The lines of the log, without times and ids; every one of them must have ids."""
    found = [line for line in done.complaints.splitlines() if line.startswith("[")]
    return [_TIMES.sub("", _IDS.sub("", line)) for line in found if _IDS.search(line)]


def expected(way: str, *, content: bool) -> list[str]:
    """What must be read of the turn."""
    request = f"[request]        {_ASKED}; 1 message, the last from user; {_OFFER}"
    silent = ["[text]           started", f"[finish]         stop; completed; {_UNCALLED}; {_COUNTED}"]
    if way == "silent":
        return [request, *silent]
    if way == "refusing":
        words = ": Error code: 400 - property 'tools' is unsupported" if content else ""
        failed = f"[error]          openai.BadRequestError{words}"
        return [request, failed, f"[finish]         failed; {_UNCALLED}; no usage reported"]
    calls = [line for at in range(len(story.CALLS)) for line in _call(way, at, content=content)]
    if way == "broken":  # known to be so only at the end
        calls.sort(key=lambda line: "completed" in line)
    told = "2 tool calls, 2 not valid" if way == "broken" else "2 tool calls"
    called = [request, *calls, f"[finish]         tool_calls; completed; {told}; {_COUNTED}"]
    again = f"[request]        {_ASKED}; 4 messages, the last from tool; {_OFFER}"
    answered = [f"[tool answered]  {name} (call_{at})" for at, (name, _) in enumerate(story.CALLS)]
    return [*called, again, *answered, *silent]


def _call(way: str, at: int, *, content: bool) -> Iterator[str]:
    name, arguments = story.CALLS[at]
    text, outcome = json.dumps(arguments), "valid"
    if way == "broken":
        text, outcome = text[:-1], "invalid"
    pieces = -(-len(text) // cerebras.FRAGMENT) if way == "fragments" else 1
    counted = f"{len(text)} B in {pieces} fragment{'' if pieces == 1 else 's'}"
    yield f"[tool detected]  {name} (call_{at})"
    yield f"[tool completed] {name} (call_{at}): {outcome}; {counted}{f'; {text}' if content else ''}"


def problems(framework: Framework, way: str, *, content: bool) -> Iterator[str]:
    """Where the lines of a turn are not those, or the agent did not do its work."""
    folder = environment.CACHE / "last-run" / f"logs-{way}-{'content' if content else 'no-content'}"
    folder.mkdir(parents=True, exist_ok=True)
    done = observe(framework, way, folder, **({_CAPTURE: "SPAN_ONLY"} if content else {}))
    if (story.ANSWER not in done.output) is not (way == "refusing"):
        yield f"answered {done.output[-300:]!r}: {done.complaints[-1000:]}"
    found, wanted = lines(done), expected(way, content=content)
    yield from (f"{line!r} is missing" for line in wanted if line not in found)
    yield from (f"{line!r} is unexpected" for line in found if line not in wanted)
    if sorted(found) == sorted(wanted) and found != wanted:
        yield f"the order is {found}"
    if not content and any(story.PRIVATE in line for line in found):
        yield "the lines contain private text"
