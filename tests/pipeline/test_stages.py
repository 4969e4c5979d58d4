"""`toolspan.stage` around streams and functions of all kinds: the application notices nothing of it."""

from __future__ import annotations

import inspect
import types
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

import pytest

import toolspan
from toolspan import guard
from toolspan.otel import semconv
from toolspan.pipeline import semconv as stage_semconv
from toolspan.pipeline.tracker import Ledger

from ..sdk import script, wire
from ..sdk.sdk import both_faces
from ..sdk.telemetry import Telemetry
from . import shapes
from .faces import FACES, Face, play

faces = pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)


@faces
@pytest.mark.parametrize("form", shapes.FORMS.values(), ids=shapes.FORMS)
def test_stage_emits_the_same_objects_it_received(form: Any, face: Face, telemetry: Telemetry) -> None:
    """A source and a function emit the same objects, and count them alike in every form."""
    chunks = [form(body) for body in shapes.answer()]

    async def act() -> None:
        for stream in (toolspan.stage("point", face.source(chunks)), face.policy(face.source(chunks))):
            found = await face.all(stream)
            assert len(found) == len(chunks)
            assert all(one is other for one, other in zip(found, chunks, strict=True))

    with telemetry.on():
        play(act)
    for span in telemetry.spans:
        got = span.attributes
        assert (got[stage_semconv.IN.chunks], got[stage_semconv.OUT.chunks], got[stage_semconv.PASSED]) == (
            11,
            11,
            11,
        )
        assert (
            got[stage_semconv.OUT.text],
            got[stage_semconv.OUT.tool_call],
            got[stage_semconv.OUT.finish],
        ) == (2, 6, 1)
        assert got[stage_semconv.IN.digest] == got[stage_semconv.OUT.digest]
        assert got[semconv.STREAM_OUTCOME] == "completed"


@faces
def test_error_of_the_source_passes_unchanged(face: Face, telemetry: Telemetry) -> None:
    """The source's own error reaches the reader, and the span records the side that raised it."""
    error = ValueError("no")
    error.__cause__ = KeyError("cause")

    async def act() -> None:
        for stream in (
            toolspan.stage("point", face.source(["a", error])),
            face.policy(face.source(["a", error])),
        ):
            assert await face.next(stream) == "a"
            with pytest.raises(ValueError, match="no") as raised:
                await face.next(stream)
            assert raised.value is error
            assert isinstance(error.__cause__, KeyError)

    with telemetry.on():
        play(act)
    point, policy = (span.attributes for span in telemetry.spans)
    assert (point[semconv.ERROR_TYPE], point[semconv.STREAM_OUTCOME]) == ("ValueError", "failed")
    assert point[stage_semconv.STAGE_ERROR_SIDE] == "in"
    assert policy[stage_semconv.STAGE_ERROR_SIDE] == "in"


