"""What servers other than OpenAI make of the Responses API: fields left out, ids that change, events missing."""

from __future__ import annotations

from .response_shapes import (
    ASKED,
    BOTH,
    DONE,
    ONE,
    TWO,
    Case,
    added,
    asks,
    begins,
    done,
    ends,
    event,
    function,
    message,
    pieces,
    response,
    says,
    without,
)
from .shapes import ARGS, OTHER, Call

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
        "no-output-in-any-response",
        [*_STARTED, *asks(ONE, 0, 3), event("completed", response={**_SHORT, "status": "completed"})],
        ASKED,
        "tool_calls",
        None,
        model=None,
        whole={**_SHORT, "status": "completed", "output": [ONE]},
        server="Volcengine",
        report="logfire#1683",
    ),
    Case(
        "no-response-in-the-last-event",
        [*begins(), *asks(ONE, 0, 3), event("completed")],
        ASKED,
        "tool_calls",
        None,
        whole=response(ONE, usage=None),
        server="no server known",
        report="no report known",
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
    Case(
        "arguments-already-in-added",
        [*begins(), added(ONE), done(ONE), ends(ONE)],
        DONE,
        "tool_calls",
        server="gateways",
        report="lidge-jun/opencodex#4652",
    ),
    Case(
        "arguments-in-added-and-in-deltas",
        [*begins(), added(ONE), *asks(ONE, 0, 3)[1:], ends(ONE)],
        ASKED,
        "tool_calls",
        server="gateways",
        report="lidge-jun/opencodex#4652",
    ),
    Case(
        "arguments-in-done-only",
        [
            *begins(),
            added(ONE, arguments=""),
            event("function_call_arguments.done", "fc_a", 0, arguments=ARGS),
            ends(),
        ],
        DONE,
        "tool_calls",
        whole=response(ONE),
        server="gateways",
        report="lidge-jun/opencodex#4652",
    ),
    Case(
        "added-twice",
        [*begins(), added(ONE, arguments=""), *asks(ONE, 0, 3), added(ONE), ends(ONE)],
        ASKED,
        "tool_calls",
        server="no server known",
        report="no report known",
    ),
    Case(
        "done-twice",
        [*begins(), *asks(ONE, 0, 3), done(ONE), *says(HELLO, 1, "Hello"), done(HELLO, 1), ends(ONE, HELLO)],
        ASKED,
        "tool_calls",
        text="Hello",
        server="no server known",
        report="no report known",
    ),
    Case(
        "name-comes-late",
        [*begins(), added(ONE, name="", arguments=""), *asks(ONE, 0, 3)[1:], ends(ONE)],
        ASKED,
        "tool_calls",
        server="no server known",
        report="no report known",
    ),
    Case(
        "whole-response-in-the-last-event-only",
        [ends(HELLO, ONE, TWO)],
        [call._replace(closed_by="done") for call in BOTH],
        "tool_calls",
        text="Hello",
        server="gateways",
        report="Sophomoresty/gemini-web2api#57",
    ),
    Case(
        "empty-pieces",
        [
            *begins(),
            *says(HELLO, 0, "", "Hel", "", "lo"),
            *asks(ONE, 1, 0, 3, 3),
            ends(HELLO, ONE),
        ],
        ASKED,
        "tool_calls",
        text="Hello",
        server="gateways",
        report="none: pieces may be empty",
    ),
    Case(
        "pieces-that-are-objects",
        [
            *begins(),
            event("output_text.delta", "msg_1", 0, delta={"type": "output_text", "text": "Hel"}),
            ends(HELLO),
        ],
        [],
        text="Hello",
        server="better-ccflare",
        report="tombii/better-ccflare#233",
    ),
]
