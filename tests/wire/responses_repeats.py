"""What servers leave out of the Responses API, or send twice: outputs, last events, arguments, names."""

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
    message,
    response,
    says,
)
from .shapes import ARGS

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
    Case(
        "one-index-for-two-messages",
        [
            *begins(),
            *(
                {**each, "output_index": 0}
                for item in (HELLO, message(" again", "msg_2"))
                for each in says(item, 0, item["content"][0]["text"])
            ),
            ends(HELLO, message(" again", "msg_2")),
        ],
        [],
        text="Hello again",
        server="open-responses-server",
        report="teabranch/open-responses-server#63",
    ),
]
