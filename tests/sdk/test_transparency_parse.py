"""The application cannot tell that it is watched: `parse()`, which makes objects of an answer."""

from __future__ import annotations

from typing import Any

import openai
from pydantic import BaseModel

from . import script, wire, wire_responses
from .apis import CHAT, RESPONSES, Api, door
from .features import require
from .observe import same
from .params import each
from .sdk import Face, both_faces
from .telemetry import Telemetry


class City(BaseModel):
    """What the model is asked for in some scenarios."""

    name: str


def _response(*output: Any, status: str = "completed", **more: Any) -> Any:
    return script.whole(wire_responses.response(status, output, **more))


JSON = '{"name": "Bern"}'
_REFUSAL = {**wire_responses.message(""), "content": [{"type": "refusal", "refusal": "no"}]}
BROKEN = script.whole(b"{", status=500)
ANSWERS: dict[str, dict[str, Any]] = {
    "chat": {
        "json": script.whole(wire.answer(JSON)),
        "call": script.whole(wire.answer(None, calls=[("City", JSON)], reason="tool_calls")),
        "cut": script.whole(wire.answer('{"na', reason="length")),
        "no-json": script.whole(wire.answer("Bern")),
        "500": BROKEN,
    },
    "responses": {
        "json": _response(wire_responses.message(JSON)),
        "call": _response(wire_responses.call("City", JSON)),
        "cut": _response(wire_responses.message('{"na'), status="incomplete", **wire_responses.CUT),
        "no-json": _response(wire_responses.message("Bern")),
        "refusal": _response(_REFUSAL),
        "failed": _response(status="failed", **wire_responses.FAILED),
        "queued": _response(status="queued", background=True),
        "stream": script.stream(*wire_responses.TEXT),
        "500": BROKEN,
    },
}
PARSERS: dict[str, tuple[Api, str, str]] = {
    "chat": (CHAT, "chat.completions.parse", "response_format"),
    "beta-chat": (CHAT, "beta.chat.completions.parse", "response_format"),
    "responses": (RESPONSES, "responses.parse", "text_format"),
    "raw-responses": (RESPONSES, "responses.with_raw_response.parse", "text_format"),
}


@both_faces
@each(
    ("api", "parser", "answer"),
    [(api, parser, answer) for parser, (api, *_) in PARSERS.items() for answer in ANSWERS[api.name]],
)
def test_parse_is_the_same(face: Face, api: Api, parser: str, answer: str, telemetry: Telemetry) -> None:
    """`parse()` gives the same parsed message, or raises the same error; one span."""
    _, path, wanted = PARSERS[parser]
    require(path)

    async def scenario(face: Face, client: Any) -> Any:
        tools = [openai.pydantic_function_tool(City)]
        found = await face.done(door(client, path)(**{wanted: City}, tools=tools, **api.ask))
        return (found.headers, found.parse()) if parser.startswith("raw") else found

    same(face, scenario, lambda: [ANSWERS[api.name][answer]], telemetry)
    assert telemetry.span.name == api.span
