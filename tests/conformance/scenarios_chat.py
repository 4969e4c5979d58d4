"""Scenarios of Chat Completions through the real SDK; must not know what the telemetry should be."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..sdk import script, wire
from ..sdk.sdk import KEY, http
from ..wire.bent_calls import CASES as CASES_BENT
from ..wire.bent_calls import CHAT_TOOL
from .scenario import Scenario, stream
from .scenario_data import CODE, CUSTOM_TOOL, HISTORY, PARAMETERS, TOOLS, USAGE


def leave(client: Any, ask: Mapping[str, Any]) -> None:
    """Read two chunks and close the stream."""
    with client.chat.completions.create(**ask) as stream:
        next(stream)
        next(stream)


def drop(client: Any, ask: Mapping[str, Any]) -> None:
    """Read two chunks and forget the stream."""
    found = client.chat.completions.create(**ask)
    next(found)
    next(found)
    del found  # in Python 3.10 a traceback of anybody's may keep this frame, and with it what it holds


def raw(client: Any, ask: Mapping[str, Any]) -> None:
    """Read through the raw response."""
    list(client.chat.completions.with_raw_response.create(**ask).parse())


def interrupt(client: Any, ask: Mapping[str, Any]) -> None:
    """Be interrupted by the keyboard while the request runs."""
    with suppress(KeyboardInterrupt):
        client.chat.completions.create(**ask)


def _both(**message: Any) -> dict[str, Any]:
    answer = wire.answer()
    answer["choices"].append(
        {**answer["choices"][0], "index": 1, "message": {"role": "assistant", **message}}
    )
    return answer


def _bent(name: str) -> Scenario:
    """A call that is not as it was offered, by its name in the table of those."""
    (bent,) = (each for each in CASES_BENT if each.id == name)
    parts = (wire.call(bent.arguments, name=bent.name), wire.chunk(None, "tool_calls"))
    return Scenario(stream(*parts), {**_S, "tools": [CHAT_TOOL]})


_S = {"stream": True}
_T = {"stream": True, "tools": TOOLS}
COSTS = {**USAGE, "cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.5}}
_ERROR = {"error": {"message": f"Wrong key {KEY}.", "type": "invalid_request_error", "code": "invalid"}}
_BROKEN = script.stream(*wire.CALLS[:3], http.ReadError("gone"))

CASES: dict[str, Scenario] = {
    "text stream": Scenario(script.TEXT, _S),
    "parallel calls": Scenario(script.CALLS, _T),
    "one answer": Scenario(script.ANSWER),
    "calls in one answer": Scenario(
        script.whole(wire.answer(None, calls=[("get_time", "{}"), ("get_weather", '{"a":')])),
        {"tools": TOOLS},
    ),
    "two choices": Scenario(
        stream(
            wire.text("b", index=1),
            wire.text("a"),
            wire.chunk(None, "stop", index=1),
            wire.chunk(None, "length"),
        ),
        {"n": 2, **_S},
    ),
    "two choices, one answer": Scenario(script.whole(_both(content="more")), {"n": 2}),
    "refusal": Scenario(
        stream(wire.chunk({"refusal": "I can"}), wire.chunk({"refusal": "not."}, "stop")), _S
    ),
    "refusal, one answer": Scenario(script.whole(_both(content=None, refusal="No.")), {"n": 2}),
    "reasoning": Scenario(
        stream(wire.chunk({"reasoning_content": "Hm."}), wire.text("Yes"), wire.chunk(None, "stop")), _S
    ),
    "full usage": Scenario(stream(*wire.TEXT[:-1], {**wire.usage(), "usage": USAGE}), _S),
    "full usage, one answer": Scenario(
        script.whole(wire.answer(usage=USAGE, service_tier="default", system_fingerprint="fp_1"))
    ),
    "cost of the provider": Scenario(stream(*wire.TEXT[:-1], {**wire.usage(), "usage": COSTS}), _S),
    "computed cost": Scenario(stream(*wire.TEXT), {**_S, "model": "gpt-4.1"}),
    "computed cost, one answer": Scenario(script.ANSWER, {"model": "gpt-4.1"}),
    "zero usage": Scenario(stream(*wire.TEXT[:-1], wire.usage(0, 0)), _S),
    "error 400": Scenario(script.whole(_ERROR, status=400), _S),
    "error 429": Scenario(script.whole(_ERROR, status=429)),
    "error in the stream": Scenario(stream(wire.text("Hel"), _ERROR), _S),
    "error as an answer": Scenario(script.whole({**wire.answer(), "choices": None, "error": {"code": 502}})),
    "no connection": Scenario(http.ConnectError("nobody there")),
    "cut stream": Scenario(stream(*wire.CALLS[:3], done=False), _T),
    "broken stream": Scenario(_BROKEN, _T),
    "empty stream": Scenario(stream(), _S),
    "closed": Scenario(script.CALLS, _T, leave),
    "abandoned": Scenario(script.CALLS, _T, drop),
    "interrupted": Scenario(KeyboardInterrupt(), _S, interrupt),
    "raw response": Scenario(script.CALLS, _T, raw),
    "custom tool": Scenario(
        stream(wire.chunk({"tool_calls": [CODE]}), wire.chunk(None, "tool_calls")),
        {**_S, "tools": [CUSTOM_TOOL]},
    ),
    "invalid arguments": Scenario(
        stream(wire.call('{"a":', name="get_time"), wire.chunk(None, "tool_calls")), _T
    ),
    "arguments that are no object": Scenario(
        stream(wire.call("[1]", name="get_time"), wire.chunk(None, "tool_calls")), _T
    ),
    "missing argument": _bent("missing-in-list"),
    "wrong type": _bent("wrong-within"),
    "invented tool": Scenario(stream(wire.call("{}", name="invented"), wire.chunk(None, "tool_calls")), _T),
    "call without arguments": Scenario(
        stream(wire.call(name="get_time"), wire.chunk(None, "tool_calls")), _T
    ),
    "all parameters": Scenario(script.whole(_both(content="{}")), PARAMETERS),
    "all parameters, streamed": Scenario(script.CALLS, {**PARAMETERS, **_S, "service_tier": "auto"}),
    "long history": Scenario(script.TEXT, {**_S, "messages": HISTORY}),
    "other provider": Scenario(script.TEXT, _S, base_url="https://api.groq.com/openai/v1"),
}
"""Every kind of request and answer of Chat Completions, by name."""
