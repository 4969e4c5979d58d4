"""The application cannot tell that it is watched: `stream()`, the SDK's helper that reads a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai

from . import script, wire, wire_responses
from .apis import CHAT, FETCHED, RESPONSES, Api, door
from .features import has, require
from .observe import same
from .params import crossed
from .sdk import Face, both_faces
from .telemetry import Telemetry
from .test_transparency_parse import City


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
"""By which door, and with what."""


def _crossed() -> Iterator[tuple[Api, str, Any, str]]:
    """Every use of every answer; by the less usual doors, all uses of one and one use of all."""
    for begun, (api, *_) in BEGUN.items():
        for use in USES:
            for answer in STREAMS["chat" if api is CHAT else "responses"]:
                usual = begun in ("chat", "responses") and answer in ("cut", "error")
                if usual or use is loop or answer == "calls":
                    yield api, begun, use, answer


@both_faces
@crossed(("api", "begun", "use", "answer"), _crossed(), few=40)
def test_the_stream_helper_is_the_same(
    face: Face, api: Api, begun: str, use: Any, answer: str, telemetry: Telemetry
) -> None:
    """`stream()` hands out the same events and the same final answer, or raises the same; one span."""
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
