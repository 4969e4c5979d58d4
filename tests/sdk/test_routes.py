"""Requests to other endpoints: they work unchanged, and telemetry has nothing of them.

The async client's pages are iterated; both clients' pages are awaited results.
"""

from __future__ import annotations

from typing import Any

import pytest

from . import script, wire, wire_responses
from .api import door
from .observe import same
from .sdk import Face, both_faces
from .telemetry import Telemetry

MODEL = {"id": "m", "object": "model", "created": 1, "owned_by": "o"}

PAGE = {"object": "list", "data": [MODEL], "has_more": False, "first_id": "m", "last_id": "m"}

FILE = {"id": "file_1", "object": "file", "bytes": 1, "created_at": 1, "filename": "x", "purpose": "batch"}

CONVERSATION = {"id": "conv_1", "object": "conversation", "created_at": 1, "metadata": {}}

RESPONSE = wire_responses.response()

IMAGES = {"created": 1, "data": [{"b64_json": "AA=="}]}


METHODS: dict[str, tuple[dict[str, Any], Any]] = {
    "models.list": ({}, PAGE),
    "models.retrieve": ({"model": "m"}, MODEL),
    "models.delete": ({"model": "m"}, {"id": "m", "object": "model", "deleted": True}),
    "files.list": ({}, PAGE),
    "files.retrieve": ({"file_id": "file_1"}, FILE),
    "files.content": ({"file_id": "file_1"}, b"text"),
    "batches.create": (
        {"completion_window": "24h", "endpoint": "/v1/responses", "input_file_id": "f"},
        {"id": "batch_1", "object": "batch"},
    ),
    "chat.completions.list": ({}, {**PAGE, "data": [wire.answer()]}),
    "chat.completions.retrieve": ({"completion_id": "chatcmpl-1"}, wire.answer()),
    "chat.completions.update": ({"completion_id": "chatcmpl-1", "metadata": {}}, wire.answer()),
    "chat.completions.delete": ({"completion_id": "chatcmpl-1"}, {"id": "chatcmpl-1", "deleted": True}),
    "chat.completions.messages.list": ({"completion_id": "chatcmpl-1"}, PAGE),
    "responses.cancel": ({"response_id": "resp_1"}, RESPONSE),
    "responses.delete": ({"response_id": "resp_1"}, b""),
    "responses.input_items.list": ({"response_id": "resp_1"}, {**PAGE, "data": []}),
    "responses.input_tokens.count": ({"model": "m", "input": "x"}, {"input_tokens": 3}),
    "beta.responses.cancel": ({"response_id": "resp_1"}, RESPONSE),
    "beta.responses.input_items.list": ({"response_id": "resp_1"}, {**PAGE, "data": []}),
    "conversations.create": ({}, CONVERSATION),
    "conversations.retrieve": ({"conversation_id": "conv_1"}, CONVERSATION),
    "conversations.items.list": ({"conversation_id": "conv_1"}, {**PAGE, "data": []}),
    "vector_stores.search": ({"vector_store_id": "vs_1", "query": "x"}, {**PAGE, "data": []}),
}


@both_faces
@pytest.mark.parametrize("method", METHODS)
def test_other_endpoints_are_left_alone(face: Face, method: str, telemetry: Telemetry) -> None:
    """Requests give the same, pages too, without any span, metric or log record."""
    given, answer = METHODS[method]

    async def scenario(face: Face, client: Any) -> Any:
        return await face.done(door(client, method)(**given))

    sight = same(face, scenario, lambda: [script.whole(answer)], telemetry)
    assert len(sight.requests) == 1
    assert (telemetry.started, telemetry.metrics(), telemetry.records) == ([], [], [])


@both_faces
def test_paging_is_left_alone(face: Face, telemetry: Telemetry) -> None:
    """An iteration over all pages makes the same requests."""

    async def scenario(face: Face, client: Any) -> Any:
        return await face.read(client.models.list() if face.name == "async" else client.models.list().data)

    assert same(face, scenario, lambda: [script.whole(PAGE)], telemetry).requests
    assert telemetry.started == []


BY_HAND = [
    ("post", "/responses"),  # without a body
    ("post", "/chat/completions"),
    ("get", "/chat/completions"),
    ("get", "/embeddings"),
    ("get", "/responses"),
    ("get", "/responses/resp_1/input_items"),
    ("post", "/responses/resp_1"),
    ("post", "/chat/completions/chatcmpl-1"),
    ("put", "/responses"),
    ("delete", "/responses/resp_1"),
    ("post", "/responses/compact/more"),
    ("post", "/v2/embeddings"),
    ("post", "chat/completions/"),
]


@both_faces
@pytest.mark.parametrize(("verb", "path"), BY_HAND, ids=str)
def test_other_paths_are_left_alone(face: Face, verb: str, path: str, telemetry: Telemetry) -> None:
    """Another method on a traced path, or a similar path, makes no span."""

    async def scenario(face: Face, client: Any) -> Any:
        return await face.done(getattr(client, verb)(path, cast_to=object))

    assert same(face, scenario, lambda: [script.whole(PAGE)], telemetry).requests
    assert telemetry.started == []
