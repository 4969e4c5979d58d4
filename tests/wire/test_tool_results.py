"""What a request brings back, read from histories of every kind; it knows no call that was made before."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from toolspan.wire.tool_results import Returns, anthropic_message, chat_message, response_item, returns_of

from ..table import each_row

USER = {"role": "user", "content": "What now?"}
SYSTEM = {"role": "system", "content": "Be brief."}


def asks(*ids: str) -> dict[str, Any]:
    """Return a message of the model with these calls."""
    return {"role": "assistant", "tool_calls": [{"id": one, "function": {"name": "f"}} for one in ids]}


def result(identity: str) -> dict[str, Any]:
    """The application answers one."""
    return {"role": "tool", "tool_call_id": identity, "content": "fine"}


def call(identity: str, kind: str = "function_call") -> dict[str, Any]:
    """The same, as items of the Responses API."""
    return {"type": kind, "id": f"fc_{identity}", "call_id": identity}


def output(identity: str, kind: str = "function_call_output") -> dict[str, Any]:
    """The result of a call, as an item."""
    return {"type": kind, "call_id": identity, "output": "fine"}


CHATS: dict[str, tuple[Any, Returns]] = {
    "nothing": ([SYSTEM, USER], Returns()),
    "first answer": ([USER, asks("a"), result("a")], Returns(("a",), (), ("a",), 1)),
    "parallel": ([USER, asks("a", "b"), result("a"), result("b")], Returns(("a", "b"), (), ("a", "b"), 1)),
    "one is missing": ([USER, asks("a", "b"), result("a")], Returns(("a",), (), ("a", "b"), 1)),
    "second step": (
        [USER, asks("a"), result("a"), asks("b"), result("b")],
        Returns(("b",), ("a",), ("a", "b"), 2),
    ),
    "an earlier loop": (
        [USER, asks("a"), result("a"), {"role": "assistant", "content": "So."}, USER, asks("b"), result("b")],
        Returns(("b",), (), ("b",), 1),
    ),
    "a new question": ([USER, asks("a"), result("a"), {"role": "assistant", "content": "So."}, USER],
                       Returns((), ("a",), ("a",), 2)),
    "the user speaks after the results": (
        [USER, asks("a"), result("a"), USER],
        Returns(("a",), (), ("a",), 1),
    ),
    "the user interrupts": ([USER, asks("a"), USER], Returns((), (), ("a",), 1)),
    "no ids": ([USER, {"role": "assistant", "tool_calls": None}, {"role": "tool"}], Returns((), (), (), 1)),
    "no list": ("What now?", Returns()),
    "no messages": ([1, None, "x", []], Returns()),
}  # fmt: skip


@each_row(("messages", "expected"), CHATS.values(), ids=CHATS)
def test_new_results_of_a_chat_follow_the_models_last_turn(messages: Any, expected: Returns) -> None:
    """Results after the model's last turn are new; the loop begins with the user's last message."""
    found = returns_of(messages, chat_message)
    assert found._replace(digests=()) == expected
    assert len(found.digests) == len(expected.results)
    assert len(set(found.digests)) <= 1


RESPONSES: dict[str, tuple[Any, Returns]] = {
    "text": ("What now?", Returns()),
    "only results": ([output("a"), output("b")], Returns(("a", "b"))),
    "of every kind": (
        [
            output("a"),
            output("b", "custom_tool_call_output"),
            output("c", "computer_call_output"),
            output("d", "shell_call_output"),
            output("e", "apply_patch_call_output"),
            {"type": "mcp_approval_response", "approval_request_id": "f", "approve": True},
        ],
        Returns(("a", "b", "c", "d", "e", "f")),
    ),
    "whole history": (
        [USER, {"type": "reasoning"}, call("a"), call("b", "custom_tool_call"), output("a"), output("b")],
        Returns(("a", "b"), (), ("a", "b"), 1),
    ),
    "in turns": (
        [USER, call("a"), output("a"), call("b"), output("b")],
        Returns(("b",), ("a",), ("a", "b"), 2),
    ),
    "calls of the server": ([USER, call("a", "web_search_call"), USER], Returns((), (), (), 1)),
    "messages with a type": (
        [{**USER, "type": "message"}, {"type": "message", "role": "assistant"}, {**USER, "type": "message"}],
        Returns((), (), (), 1),
    ),
    "a foreign item": ([{"type": "compaction"}, output("a")], Returns(("a",))),
}


@each_row(("items", "expected"), RESPONSES.values(), ids=RESPONSES)
def test_new_results_of_a_response_are_its_output_items(items: Any, expected: Returns) -> None:
    """Input items are read like messages: results, calls, turns of the model."""
    found = returns_of(items, response_item)
    assert found._replace(digests=()) == expected
    assert len(found.digests) == len(expected.results)
    assert len(set(found.digests)) <= 2  # an approval has another content than an output


def test_a_result_is_known_by_its_content_and_by_the_question_after_it() -> None:
    """Equal results have one hash under any id and in each API; another question makes another hash."""

    def hashes(*last: Any) -> tuple[int, ...]:
        return returns_of([USER, asks("a"), result("a"), *last], chat_message).digests

    assert hashes() == (hash("fine"),) == returns_of([output("b")], response_item).digests
    assert hashes(USER) == hashes(USER) != hashes()
    assert hashes({**USER, "content": "And now?"}) not in (hashes(USER), hashes())
    block = {"type": "tool_result", "tool_use_id": "c", "content": "fine"}
    assert returns_of([{"role": "user", "content": [block]}], anthropic_message).digests == hashes()


def test_second_result_for_one_call_is_repeated() -> None:
    """Results beyond one for each call are repeated."""
    found = Returns(("a", "a", "b"), ("c",), ("a", "b", "c", "d"), 2)
    assert found.repeated == 1
    same_id_twice = Returns(("call_0",), ("call_0",), ("call_0", "call_0"), 2)
    assert same_id_twice.repeated == 0
    assert Returns(("a", "a")).repeated == 1


def test_only_the_end_of_a_long_history_is_read() -> None:
    """Of a history without end only its end is looked at."""
    found = returns_of([asks("a"), *(result(f"r{at}") for at in range(5000))], chat_message)
    assert len(found.results) == 512
    assert found.turns == 0


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["role", "type", "id", "call_id", "tool_calls", "tool_call_id", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(json)
def test_any_history_raises_nothing_and_yields_ids(value: Any) -> None:
    """No history raises an error, and all results are ids."""
    for found in (returns_of(value, chat_message), returns_of(value, response_item)):
        assert all(isinstance(one, str) and one for one in found.results + found.earlier + found.called)
        assert found.repeated >= 0
