"""A client of the proxy: one streamed chat with tools under each policy that is named.

`python client.py http://127.0.0.1:4000/v1 passes hangs`. Prints a line of JSON for each: the trace, how many
chunks arrived, and how it ended.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from openai import APIError, OpenAI
from opentelemetry import trace

import toolspan

SECONDS = 4.0  # without a chunk, after which the client gives up
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {"type": "object", "properties": {parameter: {"type": "string"}}},
        },
    }
    for name, parameter in (("get_weather", "city"), ("get_time", "tz"))
]
QUESTION: list[Any] = [{"role": "user", "content": "What are the weather and the time in Paris?"}]


def ask(client: OpenAI, policy: str, leave_after: int | None = None) -> dict[str, Any]:
    """One chat; `leave_after` so many chunks nobody wants more."""
    tracer = trace.get_tracer("client")
    with tracer.start_as_current_span(f"ask under {policy}") as span:
        found = {"policy": policy, "trace": f"{span.get_span_context().trace_id:032x}"}
        route = toolspan.Route()
        stream = client.chat.completions.create(
            model="demo",
            messages=QUESTION,
            tools=TOOLS,
            stream=True,
            extra_headers={**route.headers, "x-policy": policy},
        )
        count, ended = 0, "completed"
        try:
            for _ in until(toolspan.stage("client", stream, route=route), leave_after):
                count += 1
        except APIError as error:
            ended = type(error).__name__
        return {**found, "stream": route.stream_id, "chunks": count, "ended": ended}


def until(stream: Any, leave_after: int | None) -> Iterator[Any]:
    """The chunks; then the stream is closed."""
    with stream:
        for count, chunk in enumerate(stream, 1):
            yield chunk
            if count == leave_after:
                return


def main(url: str, policies: list[str]) -> None:
    """Ask under each policy; `name:3` leaves after three chunks."""
    with OpenAI(base_url=url, api_key="none", timeout=SECONDS, max_retries=0) as client:
        for named in policies:
            policy, _, leave_after = named.partition(":")
            print(json.dumps(ask(client, policy, int(leave_after) if leave_after else None)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
