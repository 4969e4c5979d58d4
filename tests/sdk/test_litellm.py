"""LiteLLM's functions: the calls, the streams and the requests within them, with a stand-in for LiteLLM."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import openai
import pytest

from toolspan import LiteLLMInstrumentor, OpenAIInstrumentor, guard

from . import script, wire
from .litellm_module import CHUNKS, CustomStreamWrapper, OpenTelemetry, put
from .script import Transport
from .sdk import http
from .telemetry import Telemetry

MESSAGES = [{"role": "user", "content": "Hi"}]
ANSWER = wire.answer("Hello there.")
CHAT = {"model": "groq/m-1", "messages": MESSAGES}


@pytest.fixture(name="litellm")
def _litellm(monkeypatch: pytest.MonkeyPatch) -> Any:
    found = put(monkeypatch)
    found.answer = lambda *_, **__: ANSWER
    return found


@pytest.fixture(name="traced")
def _traced(litellm: Any, telemetry: Telemetry) -> Iterator[Telemetry]:
    telemetry.instrumentor = LiteLLMInstrumentor
    with telemetry.on():
        yield telemetry


def client_of(*answers: Any) -> Any:
    """Return a client of the OpenAI SDK that gets these answers."""
    channel = http.Client(transport=http.MockTransport(Transport(*answers)))
    return openai.OpenAI(api_key="key", base_url=wire.BASE_URL, http_client=channel)


def of_sdk(litellm: Any, *answers: Any) -> None:
    """Let LiteLLM use the OpenAI SDK inside, as its routes to servers of OpenAI's protocol do."""
    client = client_of(*answers)
    body = {"model": "m-1", "messages": MESSAGES}
    litellm.answer = lambda *_, **__: client.post("/chat/completions", body=body, cast_to=object)


def attributes(telemetry: Telemetry) -> Any:
    """Return the attributes of the one span."""
    return telemetry.span.attributes


def test_a_call_is_one_span_with_what_litellm_knows(litellm: Any, traced: Telemetry) -> None:
    """The provider by the model's prefix, cost and headers from the answer, the address when it is known."""
    head = {"additional_headers": {"llm_provider-x-request-id": "req-1"}, "response_cost": 0.25}

    def answer(*_: Any, **__: Any) -> Any:
        litellm.send()
        return SimpleNamespace(**ANSWER, _hidden_params=head)

    litellm.answer = answer
    litellm.completion("groq/m-1", [SimpleNamespace(model_dump=lambda: MESSAGES[0])])
    found = attributes(traced)
    assert traced.span.name == "chat m-1"
    assert (found["gen_ai.provider.name"], found["server.address"], found["server.port"]) == (
        "groq", "10.0.0.1", 8000
    )  # fmt: skip
    assert (found["toolspan.cost.amount"], found["toolspan.request.id"]) == (0.25, "req-1")
    assert found["toolspan.request.messages"] == 1


def test_the_provider_is_that_of_litellm(litellm: Any, telemetry: Telemetry) -> None:
    """By argument, prefix, LiteLLM's table of models, or the host of an address; the user's setting wins."""
    telemetry.instrumentor = LiteLLMInstrumentor
    mine = {"api_base": "http://mine.example/v1"}
    with telemetry.on(providers={"mine.example": "mine"}):
        for arguments in (
            {"model": "azure/x", "custom_llm_provider": "azure"},
            {"model": "claude-1"},
            {"model": "gpt-4.1", "api_base": "https://api.deepseek.com"},
            {"model": "groq/m-1", **mine},
            {"model": None},
        ):
            litellm.completion(messages=MESSAGES, **arguments)
    found = [span.attributes["gen_ai.provider.name"] for span in telemetry.spans]
    assert found == ["azure.ai.openai", "anthropic", "deepseek", "mine", "openai"]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_an_sdk_inside_makes_no_span(litellm: Any, traced: Telemetry, is_async: bool) -> None:
    """Its retries and headers are those of LiteLLM's call; a later call of the SDK has its own span again."""
    of_sdk(litellm, script.whole({}, status=500), script.whole(ANSWER, headers={"x-request-id": "req-2"}))
    OpenAIInstrumentor().instrument(skip_dep_check=True, tracer_provider=traced.tracers)
    try:
        if is_async:
            asyncio.run(litellm.acompletion(**CHAT))
        else:
            litellm.completion(**CHAT)
        found = attributes(traced)
        assert (found["toolspan.request.retries"], found["toolspan.request.id"]) == (1, "req-2")
        litellm.answer()
        assert len(traced.spans) == 2
    finally:
        OpenAIInstrumentor().uninstrument()


