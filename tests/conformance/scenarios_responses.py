"""Scenarios of the Responses API through the real SDK; must not know what the telemetry should be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..sdk import script
from ..sdk.sdk import KEY, http
from ..wire import (
    responses_functions,
    responses_hosted,
    responses_realtime,
    responses_servers,
    responses_texts,
)
from ..wire.response_shapes import ONE, TWO, asks, begins, counts, done, ends, event, message, response, says
from .scenario import Scenario, made, stream
from .scenario_data import RESPONSE_INPUT, RESPONSE_PARAMETERS, RESPONSE_TOOLS

_ASK: Mapping[str, Any] = {"model": "gpt-test", "input": "Weather and time in Bern?"}
_S = {"stream": True}
_T = {**_S, "tools": RESPONSE_TOOLS}
_ERROR = {"code": "server_error", "message": f"Wrong key {KEY}."}
HELLO = message()
CALLS = [*begins(), *says(HELLO, 0, "Hel", "lo"), *asks(ONE, 1, 3), *asks(TWO, 2, 4), ends(HELLO, ONE, TWO)]
_REFUSED = message(content=[{"type": "refusal", "refusal": "I cannot."}])


def read(client: Any, ask: Mapping[str, Any]) -> None:
    """Ask for a response and read it."""
    made(client.responses.create, ask)


def compact(client: Any, ask: Mapping[str, Any]) -> None:
    """Have a conversation compacted."""
    made(client.responses.compact, ask)


def leave(client: Any, ask: Mapping[str, Any]) -> None:
    """Read two events and close the stream."""
    with client.responses.create(**ask) as found:
        next(found)
        next(found)


def drop(client: Any, ask: Mapping[str, Any]) -> None:
    """Read some events and forget the stream."""
    found = client.responses.create(**ask)
    for _ in range(5):
        next(found)
    del found  # in Python 3.10 a traceback of anybody's may keep this frame, and with it what it holds


def raw(client: Any, ask: Mapping[str, Any]) -> None:
    """Read through the raw response."""
    list(client.responses.with_raw_response.create(**ask).parse())


def _case(
    answer: Any, ask: Any = None, act: Any = read, method: str = "responses.create", **more: Any
) -> Scenario:
    return Scenario(answer, ask or {}, act, always=_ASK, method=method, **more)


def _items(module: Any) -> list[Any]:
    """One complete item of each of a module's cases, under an id of its own."""
    found = [case.events[-1]["response"]["output"][0] for case in module.CASES]
    return [{**item, "id": f"item_{at}", "call_id": f"call_{at}"} for at, item in enumerate(found)]


_HOSTED, _ASKED = _items(responses_hosted), _items(responses_functions)

CASES: dict[str, Scenario] = {
    "response": _case(script.whole(response(HELLO, ONE)), {"tools": RESPONSE_TOOLS}),
    "response stream": _case(stream(*CALLS), _T),
    "response, no tools": _case(stream(*begins(), *says(HELLO, 0, "Hello"), ends(HELLO)), _S),
    "every hosted tool": _case(script.whole(response(*_HOSTED, HELLO)), {"tools": RESPONSE_TOOLS}),
    "every hosted tool, streamed": _case(
        stream(*begins(), *(done(item, at) for at, item in enumerate(_HOSTED)), ends(*_HOSTED)), _T
    ),
    "every tool that asks": _case(script.whole(response(*_ASKED)), {"tools": RESPONSE_TOOLS}),
    "every tool that asks, streamed": _case(
        stream(*begins(), *(done(item, at) for at, item in enumerate(_ASKED)), ends(*_ASKED)), _T
    ),
    "failed tool": _case(stream(*responses_hosted.CASES[1].events), _T),
    "invalid call": _case(script.whole(response({**ONE, "arguments": '{"a":'}))),
    "refused response": _case(script.whole(response(_REFUSED))),
    "thoughts": _case(script.whole(response(responses_texts.SUMMARY, HELLO))),
    "failed response": _case(script.whole(response(status="failed", error=_ERROR))),
    "failed response, streamed": _case(stream(*begins(), ends(HELLO, status="failed", error=_ERROR)), _S),
    "error event": _case(stream(*begins(), {"type": "error", **_ERROR}), _S),
    "error as a response": _case(script.whole({"error": _ERROR})),
    "response 429": _case(script.whole({"error": _ERROR}, status=429), _S),
    "incomplete response": _case(
        script.whole(response(HELLO, status="incomplete", incomplete_details={"reason": "max_output_tokens"}))
    ),
    "filtered response, streamed": _case(
        stream(*begins(), ends(status="incomplete", incomplete_details={"reason": "content_filter"})), _S
    ),
    "cancelled response": _case(script.whole(response(status="cancelled"))),
    "background": _case(script.whole(response(status="queued")), {"background": True}),
    "background, streamed": _case(
        stream(event("queued", response=response(status="queued")), *CALLS), {**_S, "background": True}
    ),
    "background, left": _case(
        stream(event("queued", response=response(status="queued")), *CALLS), {**_S, "background": True}, leave
    ),
    "compacted on the way": _case(stream(*begins(), done(responses_texts.COMPACTED), *CALLS[2:]), _S),
    "compaction": _case(
        script.whole(
            response(
                responses_texts.ASKED_BY_USER,
                responses_texts.COMPACTED,
                status=None,
                object="response.compaction",
                usage=counts(),
            )
        ),
        {"instructions": "Be brief."},
        compact,
        "responses.compact",
    ),
    "cut response": _case(stream(*CALLS[:9], done=False), _T),
    "broken response": _case(script.stream(*CALLS[:11], http.ReadError("gone")), _T),
    "closed response": _case(stream(*CALLS), _T, leave),
    "abandoned response": _case(stream(*CALLS), _T, drop),
    "raw response of responses": _case(stream(*CALLS), _T, raw),
    "llama-server": _case(stream(*responses_servers.CASES[0].events), _T),
    "spoken": _case(stream(*responses_realtime.CASES[0].events), _S),
    "all parameters of a response": _case(script.whole(response(HELLO)), RESPONSE_PARAMETERS),
    "all kinds of input": _case(stream(*CALLS), {**_S, "input": [*RESPONSE_INPUT, *_HOSTED, *_ASKED]}),
    "response of another provider": _case(stream(*CALLS), _T, base_url="https://openrouter.ai/api/v1"),
}
"""Every kind of request and answer of the Responses API, by name."""
