"""Streams ended by the application or by their body: one span, the right outcome, with the collector off."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from . import script, wire, wire_others, wire_responses
from .api import Api
from .apis import CHAT, COMPLETIONS, FETCHED, MESSAGES, STREAMED
from .endings import Act, Ended, Play, check, play
from .params import crossed, each, over
from .script import Body, Transport
from .sdk import Face, both_faces
from .telemetry import Telemetry


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


Ends = dict[str, tuple[list[Any], Ended]]


_TRUNCATED = Ended("truncated")

_API_ERROR = Ended("failed", error_type="openai.APIError")


def ends_of(api: Api) -> Ends:
    """The bodies of an API, and the endings."""
    cut = list(api.text[: api.finished - 1])
    found: Ends = {
        "no-done": ([*api.text], Ended("completed", ("stop",))),
        "no-finish": ([*cut, wire.DONE], _TRUNCATED),
        "cut-clean": (cut, _TRUNCATED),
        "empty": ([wire.DONE], _TRUNCATED),
        "nothing": ([], _TRUNCATED),
        "error-object": ([*cut, {"error": {"message": "m"}}], _API_ERROR),
        "bad-json": (
            [*cut, b"data: {oops\n\n"],
            Ended("failed", error_type="json.decoder.JSONDecodeError"),
        ),
        "interrupted": ([*cut, KeyboardInterrupt()], Ended("cancelled")),
    }
    if api is MESSAGES:
        # Its SDK drops events without a name: they cut the stream short, or add nothing.
        dropped = {name: ends for name, ends in found.items() if not name.startswith(("error", "bad"))}
        return {**dropped, "bad-json": (found["bad-json"][0], _TRUNCATED)}
    if api in (CHAT, COMPLETIONS):
        return {**found, "one-of-two": _one_of_two(api)}
    return {**found, **_responses(fetched=api is FETCHED)}


def _one_of_two(api: Api) -> tuple[list[Any], Ended]:
    chat = [wire.text("a"), wire.chunk(None, "stop", index=1)]
    legacy = [wire_others.chunk("a"), wire_others.chunk("", "stop", index=1)]
    return [*(chat if api is CHAT else legacy), wire.DONE], Ended("truncated", ("error", "stop"))


def _responses(*, fetched: bool) -> Ends:
    """A response that was fetched may have failed, and fetching it has not."""
    text = wire_responses.written("Hel", "lo")

    def last(status: str, **more: Any) -> list[Any]:
        return [*wire_responses.stream(text, last=status, **more)]

    def failed(code: str) -> Ended:
        return Ended("completed") if fetched else Ended("failed", error_type=code)

    error, filtered = wire_responses.ERROR, {"incomplete_details": {"reason": "content_filter"}}
    return {
        "incomplete": (last("incomplete", **wire_responses.CUT), Ended("completed", ("length",))),
        "filtered": (last("incomplete", **filtered), Ended("completed", ("content_filter",))),
        "failed": (last("failed", **wire_responses.FAILED), failed("server_error")),
        "failed-without-words": (last("failed"), failed("_OTHER")),
        "failed-at-once": (last("failed", **wire_responses.FAILED)[-1:], failed("server_error")),
        "cancelled": (last("cancelled"), Ended("completed") if fetched else _TRUNCATED),
        "calls": ([*wire_responses.CALLS], Ended("completed", ("tool_calls",))),
        "error-event": ([*text[:3], error], Ended("failed", error_type="rate_limit_exceeded")),
        "error-event-inside": ([*text[:3], {"type": "error", "error": error}], _API_ERROR),
        "done": ([*wire_responses.TEXT, wire.DONE], Ended("completed", ("stop",))),
        "nothing-but-the-last": ([wire_responses.TEXT[-1]], Ended("completed", ("stop",))),
        "without-the-first": ([*wire_responses.TEXT[4:]], Ended("completed", ("stop",))),
    }


@pytest.mark.usefixtures("unraisable")
@both_faces
@each(("api", "act", "outcome"), [(api, *pair) for api in STREAMED for pair in acts_of(api)])
def test_a_stream_left_by_the_application_ends_at_once(
    face: Face, api: Api, act: Act, outcome: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Each way to leave a stream ends its span at once, with the outcome of that way."""
    caplog.set_level(logging.INFO)
    error = play(face, act, telemetry, Transport(api.streams), api=api)
    assert type(error) is (LookupError if "raise" in act.__name__ else type(None))
    check(telemetry, Ended(outcome, ("stop",) if outcome == "completed" else ("error",)), caplog.records)


@pytest.mark.usefixtures("unraisable")
@both_faces
@over(*STREAMED)
def test_closing_the_inner_iterator_ends_the_span(face: Face, api: Api, telemetry: Telemetry) -> None:
    """Frameworks close `_iterator`; in newer SDKs this closes the response, too."""
    assert play(face, close_the_iterator, telemetry, Transport(api.streams), api=api) is None
    assert telemetry.span.attributes["toolspan.stream.outcome"] in ("closed", "abandoned")


ERRORS = {
    "error-object": openai.APIError,
    "error-event-inside": openai.APIError,
    "bad-json": json.JSONDecodeError,
    "interrupted": KeyboardInterrupt,
}


@pytest.mark.usefixtures("unraisable")
@both_faces
@each(("api", "name"), [(api, name) for api in STREAMED for name in ends_of(api)])
def test_a_stream_ends_as_its_body_ends(
    face: Face, api: Api, name: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream that is read ends with its body, or with the error that its body caused."""
    parts, want = ends_of(api)[name]
    error = play(face, loop_to_the_end, telemetry, Transport(script.stream(*parts)), api=api)
    check(telemetry, want, caplog.records)
    assert type(error) is ERRORS.get(name, type(None))


def _by_hand() -> Iterator[tuple[Api, str]]:
    """The bodies of which the bytes say how they ended; errors are the SDK's affair."""
    for api in STREAMED:
        for name in ends_of(api):
            if name not in ERRORS:
                yield api, name


@pytest.mark.usefixtures("unraisable")
@both_faces
@crossed(("api", "name"), _by_hand())
def test_lines_read_by_hand_end_as_the_body_ends(
    face: Face, api: Api, name: str, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the application reads the lines itself, the span has the outcome of the body."""
    parts, want = ends_of(api)[name]
    assert play(face, late_lines_to_the_end, telemetry, Transport(script.stream(*parts)), api=api) is None
    check(telemetry, want, caplog.records)


@pytest.mark.usefixtures("unraisable")
@both_faces
@over(*STREAMED)
def test_a_closed_stream_releases_its_body(face: Face, api: Api, telemetry: Telemetry) -> None:
    """Closing the stream closes the body, as in the bare SDK."""
    body = Body(wire.events(api.text))
    play(face, close_half_read, telemetry, Transport(script.stream(body=body)), api=api)
    assert body.closed
