"""Ways in which an application reads a stream, each of which returns everything that it saw.

They know no API: whichever is given makes the stream.
"""

from __future__ import annotations

from typing import Any

from .apis import CHAT, COMPLETIONS, Api
from .sdk import END, Face


async def read_to_the_end(face: Face, client: Any, api: Api) -> Any:
    stream = await face.done(api.stream(client))
    return stream, await face.read(stream), stream, await face.next(stream)


async def read_one_by_one(face: Face, client: Any, api: Api) -> Any:
    stream = await face.done(api.stream(client))
    return [await face.next(stream) for _ in range(9)], stream


async def read_until_it_breaks(face: Face, client: Any, api: Api) -> Any:
    stream = await face.done(api.stream(client))
    found: list[Any] = []
    try:
        while (chunk := await face.next(stream)) is not END:
            found.append(chunk)
    except Exception as error:
        found.append(error)
    return found, await face.next(stream), stream


async def read_in_a_with_block(face: Face, client: Any, api: Api) -> Any:
    created = await face.done(api.stream(client))
    async with face.within(created) as stream:
        assert stream is created
        found = await face.read(stream)
    return found, stream


async def read_in_two_loops(face: Face, client: Any, api: Api) -> Any:
    stream = await face.done(api.stream(client))
    first = await face.take(stream, 2)
    await face.turn()
    return first, await face.read(stream), stream


async def leave_a_with_block_early(face: Face, client: Any, api: Api) -> Any:
    async with face.within(await face.done(api.stream(client))) as stream:
        found = await face.take(stream, 2)
    return found, stream


async def close_twice_and_read_on(face: Face, client: Any, api: Api) -> Any:
    stream = await face.done(api.stream(client))
    first = await face.next(stream)
    await face.done(stream.close())
    await face.done(stream.close())
    return first, stream, await face.read(stream)


async def close_the_response(face: Face, client: Any, api: Api) -> Any:
    stream = await face.done(api.stream(client))
    first = await face.next(stream)
    await face.close(stream.response)
    return first, stream, await face.read(stream)


async def look_at_the_stream(face: Face, client: Any, api: Api) -> Any:
    stream = await face.done(api.stream(client))
    shown = [(name, type(getattr(stream, name))) for name in dir(stream) if not name.startswith("_")]
    answers = [
        hasattr(stream, name) for name in ("__enter__", "__aenter__", "__next__", "__anext__", "choices")
    ]
    await face.done(stream.close())
    return shown, answers, type(stream), isinstance(stream, face.stream_class), sorted(vars(stream))


async def ask_for_usage(face: Face, client: Any, api: Api) -> Any:
    options = {"include_usage": True}
    stream = await face.done(api.stream(client, stream_options=options))
    return await face.read(stream), options


async def ask_by_hand(face: Face, client: Any, api: Api) -> Any:
    stream_class = face.stream_class[api.chunk_class]
    stream = await face.done(api.by_hand(client, stream=True, stream_cls=stream_class))
    return stream, await face.read(stream)


async def ask_with_options(face: Face, client: Any, api: Api) -> Any:
    other = client.with_options(timeout=3, default_headers={"X-Mine": "1"})
    stream = await face.done(api.stream(other, timeout=5, extra_headers={"X-More": "2"}))
    return stream, await face.read(stream)


READINGS = (
    read_to_the_end,
    read_one_by_one,
    read_until_it_breaks,
    read_in_a_with_block,
    read_in_two_loops,
    leave_a_with_block_early,
    close_twice_and_read_on,
    close_the_response,
    look_at_the_stream,
    ask_by_hand,
    ask_with_options,
)


def readings_of(api: Api) -> tuple[Any, ...]:
    """The ways that there are for this API."""
    return (*READINGS, ask_for_usage) if api in (CHAT, COMPLETIONS) else READINGS
