"""Load `data/bills.yaml`: requests with their tokens, and what they cost by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from toolspan.wire.events import Usage
from toolspan.wire.providers import Endpoint

from ..otel.apis import CHAT, EMBEDDINGS, RESPONSES, Api

OPENAI = Endpoint("openai", "api.openai.com", 443)
REALTIME = Api("chat", "realtime", RESPONSES.request, RESPONSES.reader)
APIS = {"chat": CHAT, "responses": RESPONSES, "realtime": REALTIME, "embeddings": EMBEDDINGS}


class Bill(NamedTuple):
    """One request, and its costs in dollars: of the input, of the output and for the request."""

    endpoint: Endpoint
    model: str
    usage: Usage
    input: float
    output: float
    api: Api
    fee: float


def dollars(parts: list[tuple[int, float]]) -> float:
    """Return the sum of pairs of tokens and their price for a million."""
    return sum(tokens * price * 1e-6 for tokens, price in parts)


def _bill(row: dict[str, Any]) -> Bill:
    return Bill(
        Endpoint(*row["server"], 443) if "server" in row else OPENAI,
        row["model"],
        Usage(**row["usage"]),
        dollars(row["input"]),
        dollars(row.get("output", [])),
        APIS[row.get("api", "chat")],
        row.get("fee", 0.0),
    )


ROWS = yaml.safe_load((Path(__file__).parent / "data" / "bills.yaml").read_text("utf-8"))
BILLS: dict[str, Bill] = {name: _bill(row) for name, row in ROWS.items()}


def chat_counts(usage: Usage) -> dict[str, Any]:
    """Return the counts as Chat Completions report them."""
    cached = {"cached_tokens": usage.cache_read, "audio_tokens": usage.audio_input}
    spoken = {"reasoning_tokens": usage.reasoning, "audio_tokens": usage.audio_output}
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "prompt_tokens_details": cached,
        "completion_tokens_details": spoken,
    }
