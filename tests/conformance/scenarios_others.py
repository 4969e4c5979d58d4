"""Scenarios of fetched responses, embeddings and legacy completions; must not know what is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..sdk import script
from ..sdk.sdk import http
from ..wire.response_shapes import ends, message, response
from ..wire.responses_texts import COMPACTED
from ..wire.test_chat_completions import STREAM, TWO
from ..wire.test_embeddings import answer, packed
from .scenario import Scenario, made, stream
from .scenarios_responses import CALLS, HELLO

Ask = Mapping[str, Any]
_ERROR = {"error": {"message": "No such thing.", "type": "invalid_request_error", "code": "not_found"}}
_S = {"stream": True}


def fetch(client: Any, ask: Ask) -> None:
    """Fetch a response."""
    made(client.responses.retrieve, ask)


def leave(client: Any, ask: Ask) -> None:
    """Fetch a response's stream, read two events and close it."""
    with client.responses.retrieve(**ask) as found:
        next(found)
        next(found)


def embed(client: Any, ask: Ask) -> None:
    """Ask for embeddings."""
    made(client.embeddings.create, ask)


def complete(client: Any, ask: Ask) -> None:
    """Ask for a legacy completion."""
    made(client.completions.create, ask)


def _fetch(answer: Any, ask: Ask | None = None, act: Any = fetch, **more: Any) -> Scenario:
    return Scenario(
        answer,
        ask or {},
        act,
        always={"response_id": "resp_1"},
        operation="fetch_response",
        method="responses.retrieve",
        **more,
    )


def _embed(answer: Any, ask: Ask | None = None, **more: Any) -> Scenario:
    always = {"model": "e-test", "input": ["Bern", "Oslo"]}
    return Scenario(
        answer, ask or {}, embed, always=always, operation="embeddings", method="embeddings.create", **more
    )


def _complete(answer: Any, ask: Ask | None = None, **more: Any) -> Scenario:
    always = {"model": "gpt-test", "prompt": "Once upon a time"}
    return Scenario(
        answer,
        ask or {},
        complete,
        always=always,
        operation="text_completion",
        method="completions.create",
        **more,
    )


CASES: dict[str, Scenario] = {
    "fetched": _fetch(script.whole(response(HELLO, CALLS[-1]["response"]["output"][1]))),
    "fetched, streamed": _fetch(stream(*CALLS), _S),
    "fetched from a cursor": _fetch(stream(*CALLS[10:]), {**_S, "starting_after": 10}),
    "fetched, closed": _fetch(stream(*CALLS), _S, leave),
    "fetched, cut": _fetch(stream(*CALLS[:9], done=False), _S),
    "fetched while queued": _fetch(script.whole(response(status="queued"))),
    "fetched while in progress": _fetch(script.whole(response(message("Hel"), status="in_progress"))),
    "fetched, failed": _fetch(script.whole(response(status="failed", error={"code": "server_error"}))),
    "fetched, failed, streamed": _fetch(stream(ends(status="failed", error={"code": "server_error"})), _S),
    "fetched, cancelled": _fetch(script.whole(response(status="cancelled"))),
    "fetched, incomplete": _fetch(
        script.whole(response(status="incomplete", incomplete_details={"reason": "max_output_tokens"}))
    ),
    "fetched, compacted": _fetch(script.whole(response(COMPACTED, HELLO))),
    "not there": _fetch(script.whole(_ERROR, status=404)),
    "no connection to fetch": _fetch(http.ConnectError("nobody there")),
    "fetched from another provider": _fetch(
        script.whole(response(HELLO)), base_url="https://openrouter.ai/api/v1"
    ),
    "embeddings": _embed(script.whole(answer([0.5, 0.25])), {"encoding_format": "float", "dimensions": 2}),
    "embeddings as base64": _embed(script.whole(answer(packed(256), packed(256)))),
    "embeddings with details": _embed(
        script.whole(answer([0.5], usage={"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 1}}))
    ),
    "embeddings with a cost": _embed(
        script.whole(answer([0.5], usage={"prompt_tokens": 7, "cost": 1e-6})), {"model": "e-test"}
    ),
    "embeddings with a computed cost": _embed(
        script.whole(answer([0.5])), {"model": "text-embedding-3-small"}
    ),
    "embeddings without vectors": _embed(script.whole(answer())),
    "embeddings 400": _embed(script.whole(_ERROR, status=400)),
    "embeddings of another provider": _embed(
        script.whole(answer([0.5])), base_url="https://api.mistral.ai/v1"
    ),
    "completion": _complete(
        script.whole({**STREAM[-1], "choices": [{"text": "Hi", "index": 0, "finish_reason": "stop"}]})
    ),
    "completion, streamed": _complete(stream(*STREAM), _S),
    "completion, cut": _complete(stream(*STREAM[:2], done=False), _S),
    "completions of two prompts": _complete(stream(*TWO), {**_S, "prompt": ["a", "b"]}),
    "completion of tokens": _complete(stream(*STREAM), {**_S, "prompt": [1, 2, 3]}),
    "completion with parameters": _complete(
        script.whole(TWO[-1]),
        {
            "n": 2,
            "max_tokens": 5,
            "seed": 7,
            "stop": "x",
            "frequency_penalty": 0.5,
            "extra_body": {"top_k": 4},
        },
    ),
    "completion 400": _complete(script.whole(_ERROR, status=400)),
}
"""Every kind of request and answer of these APIs, by name."""
