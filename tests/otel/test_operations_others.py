"""The spans of fetched responses, embeddings and legacy completions, under the convention's names."""

from __future__ import annotations

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from toolspan.wire.record import End

from ..wire.response_shapes import message, response
from ..wire.test_request_other_apis import COMPLETION as EVERY_COMPLETION_FACT
from .apis import (
    ASK_COMPLETION,
    ASK_EMBEDDINGS,
    ASK_FETCH,
    COMPLETION,
    COMPLETIONS,
    EMBEDDINGS,
    FETCH,
    STREAM,
    VECTORS,
)
from .kept import encoded
from .lab import Lab
from .test_operations import COMMON, span


def test_fetched(lab: Lab) -> None:
    """A fetched response is named by its operation alone; its tokens were counted when it was made."""
    found = span(lab, FETCH, ASK_FETCH, response(message()))
    assert (found.name, found.kind) == ("fetch_response", SpanKind.CLIENT)
    assert dict(found.attributes) == {
        **COMMON,
        "gen_ai.operation.name": "fetch_response",
        "openai.api.type": "responses",
        "gen_ai.response.id": "resp_1",
        "gen_ai.response.model": "m-1",
        "gen_ai.response.status": "completed",
        "gen_ai.response.finish_reasons": ("stop",),
        "openai.response.service_tier": "default",
    }


def test_fetched_stream(lab: Lab) -> None:
    """A stream that is fetched has a cursor and an outcome, and no time to its first chunk."""
    body = {**ASK_FETCH, "starting_after": 3, "stream": True}
    found = span(lab, FETCH, body, *STREAM).attributes
    assert found["gen_ai.request.stream_cursor"] == "3"
    assert found["toolspan.stream.outcome"] == "completed"
    assert "gen_ai.response.time_to_first_chunk" not in found
    assert not [name for name in found if "usage" in name]


@pytest.mark.parametrize("end", [End.CLOSED, End.EXHAUSTED], ids=["closed", "cut"])
def test_fetched_stream_left(lab: Lab, end: End) -> None:
    """A fetch that ends early says nothing of how the generation of the response ended."""
    found = span(lab, FETCH, {**ASK_FETCH, "stream": True}, *STREAM[:6], end=end).attributes
    assert found["gen_ai.response.status"] == "in_progress"
    assert "gen_ai.response.finish_reasons" not in found


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_fetched_failure(lab: Lab, status: str) -> None:
    """A response that had failed was fetched with success."""
    found = span(lab, FETCH, ASK_FETCH, response(status=status, error={"code": "x"}))
    assert found.status.status_code is StatusCode.UNSET
    assert found.attributes["gen_ai.response.status"] == status
    assert found.attributes["gen_ai.response.finish_reasons"] == ("error",)


def test_fetched_while_pending(lab: Lab) -> None:
    """A response that is still made has a status, and no reason."""
    found = span(lab, FETCH, ASK_FETCH, response(message(), status="in_progress")).attributes
    assert found["gen_ai.response.status"] == "in_progress"
    assert "gen_ai.response.finish_reasons" not in found


def test_embeddings(lab: Lab) -> None:
    """Embeddings have dimensions and input tokens, and neither messages nor reasons."""
    body = {**ASK_EMBEDDINGS, "encoding_format": "float", "dimensions": 4}
    found = span(lab, EMBEDDINGS, body, VECTORS)
    assert (found.name, found.kind) == ("embeddings e-test", SpanKind.CLIENT)
    assert dict(found.attributes) == {
        **COMMON,
        "gen_ai.operation.name": "embeddings",
        "gen_ai.request.model": "e-test",
        "gen_ai.request.encoding_formats": ("float",),
        "gen_ai.embeddings.dimension.count": 3,
        "gen_ai.response.model": "e-test-2",
        "gen_ai.usage.input_tokens": 5,
    }


def test_failed_embeddings(lab: Lab) -> None:
    """What was asked for stands on a request that failed; there are no reasons."""
    found = span(lab, EMBEDDINGS, {**ASK_EMBEDDINGS, "dimensions": 4}, end=ValueError())
    assert found.attributes["gen_ai.embeddings.dimension.count"] == 4
    assert found.attributes["error.type"] == "ValueError"
    assert "gen_ai.response.finish_reasons" not in found.attributes


def test_completion(lab: Lab) -> None:
    """A legacy completion is an operation of its own, without an API type."""
    found = span(lab, COMPLETIONS, ASK_COMPLETION, COMPLETION)
    assert found.name == "text_completion gpt-test"
    assert dict(found.attributes) == {
        **COMMON,
        "gen_ai.operation.name": "text_completion",
        "gen_ai.request.model": "gpt-test",
        "toolspan.request.messages": 1,
        "gen_ai.response.id": "cmpl-1",
        "gen_ai.response.model": "gpt-test-2026",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 7,
    }


def test_completions_of_several_prompts(lab: Lab) -> None:
    """One reason for each choice of each prompt; the choices asked for are those of one prompt."""
    found = span(lab, COMPLETIONS, {**EVERY_COMPLETION_FACT, "stream": False}, COMPLETION).attributes
    assert found["gen_ai.request.choice.count"] == 2
    assert found["toolspan.request.messages"] == 2
    assert found["gen_ai.response.finish_reasons"] == ("stop", "error", "error", "error")


@pytest.mark.parametrize("name", ["encoding_format", "model"])
def test_lone_surrogates(lab: Lab, name: str) -> None:
    """Every text of a request can be exported."""
    span(lab, EMBEDDINGS, {**ASK_EMBEDDINGS, name: "a\ud83d"}, VECTORS)
    assert encoded(lab)
    assert "a?" in repr(dict(lab.span.attributes))
