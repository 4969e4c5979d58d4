"""Long conversations: what was said before the last questions becomes a summary, made by the model.

It must not know when that is done.
"""

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
    """About how many tokens these are, for servers that count none: four characters each."""
    return len(json.dumps(messages, ensure_ascii=False)) // 4


def divide(messages: list[Json], questions: int) -> tuple[list[Json], list[Json]]:
    """What is old, and what is kept: it begins with a question, so that no result is without its call."""
    asked = [at for at, message in enumerate(messages) if message["role"] == "user"]
    at = asked[-questions] if len(asked) > questions > 0 else 0
    return messages[:at], messages[at:]


async def summarise(client: AsyncOpenAI, model: str, messages: list[Json], questions: int) -> list[Json]:
    """The messages, of which all but those since the last questions are summed up.

    Raises what the client raises; without anything old, the messages are given back as they are.
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
