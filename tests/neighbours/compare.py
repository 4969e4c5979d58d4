"""`python -m tests.neighbours.compare`: six instrumentations, each alone, as the table of the README.

Each runs with its defaults in a process of its own, against the same scripted answers, in the environment of
`make neighbours`. `… compare NAME` prints the facts of one as JSON.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import openai
from opentelemetry import _logs, metrics, trace

from tests.sdk import script, wire
from tests.sdk.script import Transport
from tests.sdk.sdk import http
from tests.sdk.telemetry import Telemetry

from . import play

PAGE = Path(__file__).parents[2] / "README.md"
PROMPT = "What is the secret of Bern?"
CHUNKS = 200


def toolspan(telemetry: Telemetry) -> None:
    """Instrument the SDK with toolspan."""
    from toolspan import OpenAIInstrumentor

    OpenAIInstrumentor().instrument()


PEERS = {
    "toolspan": ("toolspan", toolspan),
    "OpenTelemetry": ("opentelemetry-instrumentation-genai-openai", play.genai),
    "OpenInference": ("openinference-instrumentation-openai", play.openinference),
    "Traceloop": ("opentelemetry-instrumentation-openai", play.traceloop),
    "Logfire": ("logfire", play.logfire),
    "Langfuse": ("langfuse", play.langfuse),
}
TEXT = [
    wire.chunk({"role": "assistant", "content": ""}),
    *[wire.text("word ")] * CHUNKS,
    wire.chunk(None, "stop"),
]
ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": PROMPT}]}


def client(name: str, *answers: Any) -> Any:
    """Return a client of the SDK, or Langfuse's, which gets these answers."""
    if name == "Langfuse":
        from langfuse.openai import OpenAI
    else:
        from openai import OpenAI
    return OpenAI(
        **play.URL, max_retries=0, http_client=http.Client(transport=http.MockTransport(Transport(*answers)))
    )


def calls(name: str) -> int:
    """Return the Python calls by which the loop over a stream of text has grown long."""
    stream = client(name, script.stream(*TEXT, wire.DONE)).chat.completions.create(stream=True, **ASK)
    chunks, count = iter(stream), 0
    for _ in range(20):
        next(chunks)

    def profile(frame: Any, event: str, _: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    for _ in range(100):
        next(chunks)
    sys.setprofile(None)
    for _ in chunks:
        pass
    return count


def everything(telemetry: Telemetry, spans: int = 0, records: int = 0) -> str:
    """Return what was recorded after this many spans and log records, as one text."""
    signals = [*telemetry.everything_ended[spans:], *telemetry.records[records:]]
    return " ".join(
        f"{getattr(each, 'body', '')} {dict(each.attributes or {})} "
        f"{[(event.name, dict(event.attributes)) for event in getattr(each, 'events', ())]}"
        for each in signals
    )


class Scenes:
    """The scenarios with one instrumentation, each with what is recorded meanwhile."""

    def __init__(self, name: str, telemetry: Telemetry) -> None:
        self._name, self._telemetry = name, telemetry
        self._seen = (0, 0)

    def ask(self, answer: Any, **more: Any) -> Any:
        """Return the answer to the prompt."""
        self._seen = (len(self._telemetry.everything_ended), len(self._telemetry.records))
        return client(self._name, answer).chat.completions.create(**ASK, **more)

    @property
    def recorded(self) -> str:
        """What was recorded since the last request began."""
        return everything(self._telemetry, *self._seen)

    def tool_call(self) -> dict[str, Any]:
        """Stream two tool calls; look at what is recorded before the stream has ended."""
        stream = self.ask(script.CALLS, stream=True, tools=[wire.TOOL])
        meanwhile = False
        for _chunk in stream:
            meanwhile |= "call_0" in self.recorded
        return {
            "same class": type(stream) is openai.Stream,
            "meanwhile": meanwhile,
            "prompt": PROMPT in self.recorded,
        }

    def closed(self) -> bool:
        """Close a stream after five chunks; look whether its span ends."""
        stream = self.ask(script.stream(*TEXT, wire.DONE), stream=True)
        chunks = iter(stream)
        for _ in range(5):
            next(chunks)
        stream.close()
        return len(self._telemetry.everything_ended) > self._seen[0]

    def broken(self) -> bool:
        """Get arguments that are JSON and some that are not; compare the rest of what is recorded."""
        said = []
        for arguments in ('{"city": "Bern"}', '{"city": "Bern"]'):
            self.ask(script.whole(wire.answer(None, calls=[("get_weather", arguments)])), tools=[wire.TOOL])
            said.append(re.sub(r'"?\{\\*"city[^}\]]*."?|[\d.e-]+|[0-9a-f]{16,}', "", self.recorded))
        return said[0] != said[1]

    def cost(self) -> bool:
        """Get an answer that reports its cost; look for it."""
        usage = {"prompt_tokens": 50, "completion_tokens": 100, "total_tokens": 150, "cost": 0.4321}
        self.ask(script.whole({**wire.answer(), "usage": usage}))
        return "0.4321" in self.recorded


def facts(name: str) -> dict[str, Any]:
    """Play the scenarios with one instrumentation and return what was found."""
    before, telemetry = calls("bare"), Telemetry()
    if name != "Logfire":  # it sets its own providers
        trace.set_tracer_provider(telemetry.tracers)
        metrics.set_meter_provider(telemetry.meters)
        _logs.set_logger_provider(telemetry.loggers)
    package, on = PEERS[name]
    on(telemetry)
    calls(name)
    scenes = Scenes(name, telemetry)
    return {
        "version": version(package),
        "chunk": (calls(name) - before) / 100,
        **scenes.tool_call(),
        "broken": scenes.broken(),
        "closed": scenes.closed(),
        "cost": scenes.cost(),
    }


ROWS = {
    "shows a tool call while the answer streams": "meanwhile",
    "shows that a tool call cannot be executed": "broken",
    "records no prompt, unless told to": "private",
    "returns the SDK's own `Stream`": "same class",
    "ends the span of a stream that is closed early": "closed",
    "records the cost that the server reports": "cost",
    "Python calls added to each chunk of text": "chunk",
}
"""The rows of the table, each with the fact that it shows."""


def table() -> str:
    """Play each instrumentation in a process of its own; return the table."""
    found = {}
    for name in PEERS:
        command = [sys.executable, "-m", "tests.neighbours.compare", name]
        done = subprocess.run(command, cwd=PAGE.parent, capture_output=True, text=True, check=True)
        found[name] = json.loads(done.stdout.splitlines()[-1])
        found[name]["private"] = not found[name]["prompt"]
    lines = ["| | " + " | ".join(f"{name} {each['version']}" for name, each in found.items()) + " |"]
    lines.append("| --- |" + " :-: |" * len(found))
    lines += (
        f"| {row} | " + " | ".join(_cell(each[fact]) for each in found.values()) + " |"
        for row, fact in ROWS.items()
    )
    return "\n".join(lines)


def _cell(value: float) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else f"{value:.0f}"


def main() -> None:
    """Print the facts of one instrumentation, or write the table of all into the README."""
    if sys.argv[1:]:
        print(json.dumps(facts(sys.argv[1])))
        return
    marked = re.compile(r"(<!-- make compare -->\n).*?(<!-- end -->)", re.DOTALL)
    PAGE.write_text(marked.sub(rf"\g<1>\n{table()}\n\n\g<2>", PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
