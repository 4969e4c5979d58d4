"""`toolspan.attributes`: the scope of its attributes, their values, and that it never raises."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any

import pytest
from opentelemetry import baggage, context, trace

import toolspan
from toolspan import guard, user_context
from toolspan.otel import user_attributes
from toolspan.user_context import current

from .table import each_row


@pytest.fixture(autouse=True, name="clean")
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing was reported before, and nothing is left in the context behind."""
    monkeypatch.setattr(user_attributes, "_warned", set())
    yield
    assert current() == {}


def test_attributes_hold_only_inside_the_block() -> None:
    """The attributes hold inside of the block, and nowhere else."""
    with toolspan.attributes(feature="search", tenant=7):
        assert current() == {"feature": "search", "tenant": 7}
    assert current() == {}


def test_a_mapping_takes_names_with_dots() -> None:
    """A mapping takes names that are no keywords; a keyword of the same name wins."""
    with toolspan.attributes({"enduser.id": "42", "feature": "a", "given": 1}, feature="search"):
        assert current() == {"enduser.id": "42", "feature": "search", "given": 1}


def test_inner_blocks_add_to_outer_ones() -> None:
    """Inner blocks add to outer ones and win over them; afterwards the outer one is as it was."""
    with toolspan.attributes(feature="search", tenant="a"):
        with toolspan.attributes(feature="rank", step=1):
            assert current() == {"feature": "rank", "tenant": "a", "step": 1}
        assert current() == {"feature": "search", "tenant": "a"}


def test_a_block_passes_on_an_error() -> None:
    """An error inside the block leaves it unchanged."""
    with pytest.raises(KeyError), toolspan.attributes(feature="search"):
        raise KeyError


def test_one_block_may_be_entered_many_times() -> None:
    """A block may be entered again, also inside itself."""
    block = toolspan.attributes(feature="search")
    with block:
        with block:
            assert current() == {"feature": "search"}
        assert current() == {"feature": "search"}
    assert current() == {}
    with block:
        assert current() == {"feature": "search"}


class Tier(str, Enum):
    """An enumeration of texts."""

    GOLD = "gold"


VALUES: dict[str, tuple[Any, Any]] = {
    "text": ("a", "a"),
    "empty": ("", ""),
    "true": (True, True),
    "int": (3, 3),
    "float": (0.5, 0.5),
    "list": (["a", "b"], ["a", "b"]),
    "tuple": ((1, 2), [1, 2]),
    "nothing-in-it": ([], []),
    "member": (Tier.GOLD, "gold"),
    "surrogate": ("a\ud800", "a?"),
}


@each_row(("value", "expected"), VALUES.values(), ids=VALUES)
def test_values_have_exactly_the_types_of_attributes(value: Any, expected: Any) -> None:
    """Values are of the types that attributes have, exactly."""
    with toolspan.attributes(feature=value):
        found = current()["feature"]
        assert found == expected
        assert type(found) is type(expected)


WRONG: dict[str, tuple[Any, str]] = {
    "none": (None, "NoneType"),
    "bytes": (b"MARKER", "bytes"),
    "dict": ({"a": "MARKER"}, "dict"),
    "object": (ValueError("MARKER"), "ValueError"),
    "huge": (2**63, "int"),
    "mixed": (["MARKER", 1], "list"),
    "nested": ([["MARKER"]], "list"),
}


