"""The table of APIs over which the same tests run."""

from __future__ import annotations

from dataclasses import replace

from . import wire, wire_messages, wire_others, wire_responses
from .api import Api
from .features import needs

_COMPACTED = {
    "id": "resp_2",
    "object": "response.compaction",
    "created_at": 1,
    "output": [
        wire_responses.message("Hello"),
        {"id": "cmp_1", "type": "compaction", "encrypted_content": "secret"},
    ],
    "usage": wire_responses.COUNTS,
}
CHAT = Api(
    "chat",
    "chat.completions",
    wire.ASK,
    wire.answer(),
    text=wire.TEXT,
    calls=wire.CALLS,
    finished=4,
    path="/chat/completions",
    chunk="chat.ChatCompletionChunk",
    helpers=("chat.completions.stream", "beta.chat.completions.stream"),
    final="get_final_completion",
)
RESPONSES = Api(
    "responses",
    "responses",
    {"model": "gpt-test", "input": "What now?"},
    wire_responses.ANSWER,
    text=wire_responses.TEXT,
    calls=wire_responses.CALLS,
    finished=len(wire_responses.TEXT),
    done=(),
    helpers=("responses.stream",),
    marks=(needs("responses.create"),),
)
BETA = replace(
    RESPONSES,
    name="beta",
    resource="beta.responses",
    path="/responses?beta=true",
    chunk="beta.BetaResponseStreamEvent",
    helpers=(),
    marks=(needs("beta.responses.create"),),
)
FETCHED = replace(
    RESPONSES,
    name="fetched",
    verb="retrieve",
    ask={"response_id": "resp_1"},
    span="fetch_response",
    path="/responses/resp_1",
    method="get",
    marks=(needs("responses.retrieve:stream"),),
)
COMPLETIONS = Api(
    "completions",
    "completions",
    {"model": "gpt-test", "prompt": "What now?"},
    wire_others.ANSWER,
    text=wire_others.TEXT,
    calls=wire_others.TEXT,
    finished=3,
    span="text_completion gpt-test",
    path="/completions",
    chunk="Completion",
)
EMBEDDINGS = Api(
    "embeddings",
    "embeddings",
    {"model": "gpt-test", "input": "What now?"},
    wire_others.EMBEDDINGS,
    span="embeddings gpt-test",
    path="/embeddings",
)
MESSAGES = Api(
    "messages",
    "messages",
    wire_messages.ASK,
    wire_messages.ANSWER,
    text=wire_messages.TEXT,
    calls=wire_messages.CALLS,
    finished=6,
    done=(),
    path="/v1/messages",
    package="anthropic",
    chunk="RawMessageStreamEvent",
)
"""The API of Anthropic's SDK, which no other SDK has."""
FLOATS = replace(EMBEDDINGS, ask={**EMBEDDINGS.ask, "encoding_format": "float"})
"""Embeddings for which no SDK needs numpy."""
COMPACTED = replace(
    RESPONSES,
    name="compacted",
    verb="compact",
    path="/responses/compact",
    answer=_COMPACTED,
    text=(),
    marks=(needs("responses.compact"),),
)
STREAMED = (CHAT, RESPONSES, FETCHED, COMPLETIONS)
"""Those that stream, each with a reader of its own."""
HELPED = (CHAT, RESPONSES, FETCHED)
"""Those with a helper that reads a stream, in newer SDKs."""
ALL = (*STREAMED, BETA, EMBEDDINGS, COMPACTED)
