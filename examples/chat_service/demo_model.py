"""The answers of the demo's model, which depend on words of the question."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

Json = dict[str, Any]

HINTS = (
    "What are the weather and the time in Paris?",
    "Convert 20 EUR to USD, and what is the weather in Rome?",
    "Find hotels in Oslo. What is the weather there?",
    "Rate limit: what is the time in Lima?",
    "Break off: what are the weather and the time in Bern?",
    "Hang: what is the time in Cairo?",
    "Say something nice.",
)
"""Questions that show the service; the beginning of some of them names a fault, which they cause."""
CALLS: dict[str, tuple[str, Callable[[str], Json]]] = {
    "weather": ("get_weather", lambda city: {"city": city}),
    "time": ("get_time", lambda city: {"city": city}),
    "convert": ("convert_money", lambda city: {"amount": 20, "source": "EUR", "target": "USD"}),
    "hotels": ("find_hotels", lambda city: {"city": city, "nights": 2}),
}
PLEASANTRY = (
    "Travelling is the shortest way to a story worth telling, and asking for the way is the shortest way "
    "into a conversation. Ask me about the weather, the time, hotels or money, wherever you want to go."
)
SUMMARY = "The user plans a journey and has asked about the weather and the time in several cities."


def question_of(request: Json) -> tuple[str, list[Json]]:
    """Return the last question, and the messages after it."""
    messages = request["messages"]
    at = max(at for at, message in enumerate(messages) if message["role"] == "user")
    return messages[at]["content"], messages[at + 1 :]


def calls(request: Json) -> list[Json]:
    """Return the calls for a question; none if they have results, or if the request offers no tools."""
    question, since = question_of(request)
    if since or not request.get("tools"):
        return []
    city = (re.findall(r"\bin ([A-Z]\w+)", question) or ["Paris"])[0]
    found = [(name, make(city)) for word, (name, make) in CALLS.items() if word in question.lower()]
    return [
        {"index": at, "id": f"call_{secrets.token_hex(4)}", "name": name, "arguments": json.dumps(arguments)}
        for at, (name, arguments) in enumerate(found)
    ]


def text(request: Json) -> str:
    """Return the answer as text."""
    if request["messages"][0]["content"].startswith("Summarise"):
        return SUMMARY
    results = [message["content"] for message in question_of(request)[1] if message["role"] == "tool"]
    return f"Here is what I found: {'; '.join(results)}." if results else PLEASANTRY


def deltas(request: Json) -> list[tuple[Json, str | None]]:
    """Return the answer as (delta, finish reason) pairs of one token each, in the order of a real server."""
    called = calls(request)
    words = re.findall(r"\S+\s*", text(request))
    pieces = _called(called) if called else ({"content": word} for word in words)
    first: Json = {"role": "assistant", "content": None}
    return [(first, None), *((delta, None) for delta in pieces), ({}, "tool_calls" if called else "stop")]


def _called(called: list[Json]) -> Iterator[Json]:
    for call in called:
        head = {"type": "function", "function": {"name": call["name"], "arguments": ""}}
        yield {"tool_calls": [{"index": call["index"], "id": call["id"], **head}]}
        for piece in re.findall(r".{1,4}", call["arguments"]):
            yield {"tool_calls": [{"index": call["index"], "function": {"arguments": piece}}]}