def test_a_repeated_request_is_a_retry(litellm: Any, traced: Telemetry) -> None:
    """A request after an error within the same call; one after a success is none."""

    def answer(*_: Any, **__: Any) -> Any:
        litellm.send()
        error = openai.APIConnectionError(request=None)  # type: ignore[arg-type]  # not read
        with pytest.raises(openai.OpenAIError):
            litellm.main.exception_type(original_exception=error)
        litellm.send()
        litellm.send()
        return ANSWER

    litellm.answer = answer
    litellm.completion(**CHAT)
    assert attributes(traced)["toolspan.request.retries"] == 1
    (event,) = traced.span.events
    assert event.attributes["error.type"] == "openai.APIConnectionError"
    litellm.send()  # outside of a call
    with pytest.raises(openai.OpenAIError):
        litellm.exception_type(original_exception=None)


def test_a_fallback_is_linked_to_the_request_before(litellm: Any, traced: Telemetry) -> None:
    """Two models, one call of the router."""

    def fail(*_: Any, **__: Any) -> Any:
        raise ValueError

    whole, litellm.answer = litellm.answer, fail
    with pytest.raises(ValueError, match=r"\A\Z"):
        litellm.completion(**CHAT, litellm_trace_id="t-1")
    litellm.answer = whole
    litellm.completion(**{**CHAT, "model": "openai/m-2"}, litellm_trace_id="t-1")
    first, second = traced.spans
    assert second.attributes["toolspan.request.attempt"] == 2
    assert [link.context for link in second.links] == [first.context]


def test_the_functions_are_restored(litellm: Any, telemetry: Telemetry) -> None:
    """All of them at once, the stream's class when no stream is open; open streams end their spans."""
    telemetry.instrumentor = LiteLLMInstrumentor
    before = [{**vars(each)} for each in (litellm, litellm.main, litellm.dispatch)]
    own = vars(CustomStreamWrapper)["__next__"]
    litellm.answer = lambda *_, **__: CustomStreamWrapper(lambda: iter(CHUNKS))
    with telemetry.on() as instrumentor:
        stream = litellm.completion(**CHAT, stream=True)
        instrumentor.instrument(track_streams=False)
        litellm.completion(**CHAT, stream=True)
        assert len(telemetry.spans) == 1
    assert vars(CustomStreamWrapper)["__next__"] is not own
    assert list(stream) == list(CHUNKS)
    assert vars(CustomStreamWrapper)["__next__"] is own
    for each in before:
        each.pop("answer", None)
    after = [{**vars(each)} for each in (litellm, litellm.main, litellm.dispatch)]
    assert all(
        found[name] is value
        for each, found in zip(before, after, strict=True)
        for name, value in each.items()
    )
    assert telemetry.spans[-1].attributes["toolspan.stream.outcome"] == "completed"


def test_litellms_own_telemetry_is_counted_once(litellm: Any, telemetry: Telemetry) -> None:
    """Where LiteLLM makes a span with the tokens, toolspan's has none; with `skip` there is none."""
    telemetry.instrumentor = LiteLLMInstrumentor
    litellm.callbacks.append("otel")
    second = type("Second", (), {"__module__": "litellm.integrations.otel.logger"})()
    with telemetry.on() as instrumentor:
        for logger, stream, tokens in (
            (None, False, True), (None, True, False), (OpenTelemetry(), True, False), (second, True, True)
        ):  # fmt: skip
            litellm.success_callback[:] = [] if logger is None else [logger]
            made = CustomStreamWrapper(lambda: iter(CHUNKS)) if stream else ANSWER
            litellm.answer = lambda *_, made=made, **__: made
            list(litellm.completion(**CHAT, stream=stream))
            assert ("gen_ai.usage.input_tokens" in telemetry.spans[-1].attributes) is tokens
        litellm.answer = lambda *_, **__: ANSWER
        asyncio.run(litellm.acompletion(**CHAT))
        assert "gen_ai.usage.input_tokens" not in telemetry.spans[-1].attributes
        count = len(telemetry.spans)
        instrumentor.instrument(other_instrumentations="skip")
        litellm.completion(**CHAT)
        assert len(telemetry.spans) == count


def test_an_error_of_toolspan_leaves_the_call_alone(
    litellm: Any, traced: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arguments and answers of unreadable shapes; the application gets its result."""
    monkeypatch.setattr(guard, "reraise", False)

    class Hostile:
        @property
        def model_dump(self) -> Any:
            return lambda: 1 / 0

    assert litellm.completion(model="groq/m-1", messages=[Hostile()]) is ANSWER
    assert traced.spans == []
    litellm.answer = lambda *_, **__: SimpleNamespace(_hidden_params={"response_cost": "\ud800"})
    assert litellm.completion(**CHAT) is not ANSWER
    assert len(traced.spans) == 1
    litellm.callbacks = None
    assert litellm.completion(**CHAT) is not ANSWER
