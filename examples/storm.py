"""An application that meets every fault of `faulty_server` in turn.

    opentelemetry-instrument python examples/storm.py --rounds 5

Its only telemetry is `toolspan.tool`, and a conversation for the faults. It prints its own counts as JSON,
for comparison with the telemetry. With `--hang` it keeps a stream open that sends nothing more, until its
standard input ends.
"""

import argparse
import json
import sys
import time
from collections import Counter
from typing import Any

from agent import TOOLS
from demo_server import demo_server
from faulty_server import FAULTS, FaultyHandler
from openai import OpenAI

import toolspan

QUESTION: list[Any] = [
    {"role": "user", "content": "What is the weather in Paris, and what time is it there?"}
]
RESULT: list[Any] = [
    *QUESTION,
    {"role": "tool", "tool_call_id": "call_weather_1", "content": "18 °C"},
    {"role": "tool", "tool_call_id": "call_time_2", "content": "14:05"},
]
WANTED = {"get_weather": "city", "get_time": "tz"}
"""The tools, and the required argument of each: a string."""
TIMEOUT = 0.3
"""Seconds that the application waits for the late answer."""
Seen = dict[str, Counter[str]]


def ask(client: OpenAI, model: str, messages: list[Any], seen: Seen) -> None:
    """Stream one answer, and count its end, its tokens and its calls."""
    seen["requests"][model] += 1
    calls: dict[int, list[str]] = {}
    finished = False
    try:
        stream = client.chat.completions.create(
            model=model, messages=messages, tools=TOOLS, stream=True, stream_options={"include_usage": True}
        )
        for chunk in stream:
            count_tokens(chunk.usage, seen)
            for choice in chunk.choices:
                finished = finished or choice.finish_reason is not None
                for piece in choice.delta.tool_calls or []:
                    call = calls.setdefault(piece.index, ["", ""])
                    call[0] += (piece.function and piece.function.name) or ""
                    call[1] += (piece.function and piece.function.arguments) or ""
        seen["streams"]["completed" if finished else "truncated"] += 1
    except Exception as error:  # whatever the SDK raises is counted by its type
        seen["errors"][f"{model} {type(error).__name__}"] += 1
        seen["streams"]["failed"] += 1
    for name, arguments in calls.values():
        seen["calls"][f"{name} {judged(name, arguments, finished)}"] += 1


def judged(name: str, text: str, finished: bool) -> str:
    """Return the outcome of a tool call in the words of toolspan's telemetry."""
    try:
        arguments = json.loads(text)
    except ValueError:
        return "invalid" if finished else "unfinished"
    if name not in WANTED:
        return "unknown_tool"
    if WANTED[name] not in arguments:
        return "missing_argument"
    return "valid" if isinstance(arguments[WANTED[name]], str) else "wrong_type"


def run(name: str, result: dict[str, str], seen: Seen, works: bool) -> dict[str, str]:
    """Run a tool that returns this result or fails, and return the message for the model."""
    try:
        with toolspan.tool(name, call_id=result["tool_call_id"]):
            if not works:
                raise ValueError("out of order")
    except ValueError as error:
        seen["runs"][f"{name} {type(error).__name__}"] += 1
        return {**result, "content": f"error: {error}"}
    seen["runs"][f"{name} "] += 1
    return result


def count_tokens(usage: Any, seen: Seen) -> None:
    """Add the usage that the provider reports for an answer."""
    if usage is not None:
        details = usage.prompt_tokens_details
        seen["tokens"]["input"] += usage.prompt_tokens
        seen["tokens"]["output"] += usage.completion_tokens
        seen["tokens"]["cached"] += (details and details.cached_tokens) or 0


def one_round(client: OpenAI, seen: Seen, number: int) -> None:
    """Run two turns of an agent, with a clock that fails every other time, and one request for each fault."""
    ask(client, "demo", QUESTION, seen)
    weather = run("get_weather", RESULT[-2], seen, works=True)
    clock = run("get_time", RESULT[-1], seen, works=number % 2 == 1)
    ask(client, "demo", [*QUESTION, weather, clock], seen)
    # In one conversation, so that a request that fails in each round is a runaway.
    with toolspan.attributes({"gen_ai.conversation.id": "storm"}):
        for model in sorted(FAULTS.keys() - {"hanging", "cached", "late"}):
            ask(client, model, QUESTION, seen)
    ask(client.with_options(max_retries=0, timeout=TIMEOUT), "late", QUESTION, seen)
    seen["requests"]["cached"] += 1
    count_tokens(client.chat.completions.create(model="cached", messages=QUESTION).usage, seen)


def main() -> None:
    """Run the rounds, then print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="0: until interrupted")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between two rounds")
    parser.add_argument("--hang", action="store_true", help="keep one stream open that sends nothing more")
    options = parser.parse_args()
    seen: Seen = {name: Counter() for name in ("requests", "streams", "errors", "calls", "runs", "tokens")}
    with demo_server(pause=0.005, handler=FaultyHandler) as base_url:
        client = OpenAI(base_url=base_url, api_key="demo", max_retries=2)
        hanging: Any = None
        if options.hang:
            hanging = client.with_options(timeout=None).chat.completions.create(
                model="hanging", messages=QUESTION, stream=True
            )
            next(iter(hanging))
        done = 0
        while not options.rounds or done < options.rounds:
            one_round(client, seen, done)
            done += 1
            time.sleep(options.pause)
        print(json.dumps(seen), flush=True)
        if hanging is not None:
            sys.stdin.read()
            hanging.close()


if __name__ == "__main__":
    main()
