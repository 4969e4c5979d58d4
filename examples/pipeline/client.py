"""A client of the proxy: one streamed chat with tools for each policy on the command line.

`python client.py http://127.0.0.1:4000/v1 passes hangs` prints a line of JSON for each: the trace's id, the
number of chunks that arrived, and the end of the stream.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from openai import APIError, OpenAI
from opentelemetry import trace

import toolspan

SECONDS = 4.0  # the client's timeout between two chunks
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
    """Run one chat; with `leave_after`, close the stream after that many chunks."""
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
    """Yield the chunks, all or as many as `leave_after`; then close the stream."""
    with stream:
        for count, chunk in enumerate(stream, 1):
            yield chunk
            if count == leave_after:
                return


def main(url: str, policies: list[str]) -> None:
    """Run one chat for each policy; `name:3` leaves after three chunks."""
    with OpenAI(base_url=url, api_key="none", timeout=SECONDS, max_retries=0) as client:
        for named in policies:
            policy, _, leave_after = named.partition(":")
            print(json.dumps(ask(client, policy, int(leave_after) if leave_after else None)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
