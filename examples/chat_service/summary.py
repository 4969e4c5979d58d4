"""Shorten long conversations: the model summarises all messages before the last questions."""

from __future__ import annotations

import json
from typing import Any

from openai import AsyncOpenAI

Json = dict[str, Any]
INSTRUCTION = (
    "Summarise this conversation for the assistant that goes on with it: facts, results of tools, "
    "wishes of the user. At most 100 words."
)
HEADING = "Summary of the conversation so far: "


def estimate(messages: list[Json]) -> int:
    """Return the approximate number of tokens, four characters each, for servers that report no usage."""
    return len(json.dumps(messages, ensure_ascii=False)) // 4


def divide(messages: list[Json], questions: int) -> tuple[list[Json], list[Json]]:
    """Return the messages to summarise and those to keep."""
    # Cut before a question: a tool's result without its call would make the next request invalid.
    starts = [at for at, message in enumerate(messages) if message["role"] == "user"]
    at = starts[-questions] if len(starts) > questions > 0 else 0
    return messages[:at], messages[at:]


async def summarise(client: AsyncOpenAI, model: str, messages: list[Json], questions: int) -> list[Json]:
    """Return a summary and the messages since the last questions; the same list if nothing is older.

    Raises the client's errors.
    """
    old, kept = divide(messages, questions)
    if not old:
        return messages
    transcript = "\n".join(f"{each['role']}: {_words(each)}" for each in old)
    answer = await client.chat.completions.create(
        model=model,
        messages=[{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": transcript}],
    )
    text = answer.choices[0].message.content or ""
    return [{"role": "system", "content": HEADING + text}, *kept]


def _words(message: Json) -> str:
    calls = [call["function"] for call in message.get("tool_calls", [])]
    return " ".join([message.get("content") or "", *map(json.dumps, calls)]).strip()