@pytest.mark.parametrize(("value", "kind"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_left_out_and_reported_once(
    value: Any, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A value of a wrong type is left out and named once, by its key and type; the others hold."""
    for _ in range(2):
        with toolspan.attributes(feature=value, tenant="a"):
            assert current() == {"tenant": "a"}
    (record,) = caplog.records
    assert record.getMessage() == f"toolspan: attribute 'feature' ignored: {kind} {user_attributes._INVALID}"
    assert (record.name, record.levelno) == ("toolspan", logging.WARNING)


def test_empty_and_reserved_keys_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """A key is a non-empty string outside toolspan's namespace."""
    wrong: Any = {1: "MARKER", "": "MARKER", "toolspan.cost.amount": 1.0}
    with toolspan.attributes(wrong):
        assert current() == {}
    assert [record.getMessage() for record in caplog.records] == [
        "toolspan: attribute with a name of type int ignored: a name is a non-empty str",
        "toolspan: attribute with a name of type str ignored: a name is a non-empty str",
        "toolspan: attribute 'toolspan.cost.amount' ignored: names that begin with 'toolspan.' are reserved",
    ]


def test_at_most_a_hundred_values_are_reported() -> None:
    """After a hundred warnings no more are logged."""
    for number in range(200):
        toolspan.attributes({f"key{number}": None})  # type: ignore[dict-item]  # the wrong type is the point
    assert len(user_attributes._warned) == 100


def test_a_list_is_copied_when_the_block_begins() -> None:
    """Later changes of the application's list change no attribute."""
    tags = ["a"]
    with toolspan.attributes(tags=tags):
        tags.append("b")
        assert current() == {"tags": ["a"]}


@each_row(("value", "kind"), [(5, "int"), ("feature", "str"), ([("a", 1)], "list"), (len, "builtin.*")])
def test_an_argument_that_is_no_mapping_is_refused(value: Any, kind: str) -> None:
    """The error names the type; a name with a value is a keyword."""
    with pytest.raises(TypeError, match=f"^toolspan: attributes.. takes a mapping .*, not {kind}$"):
        toolspan.attributes(value, feature="search")


def test_a_decorated_object_that_is_not_callable_is_refused() -> None:
    """The error names the type."""
    wrong: Any = 5
    with pytest.raises(TypeError, match=r"^toolspan: attributes\(\) decorates functions, not int$"):
        toolspan.attributes(feature="search")(wrong)


class Unreadable(Mapping[str, Any]):
    """A mapping that raises when it is read."""

    def __getitem__(self, name: str) -> Any:
        raise RuntimeError("MARKER")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("MARKER")

    def __len__(self) -> int:
        return 1


def test_a_mapping_that_raises_is_reported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A mapping that raises costs the attributes of the block, and one warning."""
    monkeypatch.setattr(guard, "reraise", False)
    with toolspan.attributes(Unreadable(), feature="search"):
        assert current() == {}
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == [
        "toolspan: reading user attributes failed with RuntimeError"
    ]


def test_a_thread_sees_attributes_of_its_copied_context() -> None:
    """A thread in a copied context has them; a thread in a new context has none."""
    with toolspan.attributes(feature="search"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(contextvars.copy_context().run, current).result() == {"feature": "search"}
        assert pool.submit(current).result() == {}


def test_a_block_shared_by_threads_keeps_them_apart() -> None:
    """A block shared by threads restores each thread's own attributes."""
    block = toolspan.attributes(feature="search")
    together, seen = threading.Barrier(4), []

    def work(number: int) -> None:
        with toolspan.attributes(tenant=number), block:
            together.wait(10)
            seen.append((number, dict(current())))
            together.wait(10)
        seen.append((number, dict(current())))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    inside = [(number, found) for number, found in seen if found]
    assert sorted(number for number, _ in inside) == [0, 1, 2, 3]
    assert all(found == {"tenant": number, "feature": "search"} for number, found in inside)
    assert len(seen) == 8


def test_a_task_sees_the_attributes_of_its_creation() -> None:
    """A task keeps the attributes of its creation after the block's end."""

    async def look(gate: asyncio.Event) -> Mapping[str, Any]:
        await gate.wait()
        return current()

    async def scenario() -> list[Mapping[str, Any]]:
        gate, tasks = asyncio.Event(), []
        for number in range(3):
            with toolspan.attributes(tenant=number):
                tasks.append(asyncio.create_task(look(gate)))
        assert current() == {}
        gate.set()
        return list(await asyncio.gather(*tasks))

    assert asyncio.run(scenario()) == [{"tenant": 0}, {"tenant": 1}, {"tenant": 2}]


def test_a_block_holds_across_the_awaits_of_its_coroutine() -> None:
    """Other tasks that run during the awaits do not have the attributes."""

    async def one(number: int) -> Mapping[str, Any]:
        with toolspan.attributes(tenant=number):
            await asyncio.sleep(0)
            return current()

    async def both() -> list[Mapping[str, Any]]:
        return list(await asyncio.gather(one(1), one(2)))

    assert asyncio.run(both()) == [{"tenant": 1}, {"tenant": 2}]


def pieces() -> Generator[int, None, None]:
    """A generator with a block around what it yields."""
    with toolspan.attributes(feature="stream"):
        yield 1
        yield 2


def test_a_generator_closed_in_another_context_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A generator closed in another context raises and logs nothing, and leaves no attribute."""
    generator = pieces()
    contextvars.copy_context().run(next, generator)
    with toolspan.attributes(tenant="a"):
        generator.close()
        assert current() == {"tenant": "a"}
    assert caplog.records == []


def test_a_block_left_in_another_context_is_over_in_the_first() -> None:
    """An async generator that its reader leaves is closed by asyncio; later calls have no attributes."""

    async def numbers() -> AsyncIterator[int]:
        with toolspan.attributes(tenant="acme"):
            yield 1
            yield 2

    async def read() -> list[Any]:
        found = []
        async for _ in numbers():
            found.append(dict(current()))
            break
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        found.append(dict(current()))
        with toolspan.attributes(step=1):
            found.append(dict(current()))
        return found

    assert asyncio.run(read()) == [{"tenant": "acme"}, {}, {"step": 1}]


@pytest.mark.parametrize("where", ["thread", "context"])
def test_a_generator_closed_elsewhere_leaves_nothing_behind(where: str) -> None:
    """A generator with a block that another thread or context closes leaves no attributes behind."""

    def numbers() -> Generator[int]:
        with toolspan.attributes(tenant="acme"):
            yield 1

    opened = numbers()
    next(opened)
    assert current() == {"tenant": "acme"}
    if where == "thread":
        with ThreadPoolExecutor(1) as pool:
            pool.submit(opened.close).result()
    else:
        contextvars.copy_context().run(opened.close)
    assert current() == {}


def test_a_task_keeps_the_attributes_of_a_block_that_has_ended() -> None:
    """A task started within a block has its attributes also after the block."""

    async def later(ended: asyncio.Event) -> Mapping[str, Any]:
        await ended.wait()
        return dict(current())

    async def start() -> Mapping[str, Any]:
        ended = asyncio.Event()
        with toolspan.attributes(tenant="acme"):
            task = asyncio.ensure_future(later(ended))
            await asyncio.sleep(0)
        ended.set()
        return await task

    assert asyncio.run(start()) == {"tenant": "acme"}


def test_leaving_a_block_that_was_not_entered_does_nothing() -> None:
    """A second exit, or one without an entrance, changes nothing and reports nothing."""
    block = toolspan.attributes(a=1)
    with block:
        pass
    block.__exit__(None, None, None)
    assert current() == {}


def test_the_end_of_a_block_leaves_later_ones_alone() -> None:
    """A block that ends while a later one is open leaves that one alone."""
    generator = pieces()
    assert next(generator) == 1
    with toolspan.attributes(tenant="a"):
        assert current() == {"feature": "stream", "tenant": "a"}
        generator.close()
        assert current() == {"tenant": "a"}
    assert current() == {}


def test_context_attached_inside_a_block_stays() -> None:
    """The end of a block keeps context values that were attached inside it."""
    span = trace.NonRecordingSpan(trace.SpanContext(1, 2, is_remote=False))

    def attach() -> None:
        with toolspan.attributes(feature="search"):
            context.attach(trace.set_span_in_context(span))
        assert trace.get_current_span() is span
        assert current() == {}

    contextvars.copy_context().run(attach)


def test_functions_and_coroutine_functions_may_be_decorated() -> None:
    """A decorated function or coroutine function keeps its kind."""

    @toolspan.attributes(feature="search")
    def plain(depth: int = 0) -> Mapping[str, Any]:
        """Look."""
        return plain(depth - 1) if depth else current()

    @toolspan.attributes(feature="rank")
    async def asynchronous() -> Mapping[str, Any]:
        await asyncio.sleep(0)
        return current()

    assert plain(2) == {"feature": "search"}
    assert (plain.__name__, plain.__doc__) == ("plain", "Look.")
    assert inspect.iscoroutinefunction(asynchronous)
    assert asyncio.run(asynchronous()) == {"feature": "rank"}


def test_decorating_a_generator_function_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """A generator function is returned undecorated, with one warning."""
    decorate = toolspan.attributes(feature="search")

    def numbers() -> Iterator[int]:
        yield 1

    async def later() -> Any:
        yield 1

    assert decorate(numbers) is numbers
    assert decorate(later) is later
    assert [record.getMessage() for record in caplog.records] == [
        (
            "toolspan: attributes on a generator function ignored: "
            "they would also apply to the calls of its reader"
        )
    ]


def test_selected_baggage_entries_are_attributes() -> None:
    """Selected baggage entries are attributes, and attributes of a block win over them."""
    carried = baggage.set_baggage("tenant", "a", baggage.set_baggage("secret", "MARKER"))
    token = context.attach(carried)
    try:
        assert current() == {}
        assert current(("tenant", "region")) == {"tenant": "a"}
        with toolspan.attributes(tenant="b", feature="search"):
            assert current(("tenant",)) == {"tenant": "b", "feature": "search"}
    finally:
        context.detach(token)


def test_a_baggage_entry_of_a_wrong_type_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """An entry of a wrong type is left out, with one warning."""
    token = context.attach(baggage.set_baggage("tenant", object()))
    try:
        assert current(("tenant",)) == {}
    finally:
        context.detach(token)
    assert [record.getMessage() for record in caplog.records] == [
        f"toolspan: attribute 'tenant' ignored: object {user_attributes._INVALID}"
    ]


def broken(*args: Any, **kwargs: Any) -> Any:
    """Stands in for a collaborator."""
    raise RuntimeError("MARKER")


FAULTS: dict[str, tuple[Any, str, Callable[[], Any]]] = {
    "context": (user_context.context, "attach", lambda: None),
    "key": (user_context.context, "set_value", lambda: None),
    "value": (user_context.context, "get_value", current),
    "baggage": (user_context.baggage, "get_all", lambda: current(("tenant",))),
    "values": (user_context, "attributes_of", lambda: None),
}


@pytest.mark.parametrize(("owner", "name", "act"), FAULTS.values(), ids=FAULTS)
def test_a_failure_costs_the_attributes_and_raises_nothing(
    owner: Any,
    name: str,
    act: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Any failure costs the attributes and one warning."""
    monkeypatch.setattr(guard, "reraise", False)
    ran = []
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, broken)
        for _ in range(2):
            with toolspan.attributes(feature="search"):
                ran.append(act())
    assert len(ran) == 2
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "MARKER" not in caplog.text
