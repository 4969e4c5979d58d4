"""The fate of each chunk between a stage's received and emitted sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolspan.pipeline import matching, tracker
from toolspan.pipeline.chunk import FINISH, OTHER, TEXT, TOOL_CALL
from toolspan.pipeline.matching import FATES, WINDOW
from toolspan.pipeline.tracker import Ledger
from toolspan.wire.record import End

from ..table import each_row
from . import shapes

Policy = Callable[[Iterator[Any]], Iterator[Any]]
ANSWER = shapes.answer()


class Clock:
    """A microsecond later each time."""

    def __init__(self) -> None:
        self.at = 0

    def __call__(self) -> int:
        """The time in nanoseconds."""
        self.at += 1000
        return self.at


def run(policy: Policy, chunks: list[Any], end: Any = End.EXHAUSTED) -> Ledger:
    """Return the ledger of a policy that received these chunks."""
    found, clock = Ledger(), Clock()
    found.reading()

    def reading() -> Iterator[Any]:
        for chunk in chunks:
            found.read(chunk, clock)
            yield chunk
        found.complete = True

    try:
        for chunk in policy(reading()):
            found.emitted(chunk, clock)
    except RuntimeError as error:
        end = error
    found.end(end, clock())
    return found


def counts(found: Ledger) -> dict[str, int]:
    """Each fate that any chunk had, and how many."""
    totals = {fate: sum(by_kind.values()) for fate, by_kind in found.matching.counts.items()}
    return {fate: count for fate, count in totals.items() if count}


def passing(chunks: Iterator[Any]) -> Iterator[Any]:
    yield from chunks


def late(chunks: Iterator[Any]) -> Iterator[Any]:
    yield from list(chunks)


def one_behind(chunks: Iterator[Any]) -> Iterator[Any]:
    before = next(chunks)
    for chunk in chunks:
        yield before
        before = chunk
    yield before


def rebuilt(chunks: Iterator[Any]) -> Iterator[Any]:
    yield from ({**chunk, "id": "other"} for chunk in chunks)


def without_finish(chunks: Iterator[Any]) -> Iterator[Any]:
    yield from (chunk for chunk in chunks if not _is(chunk, "stop", "tool_calls"))


def without_last_fragment(chunks: Iterator[Any]) -> Iterator[Any]:
    yield from (chunk for number, chunk in enumerate(chunks) if number != 8)


def twice(chunks: Iterator[Any]) -> Iterator[Any]:
    for number, chunk in enumerate(chunks):
        yield from [chunk] * (2 if number == 4 else 1)


def twice_at_last(chunks: Iterator[Any]) -> Iterator[Any]:
    yield from (found := list(chunks))
    yield found[4]


def swapped(chunks: Iterator[Any]) -> Iterator[Any]:
    found = list(chunks)
    found[4], found[5] = found[5], found[4]
    yield from found


def in_place(chunks: Iterator[Any]) -> Iterator[Any]:
    for number, chunk in enumerate(chunks):
        if number == 1:
            chunk["choices"][0]["delta"]["content"] = "[redacted]"
        yield chunk


def warned(chunks: Iterator[Any]) -> Iterator[Any]:
    first = next(chunks)
    yield from (first, shapes.text("Beware: "))
    yield from chunks


def warned_late(chunks: Iterator[Any]) -> Iterator[Any]:
    yield next(chunks)
    second = next(chunks)
    yield from (shapes.text("Beware: "), second)
    yield from chunks


def blocked(chunks: Iterator[Any]) -> Iterator[Any]:
    for chunk in chunks:
        if _calls(chunk):
            yield shapes.chunk({"content": "No."}, "content_filter")
            return
        yield chunk


def drained(chunks: Iterator[Any]) -> Iterator[Any]:
    yield from (chunk for chunk in chunks if not _calls(chunk))


def broken(chunks: Iterator[Any]) -> Iterator[Any]:
    for number, chunk in enumerate(chunks):
        if number == 5:
            raise RuntimeError
        yield chunk


def joined(chunks: Iterator[Any]) -> Iterator[Any]:
    found = list(chunks)
    yield from (found[0], shapes.text("Let me see."), *found[3:])


def _is(chunk: Any, *reasons: str) -> bool:
    return any(choice["finish_reason"] in reasons for choice in chunk["choices"])


def _calls(chunk: Any) -> bool:
    return any(choice["delta"].get("tool_calls") for choice in chunk["choices"])


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (passing, {"passed": 11}),
        (late, {"passed": 11}),
        (one_behind, {"passed": 11}),
        (rebuilt, {"passed": 11}),
        (without_finish, {"passed": 10, "dropped": 1}),
        (without_last_fragment, {"passed": 10, "dropped": 1}),
        (twice, {"passed": 11, "injected": 1}),
        (twice_at_last, {"passed": 11, "injected": 1}),
        (swapped, {"passed": 10, "reordered": 1}),
        (in_place, {"passed": 10, "altered": 1}),
        (warned, {"passed": 11, "injected": 1}),
        (warned_late, {"passed": 11, "injected": 1}),
        (blocked, {"passed": 3, "injected": 1, "blocked": 1}),
        (drained, {"passed": 5, "dropped": 6}),
        (broken, {"passed": 5, "blocked": 1}),
        (joined, {"passed": 9, "altered": 1, "dropped": 1}),
    ],
)
@pytest.mark.parametrize("batch", [1, 64])
def test_each_policy_has_the_fates_of_its_chunks(
    policy: Policy, expected: dict[str, int], batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each policy's chunks have their fates, whether they are counted one by one or in batches."""
    monkeypatch.setattr(tracker, "_BATCH", batch)
    monkeypatch.setattr(tracker, "_FULL", 2 * batch)
    assert counts(run(policy, shapes.answer())) == expected


