"""Scenarios through the real SDK over a scripted transport; must not know what the telemetry should be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import openai

from ..openai import script, wire
from ..openai.sdk import KEY, http
from .scenario_data import CODE, CUSTOM_TOOL, HISTORY, MESSAGES, PARAMETERS, TOOLS, USAGE


def read(client: Any, ask: Mapping[str, Any]) -> None:
    """Ask and read to the end; an error of the SDK is the scenario's own."""
    with suppress(openai.APIError, http.TransportError):
        answer = client.chat.completions.create(**ask)
        if ask.get("stream"):
            list(answer)


def leave(client: Any, ask: Mapping[str, Any]) -> None:
    """Read two chunks and close the stream."""
    with client.chat.completions.create(**ask) as stream:
        next(stream)
        next(stream)


def drop(client: Any, ask: Mapping[str, Any]) -> None:
    """Read two chunks and forget the stream."""
    stream = client.chat.completions.create(**ask)
    next(stream)
    next(stream)


def raw(client: Any, ask: Mapping[str, Any]) -> None:
    """Read through the raw response."""
    list(client.chat.completions.with_raw_response.create(**ask).parse())


def interrupt(client: Any, ask: Mapping[str, Any]) -> None:
    """Be interrupted by the keyboard while the request runs."""
    with suppress(KeyboardInterrupt):
        client.chat.completions.create(**ask)


@dataclass(frozen=True)
class Scenario:
    """What the server answers, what is asked, and what the application does with the answer."""

    answer: Callable[[], Any] | BaseException
    ask: Mapping[str, Any] = field(default_factory=dict)
    act: Callable[[Any, Mapping[str, Any]], None] = read
    base_url: str = wire.BASE_URL

    def play(self) -> None:
        """Let it happen, with a client of its own."""
        channel = http.Client(transport=http.MockTransport(script.Transport(self.answer)))
        client = openai.OpenAI(api_key=KEY, base_url=self.base_url, http_client=channel, max_retries=0)
        with client:
            self.act(client, {"model": "gpt-test", "messages": MESSAGES, **self.ask})


def _stream(*chunks: Any, done: bool = True) -> Callable[[], Any]:
    return script.stream(*chunks, *([wire.DONE] if done else []))


def _both(**message: Any) -> dict[str, Any]:
    answer = wire.answer()
    answer["choices"].append(
        {**answer["choices"][0], "index": 1, "message": {"role": "assistant", **message}}
    )
    return answer


_S = {"stream": True}
_T = {"stream": True, "tools": TOOLS}
_ERROR = {"error": {"message": f"Wrong key {KEY}.", "type": "invalid_request_error", "code": "invalid"}}
_BROKEN = script.stream(*wire.CALLS[:3], http.ReadError("gone"))

SCENARIOS: dict[str, Scenario] = {
    "text stream": Scenario(script.TEXT, _S),
    "parallel calls": Scenario(script.CALLS, _T),
    "one answer": Scenario(script.ANSWER),
    "calls in one answer": Scenario(
        script.whole(wire.answer(None, calls=[("get_time", "{}"), ("get_weather", '{"a":')])),
        {"tools": TOOLS},
    ),
    "two choices": Scenario(
        _stream(
            wire.text("b", index=1),
            wire.text("a"),
            wire.chunk(None, "stop", index=1),
            wire.chunk(None, "length"),
        ),
        {"n": 2, **_S},
    ),
    "two choices, one answer": Scenario(script.whole(_both(content="more")), {"n": 2}),
    "refusal": Scenario(
        _stream(wire.chunk({"refusal": "I can"}), wire.chunk({"refusal": "not."}, "stop")), _S
    ),
    "refusal, one answer": Scenario(script.whole(_both(content=None, refusal="No.")), {"n": 2}),
    "reasoning": Scenario(
        _stream(wire.chunk({"reasoning_content": "Hm."}), wire.text("Yes"), wire.chunk(None, "stop")), _S
    ),
    "full usage": Scenario(_stream(*wire.TEXT[:-1], {**wire.usage(), "usage": USAGE}), _S),
    "full usage, one answer": Scenario(
        script.whole(wire.answer(usage=USAGE, service_tier="default", system_fingerprint="fp_1"))
    ),
    "zero usage": Scenario(_stream(*wire.TEXT[:-1], wire.usage(0, 0)), _S),
    "error 400": Scenario(script.whole(_ERROR, status=400), _S),
    "error 429": Scenario(script.whole(_ERROR, status=429)),
    "error in the stream": Scenario(_stream(wire.text("Hel"), _ERROR), _S),
    "error as an answer": Scenario(script.whole({**wire.answer(), "choices": None, "error": {"code": 502}})),
    "no connection": Scenario(http.ConnectError("nobody there")),
    "cut stream": Scenario(_stream(*wire.CALLS[:3], done=False), _T),
    "broken stream": Scenario(_BROKEN, _T),
    "empty stream": Scenario(_stream(), _S),
    "closed": Scenario(script.CALLS, _T, leave),
    "abandoned": Scenario(script.CALLS, _T, drop),
    "interrupted": Scenario(KeyboardInterrupt(), _S, interrupt),
    "raw response": Scenario(script.CALLS, _T, raw),
    "custom tool": Scenario(
        _stream(wire.chunk({"tool_calls": [CODE]}), wire.chunk(None, "tool_calls")),
        {**_S, "tools": [CUSTOM_TOOL]},
    ),
    "invalid arguments": Scenario(
        _stream(wire.call('{"a":', name="get_time"), wire.chunk(None, "tool_calls")), _T
    ),
    "arguments that are no object": Scenario(
        _stream(wire.call("[1]", name="get_time"), wire.chunk(None, "tool_calls")), _T
    ),
    "invented tool": Scenario(_stream(wire.call("{}", name="invented"), wire.chunk(None, "tool_calls")), _T),
    "call without arguments": Scenario(
        _stream(wire.call(name="get_time"), wire.chunk(None, "tool_calls")), _T
    ),
    "all parameters": Scenario(script.whole(_both(content="{}")), PARAMETERS),
    "all parameters, streamed": Scenario(script.CALLS, {**PARAMETERS, **_S, "service_tier": "auto"}),
    "long history": Scenario(script.TEXT, {**_S, "messages": HISTORY}),
    "other provider": Scenario(script.TEXT, _S, base_url="https://api.groq.com/openai/v1"),
}
"""Every kind of request and answer, by name."""
