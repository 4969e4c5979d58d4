"""Embeddings: the model, the tokens and the dimensions, and never a number of a vector."""

from __future__ import annotations

import base64
import struct
from random import Random
from typing import Any

import pytest
from openai._models import construct_type
from openai.types import CreateEmbeddingResponse

from toolspan.wire.embeddings import EmbeddingsReader
from toolspan.wire.events import Event, Finished, Started, Usage

from . import randoms
from .reading import FULL, facts, plain, record_of, said
from .test_chat_malformed import paths, replaced


def sdk_answer(body: Any) -> Any:
    """The answer as the SDK builds it, without validation."""
    return construct_type(type_=CreateEmbeddingResponse, value=body)


def packed(count: int) -> str:
    """A vector of so many numbers as base64."""
    return base64.b64encode(struct.pack(f"<{count}f", *range(count))).decode()


def answer(*vectors: Any, **fields: Any) -> dict[str, Any]:
    """An answer with these vectors; `fields` replace or extend its own."""
    data = [
        {"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    return {"object": "list", "model": "e-1", "data": data, "usage": usage, **fields}


def events_of(body: Any) -> list[Event]:
    """All events of an answer."""
    reader = EmbeddingsReader()
    assert reader.output is True
    return reader.read(body) + reader.close()


BUILDERS = pytest.mark.parametrize("build", [plain, sdk_answer], ids=["dict", "sdk"])


@BUILDERS
def test_answer(build: Any) -> None:
    """Who answered, the size of the vectors, and the tokens taken; nothing was made."""
    assert events_of(build(answer([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]))) == [
        Started(None, "e-1", dimensions=3),
        Usage(5),
    ]


@BUILDERS
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 256, 1536, 3072])
def test_base64(count: int, build: Any) -> None:
    """Vectors as base64 have as many dimensions as numbers are packed in them."""
    (started, _) = events_of(build(answer(packed(count))))
    assert started == Started(None, "e-1", dimensions=count)


@BUILDERS
@pytest.mark.parametrize(
    ("body", "dimensions"),
    [
        (answer(), None),
        (answer(None), None),
        (answer([]), 0),
        (answer(3), None),
        (answer({"a": 1}), None),
        (answer(data=None), None),
        (answer(data={"embedding": [1.0]}), 1),
        (answer(data="x"), None),
        (answer(data=[3]), None),
    ],
    ids=["none", "null", "empty", "number", "object", "no-data", "one-object", "text", "no-objects"],
)
def test_dimensions(body: dict[str, Any], dimensions: int | None, build: Any) -> None:
    """Without a vector the dimensions are not known."""
    assert events_of(build(body))[0] == Started(None, "e-1", dimensions=dimensions)


@BUILDERS
@pytest.mark.parametrize(
    ("usage", "events"),
    [
        (None, []),
        ({}, []),
        ({"prompt_tokens": 0}, [Usage(0)]),
        ({"input_tokens": 7, "output_tokens": 2}, [Usage(7)]),
        ({"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 1, "image_tokens": 2}}, [Usage(7)]),
        ({"prompt_tokens": "7"}, []),
    ],
    ids=["null", "empty", "zero", "output", "details", "text"],
)
def test_usage(usage: Any, events: list[Event], build: Any) -> None:
    """The tokens of the input as a whole: the convention has no other for embeddings."""
    assert events_of(build(answer([1.0], usage=usage)))[1:] == events


@BUILDERS
def test_error_as_an_answer(build: Any) -> None:
    """An error in place of vectors is a failure, by its code; its words are not kept."""
    events = events_of(build({"error": {"code": 429, "message": "What the user said."}}))
    assert events == [Finished(0, None, "429")]


@BUILDERS
@pytest.mark.parametrize(
    "body", [None, 1, "text", [], {}, object()], ids=lambda body: repr(body).partition(" at ")[0]
)
def test_nothing(body: Any, build: Any) -> None:
    """What says nothing has no events."""
    assert events_of(build(body)) == []


def test_no_vector_kept() -> None:
    """No number of a vector is in an event or stays with the reader."""
    reader = EmbeddingsReader()
    assert "0.123" not in repr(reader.read(answer([0.123, 0.5])))
    assert not hasattr(reader, "__dict__")


def test_malformed() -> None:
    """Any part may be of another type; an SDK object says what the dict says."""
    rng = Random(1)
    body = answer([0.5, 0.25], packed(2), error={"code": "bad"})
    for path in paths(body):
        for new in (None, [], {}, "", -1, True, "x"):
            bent = replaced(body, path, new)
            assert facts(record_of(events_of(sdk_answer(bent)))) == facts(
                record_of(events_of(said(sdk_answer(bent))))
            )
    for _ in range(20_000 if FULL else 300):
        events_of(randoms.altered(rng, body, 0.2))
        events_of(sdk_answer(randoms.altered(rng, body, 0.2)))
        events_of(randoms.value(rng, 5))