@each_row(
    ("policy", "kind", "fate"),
    [
        (without_finish, FINISH, "dropped"),
        (without_last_fragment, TOOL_CALL, "dropped"),
        (in_place, TEXT, "altered"),
        (swapped, TOOL_CALL, "reordered"),
        (blocked, FINISH, "injected"),
        (blocked, TOOL_CALL, "blocked"),
    ],
)
def test_fates_are_counted_by_kind(policy: Policy, kind: str, fate: str) -> None:
    """Fates are counted by the kind of chunk; injected chunks by their own kind."""
    assert run(policy, shapes.answer()).matching.counts[fate][kind] == 1


def test_chunks_that_did_not_pass_are_named_by_position() -> None:
    """Chunks that did not simply pass are named by their positions on both sides."""
    (lost,) = run(without_last_fragment, ANSWER).matching.cases
    assert lost.read is not None
    assert (lost.fate, lost.read.position, lost.emitted) == ("dropped", 9, None)
    (again,) = run(twice, ANSWER).matching.cases
    assert again.emitted is not None
    assert (again.fate, again.read, again.emitted.position, again.repeats) == ("injected", None, 6, 5)
    (changed,) = run(in_place, shapes.answer()).matching.cases
    assert changed.read is not None
    assert changed.emitted is not None
    assert (changed.read.position, changed.emitted.position) == (2, 2)


def test_number_of_named_chunks_is_bounded() -> None:
    """Only the first chunks are named, but all are counted."""
    found = run(lambda chunks: (chunk for chunk in chunks if not chunk), [shapes.text("a")] * 500)
    assert len(found.matching.cases) == matching._MOST_CASES
    assert counts(found) == {"dropped": 500}


def test_alterations_are_all_counted_and_timed() -> None:
    """Of a stage that alters each chunk the first are named, and all are counted and timed."""
    chunks = [shapes.text(f"{number} ") for number in range(100)]
    found = run(lambda given: (shapes.text(str(each)) for each in given), chunks)
    assert counts(found) == {"altered": 100}
    assert len(found.matching.cases) == matching._MOST_CASES
    assert found.matching.held_sum == 100 * 1000


def test_altered_chunk_matches_its_original_past_others() -> None:
    """An altered chunk matches one of its kind, choice and call, past others that are in flight."""
    chunks = [shapes.fragment("a", 0), shapes.fragment("b", 1), shapes.text("c", 1), shapes.text("d", 0)]

    def policy(given: Iterator[Any]) -> Iterator[Any]:
        list(given)
        yield from (
            shapes.fragment("B", 1),
            shapes.text("D", 0),
            shapes.chunk({"refusal": "e", "content": "f"}),
        )

    found = run(policy, chunks)
    assert counts(found) == {"altered": 2, "injected": 1, "dropped": 2}


@pytest.mark.parametrize("count", [WINDOW - 1, WINDOW + 1, 3 * WINDOW])
def test_stage_that_holds_more_than_the_window_passes_all(count: int) -> None:
    """A stage that holds more chunks than are kept, and emits all, has passed all."""
    chunks = [*(shapes.text(f"{number % 7} ") for number in range(count)), shapes.finish()]
    found = run(late, chunks)
    assert counts(found) == {"passed": count + 1}
    assert found.matching.held_longest >= count * 1000