@faces
def test_error_of_the_stage_itself_blocks_its_chunks(face: Face, telemetry: Telemetry) -> None:
    """An error that the stage itself raises is recorded as its own; chunks in flight are blocked."""

    @toolspan.stage("broken")
    def broken(chunks: Iterator[Any]) -> Iterator[Any]:
        yield next(chunks)
        next(chunks)
        raise RuntimeError

    @toolspan.stage("broken")
    async def broken_later(chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
        yield await chunks.__anext__()
        await chunks.__anext__()
        raise RuntimeError

    async def act() -> None:
        policy: Any = broken if face.name == "sync" else broken_later
        with pytest.raises(RuntimeError):
            await face.all(policy(face.source(["a", "b"])))

    with telemetry.on():
        play(act)
    got = telemetry.span.attributes
    assert (got[stage_semconv.STAGE_ERROR_SIDE], got[stage_semconv.BLOCKED], got[stage_semconv.PASSED]) == (
        "stage",
        1,
        1,
    )


@faces
def test_values_sent_into_a_stage_reach_its_generator(face: Face, telemetry: Telemetry) -> None:
    """Values sent and errors thrown into a stage reach its generator, and its answers come back."""
    heard: list[Any] = []

    def talking(chunks: Iterator[Any]) -> Iterator[Any]:
        for chunk in chunks:
            try:
                heard.append((yield chunk))
            except KeyError:
                yield "caught"

    async def talking_later(chunks: AsyncIterator[Any]) -> AsyncGenerator[Any, Any]:
        async for chunk in chunks:
            try:
                heard.append((yield chunk))
            except KeyError:
                yield "caught"

    async def act() -> None:
        function: Any = talking if face.name == "sync" else talking_later
        stream: Any = toolspan.stage("talk", face.source(["a", "b", "c"]), through=function)
        assert await face.next(stream) == "a"
        if face.name == "sync":
            assert (stream.send("sent"), stream.throw(KeyError())) == ("b", "caught")
            assert isinstance(stream, types.GeneratorType)
        else:
            assert (await stream.asend("sent"), await stream.athrow(KeyError())) == ("b", "caught")
            assert inspect.isasyncgen(stream)
        assert await face.all(stream) == ["c"]

    with telemetry.on():
        play(act)
    assert heard == ["sent", None]
    got = telemetry.span.attributes
    assert (got[stage_semconv.IN.chunks], got[stage_semconv.OUT.chunks], got[stage_semconv.ALTERED]) == (
        3,
        4,
        0,
    )


def test_functions_of_all_kinds_keep_name_and_kind(telemetry: Telemetry) -> None:
    """Plain functions, coroutine functions, methods and callable objects keep their name and kind."""

    class Policy:
        """Of somebody's."""

        @toolspan.stage
        def plain(self, chunks: Iterator[Any]) -> Iterator[Any]:
            """A plain function that gives an iterator."""
            return map(str, chunks)

        @toolspan.stage("named", input="rest")
        async def later(self, first: Iterator[Any], rest: list[Any]) -> Iterator[Any]:
            """A coroutine function; what it reads is named, and no iterator yet."""
            return iter([*rest])

        def __call__(self, chunks: Iterator[Any]) -> Iterator[Any]:
            """As a function."""
            return chunks

    policy = Policy()

    async def act() -> None:
        assert list(policy.plain(iter([1, 2]))) == ["1", "2"]
        assert list(await policy.later(iter([0]), [3])) == [3]
        assert list(await policy.later(iter([0]), rest=[4])) == [4]
        assert list(toolspan.stage("object", iter("ab"), through=policy)) == ["a", "b"]
        assert list(toolspan.stage(policy)(chunks=iter("c"))) == ["c"]
        assert toolspan.stage("nothing")(lambda: 7)() == 7

    with telemetry.on():
        play(act)
    names = [span.attributes[stage_semconv.STAGE_NAME] for span in telemetry.spans]
    assert names == ["plain", "named", "named", "object", "Policy", "nothing"]
    assert policy.plain.__doc__ == "A plain function that gives an iterator."
    assert inspect.iscoroutinefunction(Policy.later)
    assert [stage_semconv.IN.chunks in span.attributes for span in telemetry.spans] == [True] * 5 + [False]


def test_stage_as_a_context_manager_counts_reported_chunks(telemetry: Telemetry) -> None:
    """In a `with` block the stage counts the chunks it is called with, and emits nothing itself."""
    with telemetry.on():
        with toolspan.stage("worker") as stage:
            for chunk in stage.input(iter(["a", "b"])):
                assert stage.emitted(chunk) is chunk
            assert stage.received("c") == "c"
        with pytest.raises(KeyError), toolspan.stage("worker"):
            raise KeyError
        toolspan.stage("never entered")
    first, second = telemetry.spans
    got = first.attributes
    assert (got[stage_semconv.IN.chunks], got[stage_semconv.OUT.chunks], got[stage_semconv.DROPPED]) == (
        3,
        2,
        1,
    )
    assert second.attributes[semconv.STREAM_OUTCOME] == "failed"


def test_list_of_chunks_is_counted_once_and_stays_a_list(telemetry: Telemetry) -> None:
    """A list of chunks is a stage once, and still a list."""
    with telemetry.on():
        chunks = toolspan.stage("a", ["a", "b"])
        assert [list(chunks), list(chunks), chunks.index("b")] == [["a", "b"], ["a", "b"], 1]
        assert isinstance(chunks, list)
    assert telemetry.span.attributes[stage_semconv.OUT.chunks] == 2


@both_faces
def test_stage_keeps_the_members_of_the_sdks_stream(face: Any, telemetry: Telemetry) -> None:
    """The SDK's stream keeps all its members, and the stage is in the trace."""
    answer = script.stream(shapes.text("a"), shapes.text("b"), shapes.finish(), wire.DONE)
    ask = {"model": "m", "messages": [{"role": "user", "content": "a"}], "stream": True}

    async def scenario() -> None:
        async with face.client(script.Transport(answer)) as client:
            with telemetry.tracer.start_as_current_span("application"):
                stream = await face.done(client.chat.completions.create(**ask))
                staged = toolspan.stage("client", stream)
            assert isinstance(staged, face.stream_class)
            assert staged.response is stream.response
            assert set(dir(stream)) <= set(dir(staged))
            async with face.within(staged) as entered:
                assert entered is staged
                assert len(await face.read(entered)) == 3

    with telemetry.on():
        face.run(scenario())
    chat, stage = sorted(telemetry.spans, key=lambda span: span.name)
    assert stage.attributes[stage_semconv.OUT.chunks] == chat.attributes[semconv.STREAM_CHUNKS] == 3
    assert stage.parent == chat.parent


def test_kill_switch_returns_the_stream_itself(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """With toolspan off, `stage` returns the stream itself."""
    source = iter("ab")
    with telemetry.on():
        toolspan.switch(enabled=False)
        try:
            assert toolspan.stage("a", source) is source
            assert list(toolspan.stage("b", source, through=lambda chunks: chunks)) == ["a", "b"]
            with toolspan.stage("c") as stage:
                assert stage.input(source) is source
                assert stage.received(1) + stage.emitted(2) == 3
                assert stage.route.stream_id
        finally:
            toolspan.switch(enabled=True)
    with telemetry.on(enabled=False):
        assert toolspan.stage("a", source) is source
    assert telemetry.started == []


def test_value_that_cannot_be_iterated_is_returned_as_it_is(telemetry: Telemetry) -> None:
    """A value that cannot be iterated is returned as it is."""
    with telemetry.on():
        assert toolspan.stage("a", 7) == 7
        assert toolspan.stage("a", None) is None
    assert len(telemetry.spans) == 2


@faces
@pytest.mark.parametrize("part", ["read", "emitted", "end", "reading"])
def test_error_of_toolspan_loses_no_chunk(
    part: str, face: Face, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, guarded: None
) -> None:
    """An error in following loses no chunk and no error of the application, and the span ends."""

    def broken(*args: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(Ledger, part, broken)
    failing = ValueError()

    async def act() -> None:
        assert await face.all(face.policy(face.source(["a", "b"]))) == ["a", "b"]
        with pytest.raises(ValueError):  # noqa: PT011 - the very error is compared
            await face.all(face.policy(face.source(["a", failing])))

    with telemetry.on():
        play(act)
    assert len(telemetry.spans) == 2
    assert guard._reported


def test_sample_every_of_the_settings_holds_without_an_argument(telemetry: Telemetry) -> None:
    """The setting holds where a stage has no `sample_every` of its own."""
    with telemetry.on(sample_every=2):
        list(toolspan.stage("a", iter("abcd")))
        list(toolspan.stage("a", iter("abcd"), sample_every=0))
    assert [len(span.events) for span in telemetry.spans] == [3, 1]
