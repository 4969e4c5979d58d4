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
def test_embeddings_have_model_dimensions_and_tokens(build: Any) -> None:
    """The model, the number of dimensions and the input tokens are read; there is no output."""
    assert events_of(build(answer([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]))) == [
        Started(None, "e-1", dimensions=3),
        Usage(5),
    ]


@BUILDERS
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 256, 1536, 3072])
def test_base64_vector_has_as_many_dimensions_as_packed_numbers(count: int, build: Any) -> None:
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
def test_dimensions_are_unknown_without_a_vector(
    body: dict[str, Any], dimensions: int | None, build: Any
) -> None:
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
def test_embeddings_usage_has_input_tokens_only(usage: Any, events: list[Event], build: Any) -> None:
    """The usage has the input tokens as a whole: the convention has no other for embeddings."""
    assert events_of(build(answer([1.0], usage=usage)))[1:] == events


@BUILDERS
def test_error_in_place_of_vectors_is_a_failure_without_its_message(build: Any) -> None:
    """An error in place of vectors is a failure with its code; its message is not kept."""
    events = events_of(build({"error": {"code": 429, "message": "What the user said."}}))
    assert events == [Finished(0, None, "429")]


@BUILDERS
@pytest.mark.parametrize(
    "body", [None, 1, "text", [], {}, object()], ids=lambda body: repr(body).partition(" at ")[0]
)
def test_empty_embeddings_have_no_events(body: Any, build: Any) -> None:
    """A body without model, usage or vectors has no events."""
    assert events_of(build(body)) == []


def test_no_number_of_a_vector_is_kept() -> None:
    """No number of a vector is in an event or in the reader."""
    reader = EmbeddingsReader()
    assert "0.123" not in repr(reader.read(answer([0.123, 0.5])))
    assert not hasattr(reader, "__dict__")


def test_embeddings_with_a_part_of_another_type_are_read() -> None:
    """Any part may be of another type; the SDK object and the dict give the same events."""
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
