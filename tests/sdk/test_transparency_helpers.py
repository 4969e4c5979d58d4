"""The SDK's helpers, `parse()` and `stream()`, give the same with and without instrumentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
from pydantic import BaseModel

from . import script, wire, wire_responses
from .api import Api, door
from .apis import CHAT, FETCHED, RESPONSES
from .features import has, require
from .observe import same
from .params import crossed, each
from .sdk import Face, both_faces
from .telemetry import Telemetry


class City(BaseModel):
    """The answer's schema in some scenarios."""

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
def test_parse_gives_the_same_message_or_error(
    face: Face, api: Api, parser: str, answer: str, telemetry: Telemetry
) -> None:
    """`parse()` makes one span."""
    _, path, wanted = PARSERS[parser]
    require(path)

    async def scenario(face: Face, client: Any) -> Any:
        tools = [openai.pydantic_function_tool(City)]
        found = await face.done(door(client, path)(**{wanted: City}, tools=tools, **api.ask))
        return (found.headers, found.parse()) if parser.startswith("raw") else found

    same(face, scenario, lambda: [ANSWERS[api.name][answer]], telemetry)
    assert telemetry.span.name == api.span


async def loop(face: Face, stream: Any, api: Api) -> Any:
    return await face.read(stream), await face.done(getattr(stream, api.final)())


async def leave(face: Face, stream: Any, api: Api) -> Any:
    return await face.take(stream, 2)


async def final(face: Face, stream: Any, api: Api) -> Any:
    return await face.done(getattr(stream, api.final)())


async def until_done(face: Face, stream: Any, api: Api) -> Any:
    return type(await face.done(stream.until_done()))


async def one_by_one(face: Face, stream: Any, api: Api) -> Any:
    return [await face.next(stream) for _ in range(30)]


async def close(face: Face, stream: Any, api: Api) -> Any:
    first = await face.next(stream)
    await face.done(stream.close())
    return first, await face.next(stream)


async def fail(face: Face, stream: Any, api: Api) -> Any:
    await face.next(stream)
    raise LookupError("the application's own")


async def nothing(face: Face, stream: Any, api: Api) -> Any:
    return None


USES = (loop, leave, final, until_done, one_by_one, close, fail, nothing)

_ODD = [*wire_responses.TEXT[:4], {**wire_responses.TEXT[4], "output_index": 7}]

STREAMS: dict[str, dict[str, Any]] = {
    "chat": {
        "json": [wire.text('{"name":'), wire.text(' "Bern"}'), wire.chunk(None, "stop"), wire.DONE],
        "calls": [*wire.CALLS, wire.DONE],
        "cut": [wire.text('{"na')],
    },
    "responses": {
        "json": [*wire_responses.stream(wire_responses.written('{"name":', ' "Bern"}'))],
        "calls": [*wire_responses.CALLS],
        "cut": [*wire_responses.TEXT[:5]],
        "failed": [*wire_responses.stream(last="failed", **wire_responses.FAILED)],
        "error": [*wire_responses.TEXT[:4], wire_responses.ERROR],
        "out-of-order": _ODD,
        "without-the-first": [*wire_responses.TEXT[2:]],
    },
}

_TOOLS = [openai.pydantic_function_tool(City)] if has("openai.pydantic_function_tool") else []

BEGUN = {
    "chat": (CHAT, "chat.completions.stream", {}),
    "beta-chat": (CHAT, "beta.chat.completions.stream", {}),
    "responses": (RESPONSES, "responses.stream", {}),
    "typed": (RESPONSES, "responses.stream", {"text_format": City, "tools": _TOOLS}),
    "fetched": (FETCHED, "responses.stream", {}),
    "resumed": (FETCHED, "responses.stream", {"starting_after": 3}),
}
"""The method, and its arguments."""


def _crossed() -> Iterator[tuple[Api, str, Any, str]]:
    """Every use of every answer; for the less usual methods, all uses of one and one use of all."""
    for begun, (api, *_) in BEGUN.items():
        for use in USES:
            for answer in STREAMS["chat" if api is CHAT else "responses"]:
                usual = begun in ("chat", "responses") and answer in ("cut", "error")
                if usual or use is loop or answer == "calls":
                    yield api, begun, use, answer


@both_faces
@crossed(("api", "begun", "use", "answer"), _crossed(), few=40)
def test_the_stream_helper_gives_the_same_events_and_answer(
    face: Face, api: Api, begun: str, use: Any, answer: str, telemetry: Telemetry
) -> None:
    """`stream()` gives the same events, answer or error, and makes one span."""
    _, path, options = BEGUN[begun]
    require(*(f"{path}:{name}" for name in {**api.ask, **options} if api is not CHAT), path)

    async def scenario(face: Face, client: Any) -> Any:
        async with face.within(door(client, path)(**{**api.ask, **options})) as stream:
            found = await use(face, stream, api)
            await face.turn()
        return type(stream), dir(stream), found

    body = STREAMS["chat" if api is CHAT else "responses"][answer]
    same(face, scenario, lambda: [script.stream(*body)], telemetry)
    assert telemetry.span.name == api.span
