"""What servers make of places and ids in the Responses API: left out, all the same, other ones each time."""

from __future__ import annotations

from .response_shapes import (
    ASKED,
    BOTH,
    ONE,
    TWO,
    Case,
    added,
    asks,
    begins,
    done,
    ends,
    event,
    message,
    pieces,
    response,
    says,
    without,
)
from .shapes import ARGS, OTHER

HELLO = message()
BARE = {key: part for key, part in ONE.items() if key != "id"}
BARE_TWO = {key: part for key, part in TWO.items() if key != "id"}
_SHORT = {"id": "resp_1", "object": "response", "status": "in_progress"}
_STARTED = [event("created", response=_SHORT), event("in_progress", response=_SHORT)]
_BOTH = [*asks(ONE, 0, 3), *asks(TWO, 1, 4)]
_TOKENS = {"input_tokens": 9, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 0}}


def zero(events: list[dict[str, object]]) -> list[dict[str, object]]:
    """The same events, all at place 0."""
    return [{**each, "output_index": 0} for each in events]


def renamed(item: dict[str, object], suffix: str = "x") -> dict[str, object]:
    """The same item under another id of its own."""
    return {**item, "id": f"{item['id']}_{suffix}"}


CASES = [
    Case(
        "no-index-item-id-is-call-id",
        [
            *_STARTED,
            added(BARE, None, arguments=""),
            *pieces("function_call_arguments", [ARGS[:5], ARGS[5:]], "call_a", None),
            added(BARE_TWO, None, arguments=""),
            *pieces("function_call_arguments", [OTHER[:5], OTHER[5:]], "call_b", None),
            done(BARE, None),
            done(BARE_TWO, None),
            event(
                "completed",
                response={
                    **_SHORT,
                    "status": "completed",
                    "model": "m-1",
                    "output": [BARE, BARE_TWO],
                    "usage": _TOKENS,
                },
            ),
        ],
        BOTH,
        "tool_calls",
        server="llama-server",
        report="llama.cpp 0.7.0",
    ),
    Case(
        "no-index-thought-and-text",
        [
            *_STARTED,
            added(
                {"type": "reasoning", "id": "rs_1", "summary": [], "content": [], "encrypted_content": ""},
                None,
            ),
            *pieces("reasoning_text", ["H", "m."], "rs_1", None),
            *without(says(HELLO, None, "Hel", "lo"), "content_index"),
            ends(
                {"type": "reasoning", "id": "rs_1", "content": [{"type": "reasoning_text", "text": "Hm."}]},
                HELLO,
            ),
        ],
        [],
        text="Hello",
        reasoning="Hm.",
        server="llama-server",
        report="llama.cpp 0.7.0",
    ),
    Case(
        "no-item-id",
        [*begins(), *without(_BOTH, "item_id"), ends(ONE, TWO)],
        BOTH,
        "tool_calls",
        server="gateways",
        report="Oaklight/llm-rosetta#56",
    ),
    Case(
        "no-index-no-item-id",
        [
            *begins(),
            *without([*says(HELLO, 0, "Hel", "lo"), *_BOTH], "item_id", "output_index"),
            ends(HELLO, ONE, TWO),
        ],
        BOTH,
        "tool_calls",
        text="Hello",
        server="gateways",
        report="RESMP-DEV/ccr-rust#25",
    ),
    Case(
        "text-without-any-item",
        [*begins(), event("output_text.delta", delta="Hel"), event("output_text.delta", delta="lo"), ends()],
        [],
        text="Hello",
        whole=response(HELLO),
        server="llm-rosetta",
        report="Oaklight/llm-rosetta#56",
    ),
    Case(
        "text-without-places-then-whole",
        [
            *begins(),
            event("output_text.delta", delta="Hel"),
            event("output_text.delta", delta="lo"),
            ends(HELLO),
        ],
        [],
        text="Hello",
        server="llm-rosetta",
        report="Oaklight/llm-rosetta#56",
    ),
    Case(
        "one-index-for-all",
        [*begins(), *zero([*says(HELLO, 0, "Hello"), *_BOTH]), ends(HELLO, ONE, TWO)],
        BOTH,
        "tool_calls",
        text="Hello",
        server="open-responses-server",
        report="teabranch/open-responses-server#63",
    ),
    Case(
        "ids-change-until-done",
        [*begins(), *asks(ONE, 0, 3)[:-1], done(renamed(ONE)), ends(renamed(ONE, "y"))],
        ASKED,
        "tool_calls",
        server="LiteLLM",
        report="litellm#36375",
    ),
    Case(
        "all-ids-change-until-done",
        [
            *begins(),
            *asks(ONE, 0, 3)[:-1],
            done({**renamed(ONE), "call_id": "call_x"}),
            ends({**renamed(ONE), "call_id": "call_y"}),
        ],
        ASKED,
        "tool_calls",
        whole=response(ONE),
        server="LiteLLM",
        report="litellm#36375",
    ),
    Case(
        "ids-differ-in-every-delta",
        [
            *begins(),
            *(
                event("reasoning_text.delta", f"rs_{at}", 0, delta=text)
                for at, text in enumerate(("H", "m", "."))
            ),
            done({"type": "reasoning", "id": "rs_9", "content": [{"type": "reasoning_text", "text": "Hm."}]}),
            *(
                event("output_text.delta", f"msg_{at}", 1, delta=text)
                for at, text in enumerate(("Hel", "lo"))
            ),
            ends(
                {"type": "reasoning", "id": "rs_z", "content": [{"type": "reasoning_text", "text": "Hm."}]},
                HELLO,
            ),
        ],
        [],
        text="Hello",
        reasoning="Hm.",
        server="LiteLLM",
        report="litellm#36375",
    ),
]