def test_alteration_beyond_the_window_is_incomplete() -> None:
    """If more chunks than are kept come out altered, the span is marked as incomplete."""
    chunks = [*(shapes.text(f"{number} ") for number in range(2 * WINDOW)), shapes.finish()]
    found = run(lambda given: iter([*list(given)[1:]]), chunks)
    assert found.matching.counts["untracked"][TEXT] > 0
    assert not found.whole


def test_time_held_is_measured_for_each_chunk() -> None:
    """The time in flight is recorded for each chunk: the longest and the sum."""
    found = run(one_behind, [shapes.text(str(number)) for number in range(5)])
    assert (found.matching.held_longest, found.matching.held_sum) == (3000, 13_000)


def test_chunk_in_flight_at_the_end_is_pending() -> None:
    """A chunk that is in flight when the stream is left is pending, for as long as it was there."""
    found, clock = Ledger(), Clock()
    found.reading()
    found.read(shapes.text("a"), clock)
    found.emitted(shapes.text("a"), clock)
    found.read(shapes.fragment("{"), clock)
    found.end(TimeoutError(), clock.at + 5_000_000)
    assert counts(found) == {"passed": 1, "blocked": 1}
    found = run(lambda chunks: iter([next(chunks)]), ANSWER, End.DROPPED)
    assert counts(found) == {"passed": 1}


def test_digest_of_a_side_does_not_depend_on_cuts() -> None:
    """The digests of both sides are equal where only the cuts differ."""
    assert run(joined, ANSWER).whole
    assert not run(without_last_fragment, ANSWER).whole
    assert not run(in_place, shapes.answer()).whole
    assert not run(without_finish, ANSWER).whole


edits = st.lists(
    st.tuples(st.sampled_from(("drop", "double", "swap", "alter", "inject")), st.integers(0, 10)), max_size=5
)


def edited(chunks: list[Any], what: list[tuple[str, int]]) -> list[Any]:
    """The chunks after these edits."""
    found = list(chunks)
    for edit, where in what:
        at = min(where, len(found) - 1)
        if at < 0:
            continue
        changed = {
            "drop": [],
            "double": [found[at]] * 2,
            "swap": [*found[at + 1 : at + 2], found[at]],
            "alter": [shapes.text("altered")],
            "inject": [found[at], shapes.text("other")],
        }[edit]
        found[at : at + (2 if edit == "swap" else 1)] = changed
    return found


@given(what=edits, ahead=st.integers(1, 12), size=st.sampled_from([1, 3, 64]))
def test_each_chunk_of_any_policy_has_one_fate(what: list[tuple[str, int]], ahead: int, size: int) -> None:
    """Each chunk received and each chunk emitted has one fate, whatever a policy does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracker, "_BATCH", size)
        patch.setattr(tracker, "_FULL", 2 * size)

        def policy(chunks: Iterator[Any]) -> Iterator[Any]:
            out = iter(edited(ANSWER, what))
            for number, _ in enumerate(chunks, 1):
                if number >= ahead and (found := next(out, None)) is not None:
                    yield found
            yield from out

        found = run(policy, ANSWER)
    total = counts(found)
    inside = sum(total.get(fate, 0) for fate in FATES if fate != "injected")
    assert inside == len(ANSWER)
    assert found.received_side is not None
    assert found.received_side.chunks == len(ANSWER)
    went = sum(total.get(fate, 0) for fate in ("passed", "altered", "reordered", "injected"))
    assert went == found.emitted_side.chunks
    if not what:
        assert total == {"passed": len(ANSWER)}


@given(chunks=st.lists(st.sampled_from(ANSWER), max_size=40), size=st.sampled_from([1, 2, 5]))
def test_batch_size_changes_no_count_or_digest(chunks: list[Any], size: int) -> None:
    """Counts, digests and sampled chunks are the same for any size of the batches."""
    found = []
    for batch in (size, 64):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tracker, "_BATCH", batch)
            patch.setattr(tracker, "_FULL", 2 * batch)
            each = run(passing, chunks)
        side = each.emitted_side
        found.append((counts(each), side.counts, side.size, side.digest(), side.pause, side.follower.close()))
    assert found[0] == found[1]


def test_stream_without_chunks_has_no_fates() -> None:
    """A stream without chunks has no fates and no delays."""
    found = run(passing, [])
    assert (counts(found), found.emitted_side.first_at, found.emitted_side.counts[OTHER]) == ({}, None, 0)
