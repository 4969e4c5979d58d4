"""Spans of the Responses API, fetched responses, embeddings and legacy completions."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from toolspan.wire.record import End

from ..wire.response_shapes import begins, ends, message, response
from ..wire.test_request_other_apis import COMPLETION as EVERY_COMPLETION_FACT
from ..wire.test_request_other_apis import RESPONSE as EVERY_FACT
from .apis import (
    ASK_COMPLETION,
    ASK_EMBEDDINGS,
    ASK_FETCH,
    ASK_RESPONSE,
    COMPLETION,
    COMPLETIONS,
    EMBEDDINGS,
    FETCH,
    RESPONSES,
    STREAM,
    VECTORS,
    WHOLE,
    Api,
)
from .kept import encoded
from .lab import Lab, new_call, run

COMMON = {"gen_ai.provider.name": "openai", "server.address": "api.openai.com", "server.port": 443}


def span(lab: Lab, api: Api, body: Any, *bodies: Any, end: Any = End.EXHAUSTED) -> Any:
    """The span of a call."""
    run(new_call(body, lab.span_sink(), api=api), *bodies, end=end)
    return lab.span


def test_response(lab: Lab) -> None:
    """A response is a chat, of the other API."""
    found = span(lab, RESPONSES, ASK_RESPONSE, WHOLE)
    assert (found.name, found.kind) == ("chat gpt-test", SpanKind.CLIENT)
    assert dict(found.attributes) == {
        **COMMON,
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-test",
        "openai.api.type": "responses",
        "toolspan.request.messages": 1,
        "gen_ai.response.id": "resp_1",
        "gen_ai.response.model": "m-1",
        "gen_ai.response.finish_reasons": ("tool_calls",),
        "openai.response.service_tier": "default",
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 4,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "toolspan.tool_calls.count": 1,
        "toolspan.tool_calls.names": ("weather",),
        "toolspan.tool_calls.invalid": 0,
    }


def test_streamed_response(lab: Lab) -> None:
    """A streamed response has the stream's own attributes too."""
    found = span(lab, RESPONSES, {**ASK_RESPONSE, "stream": True}, *STREAM).attributes
    assert found["gen_ai.request.stream"] is True
    assert found["toolspan.stream.chunks"] == len(STREAM)
    assert found["toolspan.stream.outcome"] == "completed"
    assert found["gen_ai.response.time_to_first_chunk"] >= 0
    assert "gen_ai.response.status" not in found


def test_every_fact_of_a_response(lab: Lab) -> None:
    """What a request of the Responses API asks for beyond chat."""
    found = span(lab, RESPONSES, EVERY_FACT).attributes
    expected = {
        "gen_ai.conversation.id": "conv_1",
        "gen_ai.request.previous_response.id": "resp_0",
        "gen_ai.prompt.name": "pmpt_1",
        "gen_ai.prompt.version": "2",
        "gen_ai.request.max_tokens": 5,
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.output.type": "json",
        "openai.request.service_tier": "flex",
        "toolspan.tools.offered": 2,
        "toolspan.request.tool_choice": "auto",
    }
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_pending_response(lab: Lab, status: str) -> None:
    """A response that is made in the background has a status and no reason: nothing failed."""
    found = span(lab, RESPONSES, {**ASK_RESPONSE, "background": True}, response(status=status))
    assert found.attributes["gen_ai.response.status"] == status
    assert "gen_ai.response.finish_reasons" not in found.attributes
    assert found.status.status_code is StatusCode.UNSET


def test_compaction(lab: Lab) -> None:
    """A compacted conversation is marked; an ordinary one has no mark."""
    item = {"type": "compaction", "id": "cmp_1"}
    body = response(item, status=None, object="response.compaction")
    found = span(lab, RESPONSES, ASK_RESPONSE, body).attributes
    assert found["gen_ai.conversation.compacted"] is True
    assert found["gen_ai.response.finish_reasons"] == ("compaction",)


@pytest.mark.parametrize(
    ("last", "kind"),
    [(ends(status="failed", error={"code": "server_error"}), "server_error"), ({"type": "error"}, "_OTHER")],
    ids=["failed", "error"],
)
def test_failed_response(lab: Lab, last: Any, kind: str) -> None:
    """A response that failed is an error, by its code."""
    found = span(lab, RESPONSES, {**ASK_RESPONSE, "stream": True}, *begins(), last)
    assert found.status.status_code is StatusCode.ERROR
    assert found.attributes["error.type"] == kind
    assert found.attributes["gen_ai.response.finish_reasons"] == ("error",)
    assert found.attributes["toolspan.stream.outcome"] == "failed"
    assert "gen_ai.response.status" not in found.attributes


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_cancelled_response(lab: Lab, stream: bool) -> None:
    """A response that was cancelled never got its reason, and says so, however it came."""
    body = ends(status="cancelled") if stream else response(status="cancelled")
    found = span(lab, RESPONSES, {**ASK_RESPONSE, "stream": stream}, body)
    assert found.attributes["gen_ai.response.finish_reasons"] == ("error",)
    assert found.status.status_code is StatusCode.UNSET


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
