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
    """Return the span of a call."""
    run(new_call(body, lab.span_sink(), api=api), *bodies, end=end)
    return lab.span


def test_a_response_is_a_chat_span_of_its_api_type(lab: Lab) -> None:
    """A response is a chat span with the API type `responses`."""
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
        "toolspan.tool_calls.count": 1,
        "toolspan.tool_calls.names": ("weather",),
        "toolspan.tool_calls.invalid": 0,
    }


def test_a_streamed_response_has_stream_attributes(lab: Lab) -> None:
    """A streamed response has the attributes of a stream too."""
    found = span(lab, RESPONSES, {**ASK_RESPONSE, "stream": True}, *STREAM).attributes
    assert found["gen_ai.request.stream"] is True
    assert found["toolspan.stream.chunks"] == len(STREAM)
    assert found["toolspan.stream.outcome"] == "completed"
    assert found["gen_ai.response.time_to_first_chunk"] >= 0
    assert "gen_ai.response.status" not in found


def test_every_parameter_of_a_response_is_recorded(lab: Lab) -> None:
    """Each parameter of the Responses API is recorded."""
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
def test_a_background_response_has_a_status_and_no_reason(lab: Lab, status: str) -> None:
    """A response that is still generated has a status, no finish reason and no error."""
    found = span(lab, RESPONSES, {**ASK_RESPONSE, "background": True}, response(status=status))
    assert found.attributes["gen_ai.response.status"] == status
    assert "gen_ai.response.finish_reasons" not in found.attributes
    assert found.status.status_code is StatusCode.UNSET


def test_only_a_compacted_conversation_is_marked(lab: Lab) -> None:
    """A compacted conversation is marked; an ordinary one is not."""
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
def test_a_failed_response_sets_its_code_as_error_type(lab: Lab, last: Any, kind: str) -> None:
    """A failed response is an error with its code."""
    found = span(lab, RESPONSES, {**ASK_RESPONSE, "stream": True}, *begins(), last)
    assert found.status.status_code is StatusCode.ERROR
    assert found.attributes["error.type"] == kind
    assert found.attributes["gen_ai.response.finish_reasons"] == ("error",)
    assert found.attributes["toolspan.stream.outcome"] == "failed"
    assert "gen_ai.response.status" not in found.attributes


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_cancelled_response_has_the_error_reason(lab: Lab, stream: bool) -> None:
    """A cancelled response has the finish reason `error`, streamed or whole."""
    body = ends(status="cancelled") if stream else response(status="cancelled")
    found = span(lab, RESPONSES, {**ASK_RESPONSE, "stream": stream}, body)
    assert found.attributes["gen_ai.response.finish_reasons"] == ("error",)
    assert found.status.status_code is StatusCode.UNSET


def test_a_fetched_response_has_no_model_in_its_name_and_no_tokens(lab: Lab) -> None:
    """A fetched response is named by its operation; its tokens were counted when it was generated."""
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


def test_a_fetched_stream_has_a_cursor_and_an_outcome(lab: Lab) -> None:
    """A fetched stream has a cursor and an outcome, and no time to its first chunk."""
    body = {**ASK_FETCH, "starting_after": 3, "stream": True}
    found = span(lab, FETCH, body, *STREAM).attributes
    assert found["gen_ai.request.stream_cursor"] == "3"
    assert found["toolspan.stream.outcome"] == "completed"
    assert "gen_ai.response.time_to_first_chunk" not in found
    assert not [name for name in found if "usage" in name]


@pytest.mark.parametrize("end", [End.CLOSED, End.EXHAUSTED], ids=["closed", "cut"])
def test_an_early_end_of_a_fetch_has_no_finish_reason(lab: Lab, end: End) -> None:
    """A fetch that ends early has no finish reason."""
    found = span(lab, FETCH, {**ASK_FETCH, "stream": True}, *STREAM[:6], end=end).attributes
    assert found["gen_ai.response.status"] == "in_progress"
    assert "gen_ai.response.finish_reasons" not in found


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_fetching_a_failed_response_succeeds(lab: Lab, status: str) -> None:
    """A failed response is fetched without an error."""
    found = span(lab, FETCH, ASK_FETCH, response(status=status, error={"code": "x"}))
    assert found.status.status_code is StatusCode.UNSET
    assert found.attributes["gen_ai.response.status"] == status
    assert found.attributes["gen_ai.response.finish_reasons"] == ("error",)


def test_fetching_a_pending_response_has_no_reason(lab: Lab) -> None:
    """A response that is still generated has a status and no finish reason."""
    found = span(lab, FETCH, ASK_FETCH, response(message(), status="in_progress")).attributes
    assert found["gen_ai.response.status"] == "in_progress"
    assert "gen_ai.response.finish_reasons" not in found


def test_embeddings_have_dimensions_and_input_tokens(lab: Lab) -> None:
    """Embeddings have dimensions and input tokens, and neither messages nor finish reasons."""
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


def test_failed_embeddings_have_request_attributes_only(lab: Lab) -> None:
    """A failed request for embeddings has its request attributes and no finish reasons."""
    found = span(lab, EMBEDDINGS, {**ASK_EMBEDDINGS, "dimensions": 4}, end=ValueError())
    assert found.attributes["gen_ai.embeddings.dimension.count"] == 4
    assert found.attributes["error.type"] == "ValueError"
    assert "gen_ai.response.finish_reasons" not in found.attributes


def test_a_legacy_completion_has_its_own_operation(lab: Lab) -> None:
    """A legacy completion is a text completion without an API type."""
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


def test_each_choice_of_each_prompt_has_a_reason(lab: Lab) -> None:
    """Each choice of each prompt has a finish reason; the choice count is that of one prompt."""
    found = span(lab, COMPLETIONS, {**EVERY_COMPLETION_FACT, "stream": False}, COMPLETION).attributes
    assert found["gen_ai.request.choice.count"] == 2
    assert found["toolspan.request.messages"] == 2
    assert found["gen_ai.response.finish_reasons"] == ("stop", "error", "error", "error")


@pytest.mark.parametrize("name", ["encoding_format", "model"])
def test_request_texts_with_lone_surrogates_are_exported(lab: Lab, name: str) -> None:
    """Each text of a request can be exported."""
    span(lab, EMBEDDINGS, {**ASK_EMBEDDINGS, name: "a\ud83d"}, VECTORS)
    assert encoded(lab)
    assert "a?" in repr(dict(lab.span.attributes))
