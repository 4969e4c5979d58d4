"""What an application can do with the helper that reads a stream for it, and the outcome of each.

It knows no API: whichever is played gives the helper.
"""

from __future__ import annotations

from .acts import STREAMS
from .apis import Api
from .endings import Act, Play


async def helper_left_early(played: Play) -> None:
    async with played.face.within(played.api.helper(played.client)) as stream:
        await played.face.take(stream, 2)


async def helper_closed(played: Play) -> None:
    async with played.face.within(played.api.helper(played.client)) as stream:
        await played.face.done(stream.close())


async def helper_read(played: Play) -> None:
    async with played.face.within(played.api.helper(played.client)) as stream:
        await played.face.done(getattr(stream, played.api.final)())


async def helper_unread(played: Play) -> None:
    async with played.face.within(played.api.helper(played.client)):
        pass


async def helper_raised_in(played: Play) -> None:
    async with played.face.within(played.api.helper(played.client)) as stream:
        await played.face.next(stream)
        raise LookupError("the application's own")


HELPERS: list[tuple[Act, str]] = [
    (helper_left_early, "closed"),
    (helper_closed, "closed"),
    (helper_unread, "closed"),
    (helper_raised_in, "closed"),
    (helper_read, "completed"),
]


def acts_of(api: Api) -> list[tuple[Act, str]]:
    """What can be done with a stream of this API, and the outcomes."""
    return STREAMS + HELPERS if api.helped else STREAMS
