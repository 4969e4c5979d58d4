"""Requests with their tokens, and what they cost by hand; prices as of genai-prices 0.2.3, November 2026.

Each price is what the package's data says of the model, in dollars for a million tokens, and so does the
provider's own page that it was taken from.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from toolspan.wire.events import Usage
from toolspan.wire.providers import Endpoint

from .apis import CHAT, EMBEDDINGS, RESPONSES, Api

M = 1e-6
OPENAI = Endpoint("openai", "api.openai.com", 443)
REALTIME = Api("chat", "realtime", RESPONSES.request, RESPONSES.reader)


class Bill(NamedTuple):
    """One request: who is asked for what, the tokens, and the two parts of the cost in dollars."""

    endpoint: Endpoint
    model: str
    usage: Usage
    input: float
    output: float
    api: Api = CHAT
    fee: float = 0.0


BILLS: dict[str, Bill] = {
    # openai.com/api/pricing: input 2, cached 0.5, output 8
    "cached": Bill(
        OPENAI, "gpt-4.1-2025-04-14", Usage(1000, 200, 600), 400 * 2 * M + 600 * 0.5 * M, 200 * 8 * M
    ),
    # input 1.1, cached 0.275, output 4.4; reasoning is billed as output, in which it is contained
    "reasoning": Bill(
        OPENAI,
        "o4-mini",
        Usage(900, 5000, 100, reasoning=4800),
        800 * 1.1 * M + 100 * 0.275 * M,
        5000 * 4.4 * M,
    ),
    # input 0.25, cached 0.025, output 2
    "cached and reasoning": Bill(
        OPENAI,
        "gpt-5-mini-2025-08-07",
        Usage(12_000, 3000, 11_000, reasoning=2500),
        1000 * 0.25 * M + 11_000 * 0.025 * M,
        3000 * 2 * M,
        RESPONSES,
    ),
    # input 2.5, audio 32; output 10, audio 64; what is cached costs the same
    "audio": Bill(
        OPENAI,
        "gpt-audio",
        Usage(1200, 500, 100, audio_input=1000, audio_output=400),
        200 * 2.5 * M + 1000 * 32 * M,
        100 * 10 * M + 400 * 64 * M,
    ),
    # input 4, cached 0.4, audio 32, audio cached 0.4, image 5, image cached 0.5; output 16, audio 64
    "cached audio": Bill(
        OPENAI,
        "gpt-realtime",
        Usage(
            1000,
            300,
            500,
            image_input=200,
            audio_input=600,
            audio_output=250,
            text_cache_read=50,
            image_cache_read=150,
            audio_cache_read=300,
        ),
        150 * 4 * M + 50 * 0.4 * M + 50 * 5 * M + 150 * 0.5 * M + 300 * 32 * M + 300 * 0.4 * M,
        50 * 16 * M + 250 * 64 * M,
        REALTIME,
    ),
    # input 1, cache read 0.1, cache written for five minutes 1.25, output 5
    "cache written": Bill(
        Endpoint("anthropic", "api.anthropic.com", 443),
        "claude-haiku-4-5",
        Usage(10_000, 100, 2000, 7000),
        1000 * 1 * M + 2000 * 0.1 * M + 7000 * 1.25 * M,
        100 * 5 * M,
    ),
    # beyond 272 000 tokens all of them cost more: input 5, cached 0.5, output 22.5
    "long context": Bill(
        OPENAI,
        "gpt-5.4",
        Usage(300_000, 1000, 100_000),
        200_000 * 5 * M + 100_000 * 0.5 * M,
        1000 * 22.5 * M,
    ),
    "just not long": Bill(OPENAI, "gpt-5.4", Usage(272_000, 1000), 272_000 * 2.5 * M, 1000 * 15 * M),
    # input 0.3, cached 0.075, output 0.5; xAI's Chat Completions count reasoning beside the completion
    "reasoning beside": Bill(
        Endpoint("x_ai", "api.x.ai", 443),
        "grok-3-mini",
        Usage(100, 10, reasoning=500),
        100 * 0.3 * M,
        510 * 0.5 * M,
    ),
    "reasoning contained": Bill(
        Endpoint("x_ai", "api.x.ai", 443),
        "grok-3-mini",
        Usage(100, 510, reasoning=500),
        100 * 0.3 * M,
        510 * 0.5 * M,
        RESPONSES,
    ),
    # input 3, output 15, and 14 for a thousand requests
    "request": Bill(
        Endpoint("perplexity", "api.perplexity.ai", 443),
        "sonar-pro",
        Usage(10, 20),
        30 * M,
        300 * M,
        fee=0.014,
    ),
    "embeddings": Bill(OPENAI, "text-embedding-3-small", Usage(5000), 5000 * 0.02 * M, 0.0, EMBEDDINGS),
    # of other models that Azure, Groq, DeepSeek and Moonshot serve
    "azure": Bill(
        Endpoint("azure.ai.openai", "x.openai.azure.com", 443),
        "gpt-4o-2024-11-20",
        Usage(1000, 100, 400),
        600 * 2.5 * M + 400 * 1.25 * M,
        100 * 10 * M,
    ),
    "groq": Bill(
        Endpoint("groq", "api.groq.com", 443),
        "llama-3.3-70b-versatile",
        Usage(1000, 100),
        1000 * 0.59 * M,
        100 * 0.79 * M,
    ),
    "moonshot": Bill(
        Endpoint("moonshot_ai", "api.moonshot.ai", 443),
        "kimi-k2-0905-preview",
        Usage(1000, 100, 900),
        100 * 0.6 * M + 900 * 0.15 * M,
        100 * 2.5 * M,
    ),
    "fine-tuned": Bill(
        OPENAI, "ft:gpt-4o-mini-2024-07-18:org::id", Usage(1000, 100), 1000 * 0.3 * M, 100 * 1.2 * M
    ),
}


def chat_counts(usage: Usage) -> dict[str, Any]:
    """The same counts as Chat Completions write them."""
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "audio_tokens": usage.audio_input},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_output,
        },
    }
