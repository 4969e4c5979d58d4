"""What an application can do with a stream, from reading it to forgetting it, and the outcome of each.

It knows no API: whichever is played gives the stream.
"""

from __future__ import annotations

from .endings import Act, Play


async def read_to_the_end(played: Play) -> None:
    await played.next(await played.open(), len(played.api.text) + 1)


async def loop_to_the_end(played: Play) -> None:
    await played.face.read(await played.open())


async def break_a_loop(played: Play) -> None:
    await played.face.take(await played.open(), 2)


async def break_inside_with(played: Play) -> None:
    async with played.face.within(await played.open()) as stream:
        await played.face.take(stream, 2)


async def close_half_read(played: Play) -> None:
    stream = await played.open()
    await played.next(stream, 2)
    await played.face.done(stream.close())


async def close_unread(played: Play) -> None:
    await played.face.done((await played.open()).close())


async def close_by_the_other_name(played: Play) -> None:
    stream = await played.open()
    await played.next(stream)
    await played.face.done(getattr(stream, "aclose", stream.close)())


async def close_the_response(played: Play) -> None:
    stream = await played.open()
    await played.next(stream)
    await played.face.close(stream.response)


async def close_the_iterator(played: Play) -> None:
    stream = await played.open()
    await played.next(stream)
    await played.face.close(stream._iterator)


async def drop_unread(played: Play) -> None:
    await played.open()


async def drop_half_read(played: Play) -> None:
    await played.next(await played.open(), 2)


async def raise_inside_with(played: Play) -> None:
    async with played.face.within(await played.open()) as stream:
        await played.next(stream)
        raise LookupError("the application's own")


async def raise_outside_with(played: Play) -> None:
    await played.next(await played.open())
    raise LookupError("the application's own")


async def break_after_the_finish_chunk(played: Play) -> None:
    await played.next(await played.open(), played.api.finished)


async def close_after_the_finish_chunk(played: Play) -> None:
    stream = await played.open()
    await played.next(stream, played.api.finished)
    await played.face.done(stream.close())


async def raw_dropped_unread(played: Play) -> None:
    await played.raw()


async def raw_parsed_and_dropped(played: Play) -> None:
    raw = await played.raw()
    await played.next(await played.face.done(raw.parse()), 2)


async def raw_parsed_and_read(played: Play) -> None:
    raw = await played.raw()
    await played.face.read(await played.face.done(raw.parse()))


async def raw_outlived_by_its_stream(played: Play) -> None:
    stream = await played.face.done((await played.raw()).parse())
    await played.next(stream, len(played.api.text) + 1)


async def raw_outlived_by_its_response(played: Play) -> None:
    response = (await played.raw()).http_response
    await played.face.close(response)


async def raw_and_its_response_dropped(played: Play) -> None:
    response = (await played.raw()).http_response
    assert response.status_code == 200


async def raw_lines_to_the_end(played: Play) -> None:
    response = (await played.raw()).http_response
    await played.face.read(response.aiter_lines() if played.face.name == "async" else response.iter_lines())


async def raw_response_closed(played: Play) -> None:
    raw = await played.raw()
    await played.face.close(raw.http_response)


async def late_unread(played: Play) -> None:
    async with played.face.within(played.api.late(played.client, stream=True)) as response:
        assert response.headers


async def late_lines_to_the_end(played: Play) -> None:
    async with played.face.within(played.api.late(played.client, stream=True)) as response:
        await played.face.read(response.iter_lines())


async def late_parsed_and_left(played: Play) -> None:
    async with played.face.within(played.api.late(played.client, stream=True)) as response:
        await played.next(await played.face.done(response.parse()), 2)


STREAMS: list[tuple[Act, str]] = [
    (read_to_the_end, "completed"),
    (loop_to_the_end, "completed"),
    (break_a_loop, "abandoned"),
    (break_inside_with, "closed"),
    (close_half_read, "closed"),
    (close_unread, "closed"),
    (close_by_the_other_name, "closed"),
    (close_the_response, "closed"),
    (drop_unread, "abandoned"),
    (drop_half_read, "abandoned"),
    (raise_inside_with, "closed"),
    (raise_outside_with, "abandoned"),
    (break_after_the_finish_chunk, "completed"),
    (close_after_the_finish_chunk, "completed"),
    (raw_dropped_unread, "abandoned"),
    (raw_parsed_and_dropped, "abandoned"),
    (raw_parsed_and_read, "completed"),
    (raw_outlived_by_its_stream, "completed"),
    (raw_outlived_by_its_response, "closed"),
    (raw_and_its_response_dropped, "abandoned"),
    (raw_lines_to_the_end, "completed"),
    (raw_response_closed, "closed"),
    (late_unread, "closed"),
    (late_lines_to_the_end, "completed"),
    (late_parsed_and_left, "closed"),
]
